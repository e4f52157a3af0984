/* conf/quantity.h: numbers with units, as pond.conf has them: "64kB", "1.5 s". Pure; any thread. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

#define KIB  INT64_C(1024)
#define MIB  (1024 * KIB)
#define TIB  (1024 * 1024 * MIB)
#define MSEC INT64_C(1000)
#define SEC  (1000 * MSEC)
#define DAY  (86400 * SEC)

struct unit {
    const char *name;
    int64_t factor;
};

/* Each ends with a row without a name. */
extern const struct unit units_none[];
extern const struct unit units_size[]; /* in bytes */
extern const struct unit units_time[]; /* in microseconds */

/* Decimal digits with an optional sign and fraction, then blanks and a unit; a plain number counts
 * in `plain`. Exact in integers; false when it is no such thing or does not fit. */
must_check bool quantity_parse(const char *s, const struct unit *units, int64_t plain,
                               int64_t *ret_value);

/* A count of a unit, as a reader wants to see a limit: the largest unit that divides it. */
void quantity_print(int64_t value, const struct unit *units, char *text, size_t size);
