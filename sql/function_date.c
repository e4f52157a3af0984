/* sql/function_date.c: dates and times: arithmetic with intervals, age, making, time zones.
 * extract, date_trunc and to_char have files of their own, and so have intervals. Values are their
 * storage texts (base/cell.h); a timestamptz is in UTC there, and what is local about it is the
 * session's zone. */
#include "sql/function_date.h"

#include "sql/session_state.h"
#include "sql/timezone.h"

#include <math.h>
#include <strings.h>

int64_t date_floor(int64_t us, int64_t unit)
{
    return us / unit - (us % unit < 0);
}

/* ---- timestamp and interval ---- */

enum { day_most = 110000000 }; /* beyond it no timestamp is valid */

/* Months first (the day is kept, or the month's last), then days, then time. Past the end of the
 * calendar: some value that is no valid timestamp. */
static int64_t add_interval(int64_t us, const struct interval *i, int sign)
{
    int64_t day = date_floor(us, USECS_PER_DAY), time = us - day * USECS_PER_DAY, sum = 0;

    if (i->months != 0) {
        struct civil d = civil_of_days(day);
        int64_t month = (int64_t)d.year * 12 + d.month - 1 + (int64_t)sign * i->months;
        d.year = (int32_t)date_floor(month, 12);
        d.month = (int32_t)(month - (int64_t)d.year * 12) + 1;
        int32_t last = days_in_month(d.year, d.month);
        d.day = d.day < last ? d.day : last;
        day = days_of_civil(d);
    }
    day += (int64_t)sign * i->days;
    if (day > day_most || day < -day_most || __builtin_mul_overflow(day, USECS_PER_DAY, &sum) ||
        __builtin_add_overflow(sum, time, &sum) ||
        (sign > 0 ? __builtin_add_overflow(sum, i->us, &sum)
                  : __builtin_sub_overflow(sum, i->us, &sum))) {
        return INT64_MAX - 1;
    }
    return sum;
}

/* Months or days in the zone. What is no valid timestamp stays none. */
static int64_t add_local(const struct value_style *zone, int64_t us, const struct interval *i,
                         int sign)
{
    if (!timestamp_is_valid(us)) {
        return us;
    }
    int64_t local = us + style_offset_at(zone, us, false) * USECS_PER_SEC;
    local = add_interval(local, i, sign);
    return timestamp_is_valid(local) ? local - style_offset_at(zone, local, true) * USECS_PER_SEC
                                     : local;
}

int64_t date_shift(const struct value_style *zone, int64_t us, bool tz, const struct interval *i,
                   int sign)
{
    struct interval time = { .us = i->us };

    if (date_is_infinite(us)) {
        return us;
    }
    if (!tz) {
        return add_interval(us, i, sign);
    }
    if (i->months != 0) {
        us = add_local(zone, us, &(struct interval){ .months = i->months }, sign);
    }
    if (i->days != 0) {
        us = add_local(zone, us, &(struct interval){ .days = i->days }, sign);
    }
    return timestamp_is_valid(us) ? add_interval(us, &time, sign) : us;
}

static void timestamp_shift(sqlite3_context *c, int n, sqlite3_value **v, int sign)
{
    struct interval i;
    int64_t us = 0;
    bool tz = false;

    if (fn_any_null(n, v) || !fn_timestamp(c, v[0], &us, &tz) || !fn_interval(c, v[1], &i)) {
        return;
    }
    (void)fn_result_timestamp(c, date_shift(&fn_sql(c)->style, us, tz, &i, sign), tz);
}

FN(timestamp_add)
{
    timestamp_shift(c, n, v, 1);
}

FN(timestamp_sub)
{
    timestamp_shift(c, n, v, -1);
}

static bool two_timestamps(sqlite3_context *c, int n, sqlite3_value **v, int64_t *a, int64_t *b)
{
    bool tz = false;

    return !fn_any_null(n, v) && fn_timestamp(c, v[0], a, &tz) && fn_timestamp(c, v[1], b, &tz);
}

FN(timestamp_diff)
{
    int64_t a = 0, b = 0;

    if (!two_timestamps(c, n, v, &a, &b)) {
        return;
    }
    if (date_is_infinite(a) || date_is_infinite(b)) {
        fn_fail(c, "22008", "cannot subtract infinite timestamps");
        return;
    }
    int64_t us = a - b;
    struct interval i = { .days = (int32_t)(us / USECS_PER_DAY), .us = us % USECS_PER_DAY };
    fn_result_interval(c, &i);
}

FN(date_add)
{
    int64_t us = 0;
    bool tz = false;

    if (!fn_any_null(n, v) && fn_timestamp(c, v[0], &us, &tz)) {
        fn_result_date(c, date_floor(us, USECS_PER_DAY) + sqlite3_value_int64(v[1]));
    }
}

FN(date_diff)
{
    int64_t a = 0, b = 0;

    if (two_timestamps(c, n, v, &a, &b)) {
        sqlite3_result_int64(c, date_floor(a, USECS_PER_DAY) - date_floor(b, USECS_PER_DAY));
    }
}

/* ---- time of day ---- */

bool date_time_of(sqlite3_context *c, sqlite3_value *v, int64_t *ret_us)
{
    struct datetime d;
    struct view text = fn_text(v);

    if (datetime_parse(text, DATE_YMD, true, &d) != 0 || !d.has_time) {
        fn_fail(c, "22007", "invalid input syntax for type time: \"%.*s\"",
                (int)(text.len > 100 ? 100 : text.len), (const char *)text.data);
        return false;
    }
    *ret_us = d.time_us;
    return true;
}

static void time_shift(sqlite3_context *c, int n, sqlite3_value **v, int sign)
{
    struct interval i;
    int64_t us = 0;
    char text[datetime_bytes];

    if (fn_any_null(n, v) || !date_time_of(c, v[0], &us) || !fn_interval(c, v[1], &i)) {
        return;
    }
    us += sign * (i.us % USECS_PER_DAY);
    us -= date_floor(us, USECS_PER_DAY) * USECS_PER_DAY;
    fn_result_text(c, text, time_write(us, text));
}

FN(time_add)
{
    time_shift(c, n, v, 1);
}

FN(time_sub)
{
    time_shift(c, n, v, -1);
}

FN(time_diff)
{
    int64_t a = 0, b = 0;

    if (!fn_any_null(n, v) && date_time_of(c, v[0], &a) && date_time_of(c, v[1], &b)) {
        struct interval i = { .us = a - b };
        fn_result_interval(c, &i);
    }
}

/* ---- age ---- */

static struct interval age_between(int64_t a, int64_t b)
{
    bool negative = a < b;
    int64_t late = negative ? b : a, early = negative ? a : b;
    int64_t late_day = date_floor(late, USECS_PER_DAY),
            early_day = date_floor(early, USECS_PER_DAY);
    struct civil l = civil_of_days(late_day), e = civil_of_days(early_day);
    int64_t us = (late - late_day * USECS_PER_DAY) - (early - early_day * USECS_PER_DAY);
    int32_t days = l.day - e.day, months = (l.year - e.year) * 12 + l.month - e.month;

    if (us < 0) {
        us += USECS_PER_DAY;
        days--;
    }
    if (days < 0) {
        days += days_in_month(e.year, e.month);
        months--;
    }
    struct interval i = { .months = months, .days = days, .us = us };
    return negative ? (struct interval){ .months = -months, .days = -days, .us = -us } : i;
}

static int64_t local_of(struct sql_session *sql, int64_t us, bool tz)
{
    return tz ? us + style_offset_at(&sql->style, us, false) * USECS_PER_SEC : us;
}

FN(age)
{
    struct sql_session *sql = fn_sql(c);
    int64_t a = 0, b = 0;
    bool tz = false;

    if (fn_any_null(n, v) || !fn_timestamp(c, v[n - 1], &b, &tz)) {
        return;
    }
    b = local_of(sql, b, tz);
    if (n == 1) { /* from midnight of today */
        a = local_of(sql, sql_now_us(sql) - UNIX_TO_2000_S * USECS_PER_SEC, true);
        a = date_floor(a, USECS_PER_DAY) * USECS_PER_DAY;
    } else if (fn_timestamp(c, v[0], &a, &tz)) {
        a = local_of(sql, a, tz);
    } else {
        return;
    }
    struct interval i = age_between(a, b);
    fn_result_interval(c, &i);
}

/* ---- making ---- */

static bool check_date(sqlite3_context *c, int64_t y, int64_t m, int64_t d)
{
    if (y == 0 || m < 1 || m > 12 || d < 1 || y > 294276 || y < -4713 ||
        d > days_in_month((int32_t)(y > 0 ? y : y + 1), (int32_t)m)) {
        fn_fail(c, "22008", "date field value out of range: %lld-%02lld-%02lld", (long long)y,
                (long long)m, (long long)d);
        return false;
    }
    return true;
}

static int64_t civil_days(int64_t y, int64_t m, int64_t d)
{
    return days_of_civil((struct civil){ (int32_t)(y > 0 ? y : y + 1), (int32_t)m, (int32_t)d });
}

FN(make_date)
{
    if (!fn_any_null(n, v)) {
        int64_t y = sqlite3_value_int64(v[0]), m = sqlite3_value_int64(v[1]),
                d = sqlite3_value_int64(v[2]);
        if (check_date(c, y, m, d)) {
            fn_result_date(c, civil_days(y, m, d));
        }
    }
}

static void make_stamp(sqlite3_context *c, int n, sqlite3_value **v, bool tz)
{
    struct sql_session *sql = fn_sql(c);

    if (fn_any_null(n, v)) {
        return;
    }
    int64_t y = sqlite3_value_int64(v[0]), m = sqlite3_value_int64(v[1]),
            d = sqlite3_value_int64(v[2]);
    if (!check_date(c, y, m, d)) {
        return;
    }
    int64_t us = civil_days(y, m, d) * USECS_PER_DAY + sqlite3_value_int64(v[3]) * 3600000000 +
                 sqlite3_value_int64(v[4]) * 60000000 + llrint(sqlite3_value_double(v[5]) * 1e6);
    (void)fn_result_timestamp(
        c, tz ? us - style_offset_at(&sql->style, us, true) * USECS_PER_SEC : us, tz);
}

FN(make_timestamp)
{
    make_stamp(c, n, v, false);
}

FN(make_timestamptz)
{
    make_stamp(c, n, v, true);
}

FN(from_epoch)
{
    if (!fn_any_null(n, v)) {
        double us = sqlite3_value_double(v[0]) * 1e6;
        if (!(fabs(us) < 9e18)) {
            fn_fail(c, "22008", "timestamp out of range");
            return;
        }
        (void)fn_result_timestamp(c, llrint(us) - UNIX_TO_2000_S * USECS_PER_SEC, true);
    }
}

/* ---- AT TIME ZONE: timezone(zone, value) ---- */

/* A zone by name, or an interval as an offset. */
static bool find_zone(sqlite3_context *c, sqlite3_value *name, struct value_style *style)
{
    const struct zone *zone = NULL;
    struct view text = fn_text(name);
    int r = timezone_find(text, &zone);

    if (r != 0) {
        fn_fail(c, "22023", "time zone \"%.*s\" not recognized",
                (int)(text.len > 100 ? 100 : text.len), (const char *)text.data);
        return false;
    }
    *style = (struct value_style){ .utc_offset = timezone_offset, .zone = zone };
    return true;
}

FN(timezone)
{
    struct value_style style;
    int64_t us = 0;
    bool tz = false;

    if (fn_any_null(n, v) || !find_zone(c, v[0], &style) || !fn_timestamp(c, v[1], &us, &tz)) {
        return;
    }
    if (date_is_infinite(us)) {
        (void)fn_result_timestamp(c, us, !tz);
        return;
    }
    int32_t offset = style_offset_at(&style, us, !tz);
    (void)fn_result_timestamp(c, tz ? us + offset * USECS_PER_SEC : us - offset * USECS_PER_SEC,
                              !tz);
}

FN(isfinite_any)
{
    int64_t us = 0;
    bool tz = false;

    if (!fn_any_null(n, v) && fn_timestamp(c, v[0], &us, &tz)) {
        sqlite3_result_int(c, !date_is_infinite(us));
    }
}

/* clang-format off */
#define T OID_TEXT
#define TS OID_TIMESTAMP
#define TZ OID_TIMESTAMPTZ
#define IV OID_INTERVAL
#define DA OID_DATE
#define TI OID_TIME
#define F8 OID_FLOAT8
#define I4 OID_INT4
#define IN FUNCTION_INTERNAL
#define VO FUNCTION_VOLATILE
#define PT FUNCTION_PASS_TYPES
static const struct function rows[] = {
    { "pond_timestamp_add", 2, 2, { 0 }, RESULT_FIRST, 0, IN | VO, NULL, timestamp_add, NULL, NULL },
    { "pond_timestamp_sub", 2, 2, { 0 }, RESULT_FIRST, 0, IN | VO, NULL, timestamp_sub, NULL, NULL },
    { "pond_timestamp_diff", 2, 2, { 0 }, RESULT_FIXED, IV, IN, NULL, timestamp_diff, NULL, NULL },
    { "pond_date_add", 2, 2, { 0 }, RESULT_FIXED, DA, IN, NULL, date_add, NULL, NULL },
    { "pond_date_diff", 2, 2, { 0 }, RESULT_FIXED, I4, IN, NULL, date_diff, NULL, NULL },
    { "pond_time_add", 2, 2, { 0 }, RESULT_FIXED, TI, IN, NULL, time_add, NULL, NULL },
    { "pond_time_sub", 2, 2, { 0 }, RESULT_FIXED, TI, IN, NULL, time_sub, NULL, NULL },
    { "pond_time_diff", 2, 2, { 0 }, RESULT_FIXED, IV, IN, NULL, time_diff, NULL, NULL },
    { "age", 1, 2, { TZ, TZ }, RESULT_FIXED, IV, VO, NULL, age, NULL, NULL },
    { "age", 1, 2, { TS, TS }, RESULT_FIXED, IV, VO, NULL, NULL, NULL, NULL },
    { "extract", 2, 2, { T, TZ }, RESULT_FIXED, OID_NUMERIC, VO | PT, NULL, function_extract, NULL, NULL },
    { "extract", 2, 2, { T, TS }, RESULT_FIXED, OID_NUMERIC, VO | PT, NULL, NULL, NULL, NULL },
    { "extract", 2, 2, { T, DA }, RESULT_FIXED, OID_NUMERIC, VO | PT, NULL, NULL, NULL, NULL },
    { "extract", 2, 2, { T, TI }, RESULT_FIXED, OID_NUMERIC, VO | PT, NULL, NULL, NULL, NULL },
    { "extract", 2, 2, { T, IV }, RESULT_FIXED, OID_NUMERIC, VO | PT, NULL, NULL, NULL, NULL },
    { "date_part", 2, 2, { T, TZ }, RESULT_FIXED, F8, VO | PT, "extract", NULL, NULL, NULL },
    { "date_part", 2, 2, { T, TS }, RESULT_FIXED, F8, VO | PT, "extract", NULL, NULL, NULL },
    { "date_part", 2, 2, { T, DA }, RESULT_FIXED, F8, VO | PT, "extract", NULL, NULL, NULL },
    { "date_part", 2, 2, { T, TI }, RESULT_FIXED, F8, VO | PT, "extract", NULL, NULL, NULL },
    { "date_part", 2, 2, { T, IV }, RESULT_FIXED, F8, VO | PT, "extract", NULL, NULL, NULL },
    { "date_trunc", 2, 2, { T, TZ }, RESULT_FIXED, TZ, VO, NULL, function_date_trunc, NULL, NULL },
    { "date_trunc", 2, 2, { T, TS }, RESULT_FIXED, TS, VO, NULL, NULL, NULL, NULL },
    { "date_trunc", 2, 2, { T, DA }, RESULT_FIXED, TZ, VO, "pond_date_trunc_date", function_date_trunc_date, NULL, NULL },
    { "date_trunc", 2, 2, { T, IV }, RESULT_FIXED, IV, 0, "pond_date_trunc_interval", function_date_trunc_interval, NULL, NULL },
    { "make_date", 3, 3, { I4, I4, I4 }, RESULT_FIXED, DA, 0, NULL, make_date, NULL, NULL },
    { "make_timestamp", 6, 6, { I4, I4, I4, I4, I4, F8 }, RESULT_FIXED, TS, 0, NULL, make_timestamp, NULL, NULL },
    { "make_timestamptz", 6, 6, { I4, I4, I4, I4, I4, F8 }, RESULT_FIXED, TZ, VO, NULL, make_timestamptz, NULL, NULL },
    { "to_timestamp", 1, 1, { F8 }, RESULT_FIXED, TZ, 0, NULL, from_epoch, NULL, NULL },
    { "timezone", 2, 2, { T, TZ }, RESULT_FIXED, TS, 0, "pond_timezone", timezone, NULL, NULL },
    { "timezone", 2, 2, { T, TS }, RESULT_FIXED, TZ, 0, "pond_timezone", NULL, NULL, NULL },
    { "isfinite", 1, 1, { TZ }, RESULT_FIXED, OID_BOOL, 0, NULL, isfinite_any, NULL, NULL },
    { "isfinite", 1, 1, { TS }, RESULT_FIXED, OID_BOOL, 0, NULL, NULL, NULL, NULL },
    { "isfinite", 1, 1, { DA }, RESULT_FIXED, OID_BOOL, 0, NULL, NULL, NULL, NULL },
    { "to_char", 2, 2, { TZ, T }, RESULT_FIXED, T, VO | PT, NULL, function_to_char, NULL, NULL },
    { "to_char", 2, 2, { TS, T }, RESULT_FIXED, T, VO | PT, NULL, NULL, NULL, NULL },
    { "to_char", 2, 2, { DA, T }, RESULT_FIXED, T, VO | PT, NULL, NULL, NULL, NULL },
    { "to_char", 2, 2, { OID_NUMERIC, T }, RESULT_FIXED, T, VO | PT, NULL, NULL, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_date_table, rows);
