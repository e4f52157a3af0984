/* async/task.h: a stackful coroutine on one event loop: what `async def` is in Python.
 *
 * A task runs until it awaits (async/await.h) or returns. Its stack is guarded, comes from the
 * loop's cache and never changes thread. A task that dies leaves through its scope (async/scope.h),
 * which runs its deferred clean-ups in reverse order on success, error and cancel alike. All
 * functions: the loop's thread only. */
#pragma once

#include "base/alloc.h"
#include "base/defs.h"

#include <stdbool.h>

struct loop;
struct scope;
struct task;

typedef void task_fn(void *arg);

/* Starts fn(arg) as a task in the next turn, before tasks that used up their slice. `name` (static)
 * is for statistics. The handle is valid until the task has ended; ret_task may be NULL. 0 or
 * -ENOMEM. */
must_check int task_spawn(struct loop *loop, const char *name, task_fn *fn, void *arg,
                          struct task **ret_task);

/* The running task, or NULL when the loop itself runs. */
struct task *task_current(void);

/* What it does from now on (static), for statistics: instead of the name that it was spawned with.
 */
void task_set_name(struct task *task, const char *name);

/* The task's own scope: what was deferred there runs when its function returns. */
struct scope *task_scope(struct task *task);

/* Asks a task to end: its current await, or the next one, returns -ECANCELED, and so does each
 * later one until task_uncancel(). `reason` (not 0) is the caller's to define. The first reason
 * stays. */
void task_cancel(struct task *task, int reason);
int task_cancel_reason(const struct task *task); /* 0: not cancelled */
void task_uncancel(struct task *task);

/* The account that is current whenever this task runs (base/alloc.h); a new task inherits its
 * spawner's. */
void task_set_account(struct task *task, struct account *account);

/* When this task was last resumed, by the loop's clock, and how long ago that is. */
int64_t task_resumed_us(const struct task *task);
int64_t task_held_us(const struct task *task);

/* True once it has held the loop for the loop's time slice: time to await_turn(). */
bool task_slice_over(const struct task *task);
/* The same for who knows what time it is. */
bool task_slice_over_at(const struct task *task, int64_t now_us);

/* Bytes of its own stack that the running task has in use, for guards against deep recursion;
 * 0 on the loop's own stack. */
size_t task_stack_used(void);

/* Runs fn(arg) at once on the loop's big stack, for libraries that recurse deeply; it may not
 * await. Outside a task it is a plain call. */
void task_call_on_loop_stack(void (*fn)(void *arg), void *arg);
