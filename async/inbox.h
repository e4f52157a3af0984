/* async/inbox.h: messages to a loop from any thread. Private to async/.
 *
 * Senders push onto a list without a lock and wake the loop only when the list was empty; the loop
 * takes the whole list at once and runs it in the order of sending. */
#pragma once

#include "base/defs.h"

#include <event2/event_struct.h>
#include <stdatomic.h>
#include <stdbool.h>

struct loop;
struct loop_message;

struct inbox {
    _Atomic(struct loop_message *) newest;
    atomic_int senders; /* threads between their push and the end of their wake-up */
    int wake_fd;        /* eventfd; -1: none */
    struct event woken;
};

/* 0 or -errno. It listens only after inbox_listen(). */
must_check int inbox_open(struct inbox *inbox, struct loop *loop);

/* Has the loop's base look at it; -ENOMEM. And no longer: what comes stays where it is. */
must_check int inbox_listen(struct inbox *inbox);
void inbox_ignore(struct inbox *inbox);

/* Waits for senders that are still in the middle. Fine when never opened. */
void inbox_close(struct inbox *inbox);

/* Any thread. */
void inbox_push(struct inbox *inbox, struct loop_message *message);
void inbox_wake(struct inbox *inbox);

bool inbox_is_empty(const struct inbox *inbox);

/* The inbox of a loop. */
struct inbox *loop_inbox(struct loop *loop);

/* Brackets what runs on a loop's thread outside of its rounds: gives who was current, and takes it.
 */
struct loop *loop_callback_begin(struct loop *loop);
void loop_callback_end(struct loop *loop, struct loop *outer);
