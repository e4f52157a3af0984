/* async/loop_private.h: what a loop and a task are made of. Private to async/. */
#pragma once

#include "async/context.h"
#include "async/inbox.h"
#include "async/line.h"
#include "async/loop.h"
#include "async/scope.h"
#include "async/stack.h"
#include "async/task.h"
#include "async/timer.h"

#include <event2/event_struct.h>
#include <sys/queue.h>

enum task_state {
    TASK_NEW,
    TASK_READY, /* in the ready line */
    TASK_SPENT, /* in the line of those that used up their slice */
    TASK_RUNNING,
    TASK_WAITING, /* in an await */
    TASK_ENDED,
};

/* What an await wants to be undone when a time-out or a cancel ends it, at once and not only when
 * the task runs again: a place in a line must not be called any more. */
struct wait {
    void (*undo)(struct wait *wait); /* may be NULL */
    bool firm;                       /* a cancel does not end it */
};

/* Lives at the top of its own stack. */
struct task {
    struct loop *loop;
    const char *name;
    task_fn *fn;
    void *arg;
    struct stack *stack;
    struct context context;
    struct scope scope;
    struct account *account; /* to be current when it runs next */
    TAILQ_ENTRY(task) entry; /* ready or spent */
    enum task_state state;
    uint64_t spent_in; /* the round in which it used up its slice */
    int cancel_reason; /* 0: not cancelled */
    int64_t resumed_us;
    struct wait *wait;
    int wait_result;
    struct timer deadline;
    struct line ended; /* who awaits its end */
};
TAILQ_HEAD(task_list, task);

struct loop {
    unsigned number;
    struct event_base *base;
    const struct clock *clock;
    int64_t time_slice_us;
    struct task_list ready;
    struct task_list spent;
    struct task *running;
    struct context context; /* the loop's own stack */
    struct timers timers;
    struct event alarm; /* ends the wait for I/O when the first timer is due */
    int64_t alarm_us;   /* when it rings; DEADLINE_NONE: not set */
    struct inbox inbox;
    struct stack_cache stacks;
    atomic_bool stopping;
    uint64_t round;
    int64_t
        turn_us;    /* when the next turn begins: read after the poll and at the end of each turn */
    int64_t cpu_us; /* what the thread had used ... */
    int64_t sampled_us; /* ... at that time */
    struct loop_stats stats;
    task_fn *call; /* task_call_on_loop_stack() */
    void *call_arg;
    bool calling;
    void *owner;
    bool driven;   /* the base is somebody else's */
    bool in_round; /* of a driven loop */
};

/* A driven loop shall have a round: something became ready outside of one. */
void loop_kick(struct loop *loop);

/* Each task from its spawn to its end. -ENOMEM. */
must_check int loop_task_begins(struct loop *loop);
void loop_task_ends(struct loop *loop);

/* Asks how much processor time the thread has used. */
void loop_sample_cpu(struct loop *loop);

/* Runs a ready task until it gives up its turn or ends. */
void task_resume(struct task *task);

/* Gives up the turn until task_wake(). The result, or -ETIMEDOUT at the deadline or -ECANCELED by a
 * cancel. wait may be NULL. */
must_check int task_park(struct task *task, int64_t deadline_us, struct wait *wait);

/* Ends a parked task's await. Fine, and without effect, when it has been ended already; says so by
 * false. */
bool task_wake(struct task *task, int result);

/* Gives up the turn behind all others that used up their slice. */
void task_yield(struct task *task);
