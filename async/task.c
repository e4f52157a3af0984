/* async/task.c: a task's life: spawned, resumed, parked, woken, ended.
 *
 * The task itself lies at the top of its stack, so spawning from a warm cache allocates nothing.
 * Only the loop's own stack resumes tasks: a switch always goes between a task and its loop. */
#include "async/task.h"

#include "async/loop_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define MAY_BECOME(state) (1u << (state))

static const unsigned allowed_moves[] maybe_unused = {
    [TASK_NEW] = MAY_BECOME(TASK_READY),
    [TASK_READY] = MAY_BECOME(TASK_RUNNING),
    [TASK_SPENT] = MAY_BECOME(TASK_RUNNING) | MAY_BECOME(TASK_READY),
    [TASK_RUNNING] = MAY_BECOME(TASK_WAITING) | MAY_BECOME(TASK_SPENT) | MAY_BECOME(TASK_ENDED),
    [TASK_WAITING] = MAY_BECOME(TASK_READY),
    [TASK_ENDED] = 0,
};

/* The one place where a task changes its state, and its line with it. */
static void task_move(struct task *task, enum task_state to)
{
    struct loop *loop = task->loop;

    assert((allowed_moves[task->state] & MAY_BECOME(to)) != 0);
    if (task->state == TASK_READY) {
        TAILQ_REMOVE(&loop->ready, task, entry);
    } else if (task->state == TASK_SPENT) {
        TAILQ_REMOVE(&loop->spent, task, entry);
    }
    task->state = to;
    if (to == TASK_READY) {
        TAILQ_INSERT_TAIL(&loop->ready, task, entry);
        loop_kick(loop);
    } else if (to == TASK_SPENT) {
        task->spent_in = loop->round;
        TAILQ_INSERT_TAIL(&loop->spent, task, entry);
    }
}

struct task *task_current(void)
{
    struct loop *loop = loop_current();

    return loop == NULL ? NULL : loop->running;
}

void task_set_name(struct task *task, const char *name)
{
    task->name = name;
}

struct scope *task_scope(struct task *task)
{
    return &task->scope;
}

/* The first and last frame of every task's stack. */
static void task_main(void *arg)
{
    struct task *task = arg;

    task->fn(task->arg);
    scope_finish(&task->scope);
    task_move(task, TASK_ENDED);
    context_leave(&task->context, &task->loop->context);
}

static void deadline_fires(struct timer *timer)
{
    task_wake(container_of(timer, struct task, deadline), -ETIMEDOUT);
}

/* Cuts the task's own bytes off the top of its stack, by whole cache lines. */
static struct task *task_on(struct stack *stack)
{
    size_t bytes = (sizeof(struct task) + 63) & ~(size_t)63;

    return (struct task *)(stack->bottom + stack->size - bytes);
}

int task_spawn(struct loop *loop, const char *name, task_fn *fn, void *arg, struct task **ret_task)
{
    struct stack *stack = stack_take(&loop->stacks);

    if (stack == NULL) {
        return -ENOMEM;
    }
    int r = loop_task_begins(loop);
    if (r < 0) {
        stack_give(&loop->stacks, stack);
        return r;
    }
    struct task *task = task_on(stack);
    *task = (struct task){
        .loop = loop,
        .name = name,
        .fn = fn,
        .arg = arg,
        .stack = stack,
        .account = account_current(),
        .state = TASK_NEW,
        .deadline = { .fire = deadline_fires },
    };
    context_make(&task->context, stack->bottom, (size_t)((uint8_t *)task - stack->bottom),
                 task_main, task);
    task_move(task, TASK_READY);
    if (ret_task != NULL) {
        *ret_task = task;
    }
    return 0;
}

static void task_bury(struct task *task)
{
    struct loop *loop = task->loop;
    struct stack *stack = task->stack;

    while (line_call_first(&task->ended)) {
    }
    loop_task_ends(loop);
    context_finish(&task->context);
    stack_give(&loop->stacks, stack);
}

/* Switches to the task and comes back when it gives up its turn; runs on the way what it wants to
 * have run here. */
static void task_turn(struct loop *loop, struct task *task)
{
    context_switch(&loop->context, &task->context);
    while (loop->call != NULL) {
        task_fn *call = take_ptr(loop->call);

        call(loop->call_arg);
        context_switch(&loop->context, &task->context);
    }
}

/* The processor time is asked for only when the turn may have been the longest; since the sample
 * before it there was perhaps more than this turn. */
static void note_hold(struct loop *loop, const struct task *task)
{
    struct loop_stats *stats = &loop->stats;
    int64_t held_us = loop->turn_us - task->resumed_us;

    histogram_add(&stats->holds, held_us);
    if (held_us > stats->longest_hold_us) {
        stats->longest_hold_us = held_us;
        stats->longest_hold_by = task->name;
    }
    if (held_us > stats->longest_cpu_us) {
        int64_t before_us = loop->cpu_us;

        loop_sample_cpu(loop);
        held_us = loop->cpu_us - before_us < held_us ? loop->cpu_us - before_us : held_us;
    }
    if (held_us > stats->longest_cpu_us) {
        stats->longest_cpu_us = held_us;
        stats->longest_cpu_by = task->name;
    }
}

void task_resume(struct task *task)
{
    struct loop *loop = task->loop;
    struct account *was = account_swap(task->account);

    task_move(task, TASK_RUNNING);
    task->resumed_us = loop->turn_us;
    loop->stats.turns++;
    loop->running = task;
    task_turn(loop, task);
    loop->running = NULL;
    task->account = account_swap(was);

    loop->turn_us = loop_now_us(loop);
    note_hold(loop, task);
    if (task->state == TASK_ENDED) {
        task_bury(task);
    }
}

int task_park(struct task *task, int64_t deadline_us, struct wait *wait)
{
    struct loop *loop = task->loop;

    assert(loop->running == task && !loop->calling);
    task->wait = wait;
    if (deadline_us != DEADLINE_NONE) {
        timer_start(&loop->timers, &task->deadline, deadline_us);
    }
    task_move(task, TASK_WAITING);
    context_switch(&task->context, &loop->context);
    return task->wait_result;
}

bool task_wake(struct task *task, int result)
{
    if (task->state != TASK_WAITING) {
        return false;
    }
    struct wait *wait = take_ptr(task->wait);
    if (result < 0 && wait != NULL && wait->undo != NULL) {
        wait->undo(wait);
    }
    timer_stop(&task->loop->timers, &task->deadline);
    task->wait_result = result;
    task_move(task, TASK_READY);
    return true;
}

void task_yield(struct task *task)
{
    assert(task->loop->running == task && !task->loop->calling);
    task_move(task, TASK_SPENT);
    context_switch(&task->context, &task->loop->context);
}

void task_cancel(struct task *task, int reason)
{
    assert(reason != 0);
    if (task->cancel_reason != 0) {
        return;
    }
    task->cancel_reason = reason;
    if (task->state == TASK_SPENT) {
        task_move(task, TASK_READY);
    } else if (task->state == TASK_WAITING && (task->wait == NULL || !task->wait->firm)) {
        task_wake(task, -ECANCELED);
    }
}

int task_cancel_reason(const struct task *task)
{
    return task->cancel_reason;
}

void task_uncancel(struct task *task)
{
    task->cancel_reason = 0;
}

void task_set_account(struct task *task, struct account *account)
{
    if (task == task_current()) {
        account_swap(account);
    } else {
        task->account = account;
    }
}

int64_t task_resumed_us(const struct task *task)
{
    return task->resumed_us;
}

int64_t task_held_us(const struct task *task)
{
    return loop_now_us(task->loop) - task->resumed_us;
}

bool task_slice_over_at(const struct task *task, int64_t now_us)
{
    return now_us - task->resumed_us >= task->loop->time_slice_us;
}

bool task_slice_over(const struct task *task)
{
    return task_slice_over_at(task, loop_now_us(task->loop));
}

size_t task_stack_used(void)
{
    struct task *task = task_current();

    if (task == NULL || task->loop->calling) {
        return 0;
    }
    return (uintptr_t)task - (uintptr_t)__builtin_frame_address(0);
}

void task_call_on_loop_stack(void (*fn)(void *arg), void *arg)
{
    struct task *task = task_current();

    if (task == NULL || task->loop->calling) {
        fn(arg);
        return;
    }
    struct loop *loop = task->loop;
    loop->calling = true;
    loop->call = fn;
    loop->call_arg = arg;
    context_switch(&task->context, &loop->context);
    loop->calling = false;
}
