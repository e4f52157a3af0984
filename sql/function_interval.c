/* sql/function_interval.c: intervals: months, days and time, which are kept apart: a month has as
 * many days, and a day as many hours, as where it is added. */
#include "sql/function_date.h"

#include <math.h>

static void interval_sum(sqlite3_context *c, int n, sqlite3_value **v, int sign)
{
    struct interval a, b;

    if (fn_any_null(n, v) || !fn_interval(c, v[0], &a) || !fn_interval(c, v[1], &b)) {
        return;
    }
    if (__builtin_add_overflow(a.months, sign * b.months, &a.months) ||
        __builtin_add_overflow(a.days, sign * b.days, &a.days) ||
        __builtin_add_overflow(a.us, sign * b.us, &a.us)) {
        fn_fail(c, "22008", "interval out of range");
        return;
    }
    fn_result_interval(c, &a);
}

FN(interval_add)
{
    interval_sum(c, n, v, 1);
}

FN(interval_sub)
{
    interval_sum(c, n, v, -1);
}

FN(interval_neg)
{
    struct interval i;

    if (!fn_any_null(n, v) && fn_interval(c, v[0], &i)) {
        i = (struct interval){ .us = -i.us, .days = -i.days, .months = -i.months };
        fn_result_interval(c, &i);
    }
}

/* What is no whole month becomes days, what is no whole day becomes time. */
static void scale(sqlite3_context *c, const struct interval *i, double by)
{
    double months = i->months * by, days = i->days * by;
    double month_days = (months - trunc(months)) * 30;

    month_days = fabs(month_days - rint(month_days)) < 1e-6 ? rint(month_days) : month_days;
    double rest = (days - trunc(days)) + (month_days - trunc(month_days));
    double us = (double)i->us * by + rint(rest * 86400e6);
    days = trunc(days) + trunc(month_days);
    if (!(fabs(months) < INT32_MAX && fabs(days) < INT32_MAX && fabs(us) < 9e18)) {
        fn_fail(c, "22008", "interval out of range");
        return;
    }
    struct interval result = { .months = (int32_t)months, .days = (int32_t)days, .us = llrint(us) };
    fn_result_interval(c, &result);
}

FN(interval_mul)
{
    struct interval i;

    if (!fn_any_null(n, v) && fn_interval(c, v[0], &i)) {
        scale(c, &i, sqlite3_value_double(v[1]));
    }
}

FN(interval_div)
{
    struct interval i;

    if (fn_any_null(n, v) || !fn_interval(c, v[0], &i)) {
        return;
    }
    double by = sqlite3_value_double(v[1]);
    if (by == 0) {
        fn_fail(c, "22012", "division by zero");
    } else {
        scale(c, &i, 1 / by);
    }
}

int64_t date_interval_key(const struct interval *i)
{
    __int128 key = ((__int128)i->months * 30 + i->days) * USECS_PER_DAY + i->us;

    return key > INT64_MAX ? INT64_MAX : key < INT64_MIN ? INT64_MIN : (int64_t)key;
}

FN(interval_key)
{
    struct interval i;

    if (!fn_any_null(n, v) && fn_interval(c, v[0], &i)) {
        sqlite3_result_int64(c, date_interval_key(&i));
    }
}

FN(justify_hours)
{
    struct interval i;

    if (!fn_any_null(n, v) && fn_interval(c, v[0], &i)) {
        i.days += (int32_t)(i.us / USECS_PER_DAY);
        i.us %= USECS_PER_DAY;
        fn_result_interval(c, &i);
    }
}

FN(make_interval)
{
    int64_t part[6] = { 0 };

    if (fn_any_null(n, v)) {
        return;
    }
    for (int i = 0; i < n && i < 6; i++) {
        part[i] = sqlite3_value_int64(v[i]);
    }
    struct interval i = { .months = (int32_t)(part[0] * 12 + part[1]),
                          .days = (int32_t)(part[2] * 7 + part[3]),
                          .us = part[4] * 3600000000 + part[5] * 60000000 +
                                (n > 6 ? llrint(sqlite3_value_double(v[6]) * 1e6) : 0) };
    fn_result_interval(c, &i);
}

/* clang-format off */
#define IV OID_INTERVAL
#define I4 OID_INT4
#define IN FUNCTION_INTERNAL
static const struct function rows[] = {
    { "pond_interval_add", 2, 2, { 0 }, RESULT_FIXED, IV, IN, NULL, interval_add, NULL, NULL },
    { "pond_interval_sub", 2, 2, { 0 }, RESULT_FIXED, IV, IN, NULL, interval_sub, NULL, NULL },
    { "pond_interval_neg", 1, 1, { 0 }, RESULT_FIXED, IV, IN, NULL, interval_neg, NULL, NULL },
    { "pond_interval_mul", 2, 2, { 0 }, RESULT_FIXED, IV, IN, NULL, interval_mul, NULL, NULL },
    { "pond_interval_div", 2, 2, { 0 }, RESULT_FIXED, IV, IN, NULL, interval_div, NULL, NULL },
    { "pond_interval_key", 1, 1, { 0 }, RESULT_FIXED, OID_INT8, IN, NULL, interval_key, NULL, NULL },
    { "make_interval", 0, 7, { I4, I4, I4, I4, I4, I4 }, RESULT_FIXED, IV, 0, NULL, make_interval, NULL, NULL },
    { "justify_hours", 1, 1, { IV }, RESULT_FIXED, IV, 0, NULL, justify_hours, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_interval_table, rows);
