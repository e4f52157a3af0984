/* sql/series.h: one run of generate_series(start, stop, step), a value at a time: nothing is kept
 * of those that were.
 *
 * Integers count in 64 bits. A numeric counts in whole steps of its last digit, so that nothing
 * drifts: 0.1, 0.2 ... 1.0. Timestamps add the interval to the value before, as PostgreSQL does, so
 * that a month after January 31 is the end of February, and then February's day stays. Pure, but
 * for the zone; embedded by its user. */
#pragma once

#include "protocol/datetime.h"

struct series_kind;
struct sqlite3_context;
struct sqlite3_value;

struct series {
    const struct series_kind *kind;
    const struct value_style *zone; /* of a timestamptz's days; lives as long as the run */
    int64_t number;                 /* of the current row, from 1 */
    bool done;                      /* there is no current row */
    union {
        struct {
            int64_t value;
            int64_t step;
            uint64_t left;
        } whole;
        struct {
            __int128 value; /* times 10^exponent */
            __int128 step;
            int exponent;
            uint64_t left;
        } exact;
        struct {
            int64_t us;
            int64_t next_us; /* PostgreSQL is one value ahead, and fails one value earlier */
            int64_t stop_us;
            struct interval step;
            bool down;
            bool tz;
        } time;
    };
};

/* The type's oid: int4, int8, numeric, timestamp or timestamptz. bounds: start, stop and step in
 * their storage forms; a NULL among them makes an empty series. 0 or FAILED (22023, 22008). */
must_check int series_begin(struct series *series, uint32_t type,
                            struct sqlite3_value *const bounds[3], const struct value_style *zone,
                            struct failure *ret_failure);
must_check int series_next(struct series *series, struct failure *ret_failure);
void series_result(const struct series *series, struct sqlite3_context *context);

/* Skips what lies outside of these, where that can be told: integers. Right after series_begin().
 */
void series_clamp(struct series *series, int64_t least, int64_t most);
