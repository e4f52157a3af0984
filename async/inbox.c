/* async/inbox.c: a stack of messages that is turned round when it is taken. */
#include "async/inbox.h"

#include "async/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct loop_message *oldest_first(struct loop_message *newest)
{
    struct loop_message *first = NULL;

    while (newest != NULL) {
        struct loop_message *message = newest;

        newest = message->next;
        message->next = first;
        first = message;
    }
    return first;
}

static void inbox_run(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    struct inbox *inbox = loop_inbox(loop);
    struct loop *outer = loop_callback_begin(loop);
    eventfd_t count;

    (void)what;
    /* Silenced first, then emptied: a message that comes in between is taken now, one that comes
     * later wakes anew. */
    (void)eventfd_read(fd, &count);
    struct loop_message *message =
        oldest_first(atomic_exchange_explicit(&inbox->newest, NULL, memory_order_acquire));
    while (message != NULL) {
        struct loop_message *next = message->next;

        message->run(loop, message);
        message = next;
    }
    loop_callback_end(loop, outer);
}

int inbox_open(struct inbox *inbox, struct loop *loop)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0) {
        return -errno;
    }
    event_assign(&inbox->woken, loop_base(loop), fd, EV_READ | EV_PERSIST, inbox_run, loop);
    inbox->wake_fd = fd;
    return 0;
}

int inbox_listen(struct inbox *inbox)
{
    return event_add(&inbox->woken, NULL) == 0 ? 0 : -ENOMEM;
}

void inbox_ignore(struct inbox *inbox)
{
    event_del(&inbox->woken);
}

void inbox_close(struct inbox *inbox)
{
    if (inbox->wake_fd < 0) {
        return;
    }
    while (atomic_load_explicit(&inbox->senders, memory_order_acquire) != 0) {
        sched_yield();
    }
    event_del(&inbox->woken);
    close(inbox->wake_fd);
    inbox->wake_fd = -1;
}

static void wake(struct inbox *inbox)
{
    (void)eventfd_write(inbox->wake_fd, 1); /* fails only when 2^64 - 2 wake-ups are pending */
}

void inbox_push(struct inbox *inbox, struct loop_message *message)
{
    struct loop_message *newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);

    /* From the push on, the message may be run and its loop destroyed, but for our mark here. */
    atomic_fetch_add_explicit(&inbox->senders, 1, memory_order_relaxed);
    do {
        message->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&inbox->newest, &newest, message,
                                                    memory_order_release, memory_order_relaxed));
    if (newest == NULL) {
        wake(inbox);
    }
    atomic_fetch_sub_explicit(&inbox->senders, 1, memory_order_release);
}

void inbox_wake(struct inbox *inbox)
{
    atomic_fetch_add_explicit(&inbox->senders, 1, memory_order_relaxed);
    wake(inbox);
    atomic_fetch_sub_explicit(&inbox->senders, 1, memory_order_release);
}

bool inbox_is_empty(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->newest, memory_order_acquire) == NULL;
}
