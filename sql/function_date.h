/* sql/function_date.h: what function_date.c and function_to_char.c share. */
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

void function_to_char(sqlite3_context *c, int n, sqlite3_value **v);
