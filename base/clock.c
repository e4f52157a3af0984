/* base/clock.c: the system's clocks, read through the vDSO, and one that tests hold in their hand.
 */
#include "base/clock.h"

#include <time.h>

static int64_t now_of(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_monotonic_us(const struct clock *c)
{
    (void)c;
    return now_of(CLOCK_MONOTONIC);
}

static int64_t system_wall_us(const struct clock *c)
{
    (void)c;
    return now_of(CLOCK_REALTIME);
}

static int64_t system_cpu_us(const struct clock *c)
{
    (void)c;
    return now_of(CLOCK_THREAD_CPUTIME_ID);
}

const struct clock clock_system = {
    .monotonic_us = system_monotonic_us,
    .wall_us = system_wall_us,
    .cpu_us = system_cpu_us,
};

static int64_t manual_now_us(const struct clock *c)
{
    return container_of(c, struct clock_manual, clock)->now_us;
}

static int64_t manual_cpu_us(const struct clock *c)
{
    const struct clock_manual *manual = container_of(c, struct clock_manual, clock);

    return manual->now_us - manual->waited_us;
}

void clock_manual_init(struct clock_manual *c, int64_t now_us)
{
    *c = (struct clock_manual){
        .clock = { .monotonic_us = manual_now_us,
                   .wall_us = manual_now_us,
                   .cpu_us = manual_cpu_us },
        .now_us = now_us,
    };
}

void clock_manual_advance(struct clock_manual *c, int64_t us)
{
    c->now_us += us;
}

void clock_manual_wait(struct clock_manual *c, int64_t us)
{
    c->now_us += us;
    c->waited_us += us;
}

int64_t clock_after_us(const struct clock *c, int64_t us)
{
    int64_t now = clock_now_us(c);
    int64_t then;

    return __builtin_add_overflow(now, us, &then) ? DEADLINE_NONE : then;
}
