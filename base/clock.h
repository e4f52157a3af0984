/* base/clock.h: time as a dependency, so that tests can hold it still. */
#pragma once

#include "base/defs.h"

/* Microseconds. No deadline is DEADLINE_NONE. */
#define DEADLINE_NONE INT64_MAX

struct clock {
    int64_t (*monotonic_us)(const struct clock *);
    int64_t (*wall_us)(const struct clock *); /* since the Unix epoch */
    int64_t (*cpu_us)(const struct clock *);  /* that the calling thread has used; a system call */
};

/* The system's clocks. */
extern const struct clock clock_system;

/* A clock that stands still until told. */
struct clock_manual {
    struct clock clock;
    int64_t now_us;
    int64_t waited_us; /* of that, without a processor */
};

void clock_manual_init(struct clock_manual *c, int64_t now_us);
void clock_manual_advance(struct clock_manual *c, int64_t us);
/* The same while the thread waits for a processor. */
void clock_manual_wait(struct clock_manual *c, int64_t us);

static inline int64_t clock_now_us(const struct clock *c)
{
    return c->monotonic_us(c);
}

static inline int64_t clock_wall_us(const struct clock *c)
{
    return c->wall_us(c);
}

static inline int64_t clock_cpu_us(const struct clock *c)
{
    return c->cpu_us(c);
}

/* now + us, or DEADLINE_NONE when that is past the end of time. */
int64_t clock_after_us(const struct clock *c, int64_t us);
