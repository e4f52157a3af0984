/* client/gather.c: pond_all(): several tasks at once, all waited for, the first error ends the
 * others. */
#include "async/line.h"
#include "async/task.h"
#include "base/alloc.h"
#include "client/error.h"
#include "client/loop.h"

#include <errno.h>

enum { sibling_failed = 2 };

struct gather {
    struct pond_loop *loop;
    struct pond_job *jobs;
    size_t count;
    struct gather_task *tasks;
    size_t running;
    bool failing; /* the others have been cancelled */
    int result;
    struct pond_error *error; /* of the first that failed */
    struct line ended;        /* the one who waits for all */
};

struct gather_task {
    struct client_task task;
    struct gather *gather;
    bool running;
};

static void cancel_all(struct gather *g)
{
    g->failing = true;
    for (size_t i = 0; i < g->count; i++) {
        if (g->tasks[i].running) {
            task_cancel(g->tasks[i].task.task, sibling_failed);
        }
    }
}

static void job_ended(struct client_task *task, int result)
{
    struct gather_task *self = container_of(task, struct gather_task, task);
    struct gather *g = self->gather;

    self->running = false;
    g->running--;
    g->jobs[self - g->tasks].result = result;
    if (result < 0 && g->result == 0) {
        g->result = result;
        *g->error = task->error;
    }
    if (result < 0 && !g->failing) {
        cancel_all(g);
    }
    if (g->running == 0) {
        line_call_first(&g->ended);
    }
}

static void start_all(struct gather *g)
{
    for (size_t i = 0; i < g->count; i++) {
        g->tasks[i] = (struct gather_task){
            .task = { .fn = g->jobs[i].fn, .arg = g->jobs[i].arg, .ended = job_ended },
            .gather = g,
        };
        g->jobs[i].result = POND_CANCELLED;
    }
    for (size_t i = 0; i < g->count && g->result == 0; i++) {
        g->result = client_task_spawn(&g->tasks[i].task, g->loop, g->error);
        if (g->result == 0) {
            g->tasks[i].running = true;
            g->running++;
        } else {
            cancel_all(g);
        }
    }
}

/* The tasks use this one's memory: it waits for them also when it is cancelled itself. */
static void await_all(struct gather *g)
{
    int reason = 0;

    while (g->running > 0) {
        int r = await_line(&g->ended, NULL, DEADLINE_NONE);

        if (r == -ECANCELED && task_cancel_reason(task_current()) != 0) {
            reason = task_cancel_reason(task_current());
            task_uncancel(task_current());
            cancel_all(g);
        }
    }
    if (reason != 0) {
        task_cancel(task_current(), reason);
    }
}

static int gather_run(void *arg, struct pond_error *error)
{
    struct gather *g = arg;

    cleanup(mem_freep) struct gather_task *tasks = mem_zalloc(g->count * sizeof(*tasks));
    if (tasks == NULL) {
        return error_nomem(error);
    }
    g->tasks = tasks;
    g->error = error;
    start_all(g);
    await_all(g);
    return g->result;
}

int pond_all(struct pond_loop *loop, struct pond_job *jobs, size_t count, struct pond_error *error)
{
    struct gather g = { .loop = loop != NULL ? loop : client_loop_current(),
                        .jobs = jobs,
                        .count = count };

    if (g.loop == NULL) {
        return error_set(error, POND_USAGE, "", "no loop was given, and no task is running");
    }
    return client_call(g.loop, gather_run, &g, error);
}
