/* async/timer.h: deadlines of one loop, in the order of its clock (which tests hold still).
 *
 * A pairing heap through the timers themselves: starting one takes no memory and so cannot fail.
 * A timer is embedded in its owner. Zero bytes are a stopped timer and an empty heap. Loop's thread
 * only. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct timer {
    int64_t due_us;
    void (*fire)(struct timer *timer); /* on the loop's own stack: it may not await */
    struct timer *child;               /* the first of those that are not earlier */
    struct timer *next;                /* sibling */
    struct timer **link;               /* what points here; NULL: stopped */
};

struct timers {
    struct timer *first; /* the earliest, or NULL */
};

/* A started timer must not be started again. */
void timer_start(struct timers *timers, struct timer *timer, int64_t due_us);

/* Fine for a stopped timer. */
void timer_stop(struct timers *timers, struct timer *timer);

bool timer_is_started(const struct timer *timer);

/* Stops and fires, in order, all that are due at now_us. */
void timers_fire_due(struct timers *timers, int64_t now_us);
