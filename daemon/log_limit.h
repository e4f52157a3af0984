/* daemon/log_limit.h: so many lines a minute, so that what clients can have logged does not fill a
 * disk. What is over is counted. Any thread; the time is given. */
#pragma once

#include "base/defs.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Zero bytes are one without a limit. */
struct log_limit {
    atomic_uint_fast64_t most;   /* lines a minute; 0: no limit */
    atomic_uint_fast64_t minute; /* in which these were counted */
    atomic_uint_fast64_t lines;
    atomic_uint_fast64_t left_out; /* since it was told last */
};

/* May one more line be written? Else it is counted. */
must_check bool log_limit_admits(struct log_limit *limit, int64_t now_us);

/* So many could not be written, though they were admitted, or taken to be told. */
void log_limit_lost(struct log_limit *limit, uint64_t count);

/* How many were left out; 0 also while the minute in which they were is not over, unless `at_once`.
 * They are counted anew from then on. Asked before the next line is admitted, which begins another
 * minute. */
uint64_t log_limit_take(struct log_limit *limit, int64_t now_us, bool at_once);
