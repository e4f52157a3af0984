/* daemon/log_limit.c: two threads that begin a minute at once may let a line more or less through:
 * it is a limit, not an account. */
#include "daemon/log_limit.h"

static const int64_t minute_us = 60000000;

static uint64_t minute_of(int64_t now_us)
{
    return (uint64_t)(now_us / minute_us);
}

bool log_limit_admits(struct log_limit *limit, int64_t now_us)
{
    uint64_t now = minute_of(now_us);
    uint64_t most = atomic_load_explicit(&limit->most, memory_order_relaxed);
    uint64_t was = atomic_load(&limit->minute);

    if (was != now && atomic_compare_exchange_strong(&limit->minute, &was, now)) {
        atomic_store(&limit->lines, 0);
    }
    if (atomic_fetch_add(&limit->lines, 1) < most || most == 0) {
        return true;
    }
    log_limit_lost(limit, 1);
    return false;
}

void log_limit_lost(struct log_limit *limit, uint64_t count)
{
    atomic_fetch_add(&limit->left_out, count);
}

uint64_t log_limit_take(struct log_limit *limit, int64_t now_us, bool at_once)
{
    if (atomic_load_explicit(&limit->left_out, memory_order_relaxed) == 0 ||
        (!at_once && atomic_load(&limit->minute) == minute_of(now_us))) {
        return 0;
    }
    return atomic_exchange(&limit->left_out, 0);
}
