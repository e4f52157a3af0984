/* async/await.c: descriptors, timers, turns and other tasks' ends. Lines are in line.c, calls on
 * other loops in call.c, blocking calls in offload.c. */
#include "async/await.h"

#include "async/await_private.h"
#include "async/loop_private.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>

int await_begin(const struct task *task, int64_t deadline_us)
{
    assert(task != NULL);
    if (task->cancel_reason != 0) {
        return -ECANCELED;
    }
    if (deadline_us != DEADLINE_NONE && deadline_us <= loop_now_us(task->loop)) {
        return -ETIMEDOUT;
    }
    return 0;
}

/* A cancel that came between the wake-up and the turn counts. */
static int await_end(const struct task *task, int result)
{
    return task->cancel_reason != 0 ? -ECANCELED : result;
}

static void fd_is_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    task_wake(arg, 0);
}

static int await_fd(int fd, short what, int64_t deadline_us)
{
    struct task *task = task_current();
    int r = await_begin(task, deadline_us);
    struct event event;

    if (r < 0) {
        return r;
    }
    if (fd < 0) {
        return -EBADF; /* libevent would wait for ever */
    }
    errno = 0;
    if (event_assign(&event, task->loop->base, fd, what, fd_is_ready, task) != 0 ||
        event_add(&event, NULL) != 0) {
        return errno == 0 ? -ENOMEM : -errno;
    }
    r = task_park(task, deadline_us, NULL);
    event_del(&event);
    return await_end(task, r);
}

int await_readable(int fd, int64_t deadline_us)
{
    return await_fd(fd, EV_READ, deadline_us);
}

int await_writable(int fd, int64_t deadline_us)
{
    return await_fd(fd, EV_WRITE, deadline_us);
}

int await_readable_or_writable(int fd, int64_t deadline_us)
{
    return await_fd(fd, EV_READ | EV_WRITE, deadline_us);
}

int await_until(int64_t deadline_us)
{
    struct task *task = task_current();
    int r = await_begin(task, deadline_us);

    if (r == 0) {
        r = await_end(task, task_park(task, deadline_us, NULL));
    }
    return r == -ETIMEDOUT ? 0 : r;
}

int await_turn(void)
{
    struct task *task = task_current();
    int r = await_begin(task, DEADLINE_NONE);

    if (r < 0) {
        return r;
    }
    task_yield(task);
    return await_end(task, 0);
}

int await_task(struct task *task, int64_t deadline_us)
{
    assert(task != task_current());
    return await_line(&task->ended, NULL, deadline_us);
}
