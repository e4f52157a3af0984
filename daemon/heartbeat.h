/* daemon/heartbeat.h: does each loop still turn?
 *
 * Now and then each loop gets a message, which it answers as soon as it comes to its inbox. One
 * that hangs in a task does not. Main thread; the loops may be of any. */
#pragma once

#include "async/loop.h"

#include <stdatomic.h>

struct heart {
    struct loop_message message;
    atomic_bool beats; /* has answered the last message */
    int64_t asked_us;
};

/* Zero bytes are one without loops, whose hearts all beat. It outlives the loops. */
struct heartbeat {
    struct heart hearts[loops_most];
    struct loop *const *loops;
    size_t count;
};

/* The array is borrowed; each of the loops runs from now on. */
void heartbeat_init(struct heartbeat *heartbeat, struct loop *const *loops, size_t count);

/* Sends the next message to each that has answered the last one. True when all had; else tells
 * which loop has been silent for the longest time, and for how long. */
must_check bool heartbeat_ask(struct heartbeat *heartbeat, int64_t now_us, unsigned *ret_silent,
                              int64_t *ret_silent_us);
