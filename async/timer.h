/* async/timer.h: deadlines of one loop, in the order of its clock (which tests hold still).
 *
 * A timer is embedded in its owner; starting one takes no memory and so cannot fail. Zero bytes are
 * a stopped timer and no timers. Loop's thread only. */
#pragma once

#include "async/heap.h"
#include "base/clock.h"
#include "base/defs.h"

#include <stdbool.h>

struct timer {
    struct heap_place place;           /* by the time when it is due */
    void (*fire)(struct timer *timer); /* on the loop's own stack: it may not await */
};

struct timers {
    struct heap heap;
};

/* A started timer must not be started again. */
void timer_start(struct timers *timers, struct timer *timer, int64_t due_us);

/* Fine for a stopped timer. */
void timer_stop(struct timers *timers, struct timer *timer);

static inline bool timer_is_started(const struct timer *timer)
{
    return heap_has(&timer->place);
}

/* When it is due, or was when it last fired. */
static inline int64_t timer_due_us(const struct timer *timer)
{
    return timer->place.key;
}

/* When the first is due; DEADLINE_NONE: none is started. */
static inline int64_t timers_first_us(const struct timers *timers)
{
    return timers->heap.first == NULL ? DEADLINE_NONE : timers->heap.first->key;
}

/* Stops and fires, in order, all that are due at now_us. */
void timers_fire_due(struct timers *timers, int64_t now_us);
