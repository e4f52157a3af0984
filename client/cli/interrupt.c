/* client/cli/interrupt.c: see interrupt.h. The handler writes into an eventfd, which a task on the
 * connections' loop waits for: it runs while a call of theirs does. From then on SIGALRM comes each
 * second, so that a write that had not begun yet when ^C came ends as well. */
#include "client/cli/interrupt.h"

#include "async/await.h"
#include "base/defs.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { watched_most = 8, grace_s = 3 };

static volatile sig_atomic_t seen;
static volatile sig_atomic_t reminded;
static int wake_fd = -1;
static struct pond_conn *watched[watched_most];
static size_t watched_count;
static const struct pond_loop *watching; /* whose task waits */

static void die(void)
{
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
}

static void handle(int number)
{
    const uint64_t one = 1;

    (void)number;
    seen = 1;
    maybe_unused ssize_t n = write(wake_fd, &one, sizeof(one)); /* nothing to be done about it */
    alarm(1);
}

static void remind(int number)
{
    (void)number;
    if (++reminded == grace_s) {
        die();
    }
    alarm(1);
}

static int wait_for_signal(void *arg, struct pond_error *error)
{
    (void)arg;
    if (await_readable(wake_fd, DEADLINE_NONE) != 0) {
        watching = NULL;
        return 0;
    }
    for (size_t i = 0; i < watched_count; i++) {
        maybe_unused int r = pond_conn_cancel(watched[i], error);
    }
    watching = NULL;
    return 0;
}

static void install(void)
{
    const struct sigaction interrupt = { .sa_handler = handle, .sa_flags = (int)SA_RESETHAND };
    const struct sigaction reminder = { .sa_handler = remind }; /* both without SA_RESTART */
    struct sigaction before;

    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == SIG_DFL) {
        sigaction(SIGALRM, &reminder, NULL);
        sigaction(SIGINT, &interrupt, NULL);
    }
}

void interrupt_watch(struct pond_loop *loop, struct pond_conn *conn)
{
    if (wake_fd < 0) {
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    if (wake_fd < 0 || watched_count == watched_most) {
        return; /* it dies at once, then */
    }
    if (watching != loop) {
        if (pond_spawn(loop, wait_for_signal, NULL, NULL, NULL) != 0) {
            return;
        }
        watching = loop;
    }
    watched[watched_count++] = conn;
    install();
}

void interrupt_forget(const struct pond_conn *conn)
{
    for (size_t i = 0; i < watched_count; i++) {
        if (watched[i] == conn) {
            watched[i] = watched[--watched_count];
            break;
        }
    }
    if (watched_count == 0 && !seen && watching != NULL) {
        struct sigaction now;

        if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == handle) {
            signal(SIGINT, SIG_DFL);
        }
    }
}

int interrupt_fd(void)
{
    return wake_fd;
}

void interrupt_wait(int64_t ms)
{
    struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

    poll(&fd, 1, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

bool interrupt_seen(void)
{
    return seen != 0;
}

void interrupt_end(void)
{
    if (seen) {
        die();
    }
}
