/* async/call.c: a function call that another loop does for a task: one message goes there, another
 * comes back. Both lie on the stack of the task that waits. */
#include "async/await.h"

#include "async/loop_private.h"

#include <assert.h>

struct call {
    void (*fn)(void *arg);
    void *arg;
    struct task *task;
    struct loop_message there;
    struct loop_message back;
};

static void call_is_done(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    task_wake(container_of(message, struct call, back)->task, 0);
}

static void call_run(struct loop *loop, struct loop_message *message)
{
    struct call *call = container_of(message, struct call, there);

    (void)loop;
    call->fn(call->arg);
    loop_send(call->task->loop, &call->back); /* from here on the call is its loop's */
}

void await_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct task *task = task_current();
    struct wait wait = { .firm = true };

    assert(task != NULL);
    if (task->loop == loop) {
        fn(arg);
        return;
    }
    struct call call = {
        .fn = fn,
        .arg = arg,
        .task = task,
        .there.run = call_run,
        .back.run = call_is_done,
    };
    loop_send(loop, &call.there);
    (void)!task_park(task, DEADLINE_NONE, &wait);
}
