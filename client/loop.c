/* client/loop.c: loops, and tasks of the caller's functions. */
#include "client/loop.h"

#include "async/await.h"
#include "async/task.h"
#include "base/alloc.h"
#include "client/error.h"

#include <errno.h>
#include <event2/event.h>

enum { cancel_reason = 1 };

int error_of_await(struct pond_error *error, int r)
{
    switch (r) {
    case -ETIMEDOUT:
        return error_set(error, POND_TIMEOUT, "", "timeout expired");
    case -ECANCELED:
        return error_set(error, POND_CANCELLED, "", "the task was cancelled");
    case -ENOMEM:
        return error_nomem(error);
    default:
        return error_set(error, POND_CONNECT, "08006", "could not wait for the connection: %s",
                         strerror(-r));
    }
}

int64_t client_deadline_us(const struct pond_loop *loop, int64_t timeout_us)
{
    return clock_after_us(loop_clock(loop->loop), timeout_us);
}

/* ---- life ---- */

int client_loop_create(struct loop_options options, struct pond_loop **ret_loop,
                       struct pond_error *error)
{
    cleanup(mem_freep) struct pond_loop *loop = mem_zalloc(sizeof(*loop));

    if (loop == NULL) {
        return error_nomem(error);
    }
    options.owner = loop;
    int r = loop_create(&options, &loop->loop);
    if (r < 0) {
        return r == -ENOMEM ? error_nomem(error)
                            : error_set(error, POND_USAGE, "", "could not make an event loop: %s",
                                        strerror(-r));
    }
    loop->refs = 1;
    TAILQ_INIT(&loop->tasks);
    *ret_loop = take_ptr(loop);
    return 0;
}

int pond_loop_create(struct pond_loop **ret_loop, struct pond_error *error)
{
    return client_loop_create((struct loop_options){ 0 }, ret_loop, error);
}

int pond_loop_create_on(struct event_base *base, struct pond_loop **ret_loop,
                        struct pond_error *error)
{
    return client_loop_create((struct loop_options){ .base = base }, ret_loop, error);
}

struct pond_loop *client_loop_ref(struct pond_loop *loop)
{
    loop->refs++;
    return loop;
}

static void loop_free(struct pond_loop *loop)
{
    loop_destroy(loop->loop);
    mem_free(loop);
}

static void free_outside(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    loop_free(arg);
}

/* Whoever runs a loop of our own holds a reference; so the last one goes inside of a task on a
 * driven loop only, and then the base frees it, when that task has ended. */
void client_loop_unref(struct pond_loop *loop)
{
    if (--loop->refs != 0) {
        return;
    }
    if (loop_current() == loop->loop) {
        event_assign(&loop->end, loop_base(loop->loop), -1, 0, free_outside, loop);
        event_active(&loop->end, EV_TIMEOUT, 0);
    } else {
        loop_free(loop);
    }
}

void pond_loop_destroy(struct pond_loop *loop)
{
    struct client_task *task;

    if (loop == NULL) {
        return;
    }
    TAILQ_FOREACH (task, &loop->tasks, entry) {
        task_cancel(task->task, cancel_reason);
    }
    if (!loop_is_driven(loop->loop) && loop_current() == NULL) {
        maybe_unused int r = loop_run_until_idle(loop->loop);
    }
    client_loop_unref(loop);
}

struct pond_loop *client_loop_current(void)
{
    return task_current() == NULL ? NULL : loop_owner(loop_current());
}

int client_loop_for(struct pond_loop *given, struct pond_loop **ret_loop, struct pond_error *error)
{
    struct pond_loop *loop = given != NULL ? given : client_loop_current();

    if (loop != NULL) {
        *ret_loop = client_loop_ref(loop);
        return 0;
    }
    return pond_loop_create(ret_loop, error);
}

int pond_loop_run(struct pond_loop *loop, struct pond_error *error)
{
    if (loop_is_driven(loop->loop) || loop_current() != NULL) {
        return error_set(error, POND_USAGE, "", "this loop is run by somebody else already");
    }
    client_loop_ref(loop);
    int r = loop_run_until_idle(loop->loop);
    client_loop_unref(loop);
    return r == 0 ? 0 : error_of_await(error, r);
}

/* ---- calls ---- */

struct call {
    pond_fn *fn;
    void *arg;
    struct pond_error *error;
    int result;
    bool done;
};

static void run_call(void *arg)
{
    struct call *call = arg;

    call->result = call->fn(call->arg, call->error);
    call->done = true;
}

/* Outside of any task. */
static int call_blocking(struct pond_loop *loop, struct call *call)
{
    if (loop_is_driven(loop->loop) || loop_current() != NULL) {
        return error_set(call->error, POND_USAGE, "",
                         "a call that would block was made outside of a task");
    }
    client_loop_ref(loop); /* the call may end what holds the others */
    int r = task_spawn(loop->loop, "call", run_call, call, NULL);
    if (r == 0) {
        r = loop_run_until(loop->loop, &call->done);
    }
    client_loop_unref(loop);
    return r == 0 ? call->result : error_of_await(call->error, r);
}

int client_call(struct pond_loop *loop, pond_fn *fn, void *arg, struct pond_error *error)
{
    struct pond_error own;
    struct call call = { .fn = fn, .arg = arg, .error = error == NULL ? &own : error };

    if (task_current() == NULL) {
        return call_blocking(loop, &call);
    }
    if (loop_current() != loop->loop) {
        return error_set(error, POND_USAGE, "", "the object belongs to another loop");
    }
    return fn(arg, call.error);
}

/* ---- tasks ---- */

static void run_task(void *arg)
{
    struct client_task *task = arg;
    struct pond_loop *loop = task->loop;
    int r = task_cancel_reason(task_current()) != 0 ? error_of_await(&task->error, -ECANCELED)
                                                    : task->fn(task->arg, &task->error);

    TAILQ_REMOVE(&loop->tasks, task, entry);
    task->ended(task, r);
    client_loop_unref(loop);
}

int client_task_spawn(struct client_task *task, struct pond_loop *loop, struct pond_error *error)
{
    task->loop = loop;
    task->error = (struct pond_error){ 0 };
    if (task_spawn(loop->loop, "pond", run_task, task, &task->task) < 0) {
        return error_nomem(error);
    }
    client_loop_ref(loop);
    TAILQ_INSERT_TAIL(&loop->tasks, task, entry);
    return 0;
}

struct spawned {
    struct client_task task;
    pond_done_fn *done;
    void *arg;
};

static void spawned_ended(struct client_task *task, int result)
{
    struct spawned *spawned = container_of(task, struct spawned, task);

    if (spawned->done != NULL) {
        spawned->done(spawned->arg, result, &task->error);
    }
    mem_free(spawned);
}

int pond_spawn(struct pond_loop *loop, pond_fn *fn, void *arg, pond_done_fn *done,
               struct pond_error *error)
{
    cleanup(mem_freep) struct spawned *spawned = mem_alloc(sizeof(*spawned));

    loop = loop != NULL ? loop : client_loop_current();
    if (loop == NULL) {
        return error_set(error, POND_USAGE, "", "no loop was given, and no task is running");
    }
    if (spawned == NULL) {
        return error_nomem(error);
    }
    *spawned = (struct spawned){
        .task = { .fn = fn, .arg = arg, .ended = spawned_ended },
        .done = done,
        .arg = arg,
    };
    int r = client_task_spawn(&spawned->task, loop, error);
    if (r == 0) {
        take_ptr(spawned);
    }
    return r;
}

bool pond_in_task(void)
{
    return client_loop_current() != NULL;
}

int pond_sleep(int64_t ms, struct pond_error *error)
{
    struct pond_loop *loop = client_loop_current();

    if (loop == NULL) {
        return error_set(error, POND_USAGE, "", "only a task can sleep");
    }
    int r = ms <= 0 ? await_turn() : await_until(client_deadline_us(loop, ms * 1000));
    return r == 0 ? 0 : error_of_await(error, r);
}
