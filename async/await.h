/* async/await.h: the places where a task gives up its turn. Each is for the running task only.
 *
 * All return 0, -ETIMEDOUT at the deadline (microseconds of the loop's monotonic clock,
 * DEADLINE_NONE: never), or -ECANCELED once task_cancel() was called; they return at once when that
 * has already happened. */
#pragma once

#include "base/clock.h"
#include "base/defs.h"

#include <stdbool.h>

/* Until the descriptor can be read or written without blocking, is hung up or in error. Also
 * -ENOMEM, or -errno when the descriptor is none that can be awaited. */
must_check int await_readable(int fd, int64_t deadline_us);
must_check int await_writable(int fd, int64_t deadline_us);
must_check int await_readable_or_writable(int fd, int64_t deadline_us); /* whichever comes first */

/* Until the deadline (then 0, not -ETIMEDOUT). */
must_check int await_until(int64_t deadline_us);

/* One turn: goes behind all others that used up their slice. */
must_check int await_turn(void);

/* Runs fn(arg) on a helper thread and waits for its end. It runs even when the task has been
 * cancelled (it may be an fsync or a clean-up) and is never abandoned: the cancel is reported by
 * the next await. What it allocates is charged to the task's account. fn may run a private loop of
 * its own; an await_offload() in there runs its fn at once, on the same helper thread. 0; -EAGAIN
 * when there is no helper thread and none can be started, which is no more once there was one. */
must_check int await_offload(void (*fn)(void *arg), void *arg);

/* Runs fn(arg) on another loop's thread (not in a task: it may not await) and waits for its end.
 * Its time is short, and it is never abandoned: a cancel is reported by the next await. On the own
 * loop it is a plain call. That loop must live until then. */
struct loop;
void await_call(struct loop *loop, void (*fn)(void *arg), void *arg);

/* Until another task ends (a handle that has ended already must not be passed). */
struct task;
must_check int await_task(struct task *task, int64_t deadline_us);
