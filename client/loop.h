/* client/loop.h: what a pond_loop is, and how a call runs: in the task that calls, or, outside of
 * any, in one made for it while the loop runs. */
#pragma once

#include "async/loop.h"
#include "client/pond.h"

#include <event2/event_struct.h>
#include <sys/queue.h>

struct client_task;
TAILQ_HEAD(client_tasks, client_task);

/* Counted: the owner's reference, and one of each object that lives on it. */
struct pond_loop {
    struct loop *loop;
    size_t refs;
    struct client_tasks tasks; /* to be cancelled at the end */
    struct event end;          /* see client_loop_unref() */
};

/* options->owner is set here. 0 or a kind. */
must_check int client_loop_create(struct loop_options options, struct pond_loop **ret_loop,
                                  struct pond_error *error);
struct pond_loop *client_loop_ref(struct pond_loop *loop);
void client_loop_unref(struct pond_loop *loop);

/* The running task's, or NULL. */
struct pond_loop *client_loop_current(void);

/* The loop that a new object lives on, with a reference for it: the one given, the running task's,
 * or one of its own. */
must_check int client_loop_for(struct pond_loop *given, struct pond_loop **ret_loop,
                               struct pond_error *error);

/* Runs fn(arg), which may await. fn gets an error that is not NULL. */
must_check int client_call(struct pond_loop *loop, pond_fn *fn, void *arg,
                           struct pond_error *error);

/* A task that pond_loop_destroy() cancels; of pond_spawn() and pond_all(). Its memory is its
 * owner's from the spawn until `ended`, which runs as the last thing in the task. */
struct client_task {
    pond_fn *fn;
    void *arg;
    void (*ended)(struct client_task *self, int result);
    struct pond_error error;
    TAILQ_ENTRY(client_task) entry;
    struct pond_loop *loop;
    struct task *task;
};
must_check int client_task_spawn(struct client_task *task, struct pond_loop *loop,
                                 struct pond_error *error);

/* What an await said, in the user's words. */
int error_of_await(struct pond_error *error, int r);

int64_t client_deadline_us(const struct pond_loop *loop, int64_t timeout_us);
