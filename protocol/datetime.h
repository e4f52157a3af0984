/* protocol/datetime.h: dates, times and intervals to and from text.
 *
 * A timestamp is microseconds, a date is days since 2000-01-01, as in PostgreSQL's binary forms;
 * the calendar is the proleptic Gregorian one. Parsers answer with a DATETIME_ code that value.c
 * puts into PostgreSQL's words. Writers put no NUL and at most datetime_bytes. Pure; any thread. */
#pragma once

#include "protocol/value.h"

enum {
    DATETIME_SYNTAX = 1,       /* 22007 invalid input syntax */
    DATETIME_FIELD = 2,        /* 22008 a field is out of range: 2024-02-30 */
    DATETIME_FIELD_ORDER = 3,  /* 22008 the same, and the DateStyle may be to blame: 2024-13-01 */
    DATETIME_RANGE = 4,        /* 22008 no such timestamp: past the end of the calendar */
    DATETIME_ZONE = 5,         /* 22009 a displacement that no zone has */
    DATETIME_UNKNOWN_ZONE = 6, /* 22023 a zone's name that is not known here */
    DATETIME_UNSUPPORTED = 7,  /* 0A000 now, today and the like */
};

enum { datetime_bytes = 128 };

#define USECS_PER_SEC  INT64_C(1000000)
#define USECS_PER_DAY  INT64_C(86400000000)
#define UNIX_TO_2000_S INT64_C(946684800)

#define TIMESTAMP_INFINITY  INT64_MAX
#define TIMESTAMP_MINUS_INF INT64_MIN
#define DATE_INFINITY       INT32_MAX
#define DATE_MINUS_INF      INT32_MIN

struct civil {
    int32_t year; /* 0 is 1 BC */
    int32_t month;
    int32_t day;
};

enum { days_before_2000 = 730425 }; /* since 0000-03-01 */

/* Days since 2000-01-01. Years start in March here, so that the leap day comes last, and are
 * counted from one that is before all that an int32_t can name. Inline, as a struct civil that
 * passes through memory costs more than this. */
static inline int64_t days_of_civil(struct civil c)
{
    enum { eras = 1 << 23, years_per_era = 400, days_per_era = 146097 };
    bool is_early = c.month <= 2;
    uint64_t year = (uint64_t)((int64_t)c.year - is_early + (int64_t)eras * years_per_era);
    uint64_t days = year * 365 + year / 4 - year / 100 + year / 400;
    int32_t month = c.month + (is_early ? 9 : -3);

    return (int64_t)days - (int64_t)eras * days_per_era + (153 * month + 2) / 5 + c.day - 1 -
           days_before_2000;
}

/* And back. */
struct civil civil_of_days(int64_t days);
int32_t days_in_month(int32_t year, int32_t month);

/* What a date/time text said. */
struct datetime {
    bool has_date;
    bool has_time;
    bool has_zone;
    int8_t infinity; /* 1, -1; 0: finite */
    bool is_epoch;
    struct civil date;
    int64_t time_us;    /* 0 to 24:00:00 */
    int32_t zone_s;     /* east of UTC */
    char zone_name[40]; /* DATETIME_UNKNOWN_ZONE: which */
};

/* is_time: a bare 101500 is a time, not a date. */
must_check int datetime_parse(struct view text, enum date_order order, bool is_time,
                              struct datetime *ret_datetime);

/* "24:00:00" as "00:00:00"; precision 0 to 6, else not rounded. */
int64_t time_round(int64_t us, int32_t precision);

/* Do these PostgreSQL 15's bounds allow? 4713 BC to 294276 AD (dates: 5874897). */
bool timestamp_is_valid(int64_t us);
bool date_is_valid(int64_t days);

size_t date_write(int32_t days, const struct value_style *style, char *out);
size_t time_write(int64_t us, char *out);
size_t timetz_write(int64_t us, int32_t zone_s, char *out);
size_t timestamp_write(int64_t us, const struct value_style *style, char *out);
/* In the style's zone. */
size_t timestamptz_write(int64_t us, const struct value_style *style, char *out);

/* Seconds east of UTC in the style's zone: at an instant, or at that local time. */
int32_t style_offset_at(const struct value_style *style, int64_t timestamp_us, bool is_local);

/* ---- intervals (protocol/interval.c) ---- */

struct interval {
    int64_t us;
    int32_t days;
    int32_t months;
};

must_check int interval_parse(struct view text, struct interval *ret_interval);
size_t interval_write(const struct interval *interval, enum interval_output output, char *out);
