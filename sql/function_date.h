/* sql/function_date.h: what the files of dates, times and intervals lend to each other and to
 * series.c.
 */
#pragma once

#include "sql/function_support.h"

/* A date or timestamp taken apart; a timestamptz as the session's zone shows it. */
struct date_fields {
    int64_t us;    /* as it is */
    int64_t local; /* with the zone's offset */
    bool tz, infinite;
    int32_t offset; /* seconds east */
    int64_t day;    /* since 2000-01-01 */
    int64_t time;   /* microseconds of the day */
    struct civil date;
    int day_of_week; /* Sunday is 0 */
    int day_of_year;
    int32_t iso_year;
    int iso_week;
};

/* False: failed. */
bool date_split(sqlite3_context *c, sqlite3_value *v, struct date_fields *ret_fields);
int64_t date_floor(int64_t us, int64_t unit);

bool date_time_of(sqlite3_context *c, sqlite3_value *v, int64_t *ret_us);

/* A timestamp and an interval; the days and months of a timestamptz are the zone's. Infinity stays;
 * past the end of the calendar the result is no valid timestamp. */
int64_t date_shift(const struct value_style *zone, int64_t us, bool tz, const struct interval *i,
                   int sign);
/* function_interval.c: what orders intervals in PostgreSQL: a month has 30 days. */
int64_t date_interval_key(const struct interval *i);

static inline bool date_is_infinite(int64_t us)
{
    return us == TIMESTAMP_INFINITY || us == TIMESTAMP_MINUS_INF;
}

/* function_extract.c, function_to_char.c */
void function_extract(sqlite3_context *c, int n, sqlite3_value **v);
void function_date_trunc(sqlite3_context *c, int n, sqlite3_value **v);
void function_date_trunc_date(sqlite3_context *c, int n, sqlite3_value **v);
void function_date_trunc_interval(sqlite3_context *c, int n, sqlite3_value **v);
void function_to_char(sqlite3_context *c, int n, sqlite3_value **v);
