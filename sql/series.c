/* sql/series.c: a row of functions per kind of value.
 * https://www.postgresql.org/docs/15/functions-srf.html */
#include "sql/series.h"

#include "protocol/number.h"
#include "sql/function_date.h"

#include <math.h>

enum { bound_start, bound_stop, bound_step };

struct series_kind {
    uint32_t type;
    int (*begin)(struct series *series, sqlite3_value *const bounds[3], struct failure *f);
    int (*next)(struct series *series, struct failure *f);
    void (*result)(const struct series *series, sqlite3_context *c);
};

static int fail_step_zero(struct failure *f)
{
    return failure_set(f, "22023", "step size cannot equal zero");
}

/* ---- integers ---- */

static uint64_t distance(int64_t a, int64_t b)
{
    return a < b ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b;
}

static int whole_begin(struct series *series, sqlite3_value *const bounds[3], struct failure *f)
{
    int64_t start = sqlite3_value_int64(bounds[bound_start]);
    int64_t stop = sqlite3_value_int64(bounds[bound_stop]);
    int64_t step = sqlite3_value_int64(bounds[bound_step]);

    if (step == 0) {
        return fail_step_zero(f);
    }
    series->done = step > 0 ? start > stop : start < stop;
    series->whole.value = start;
    series->whole.step = step;
    series->whole.left = distance(start, stop) / distance(step, 0);
    return 0;
}

/* As many steps; the caller knows that they do not lead past the end. */
static void whole_skip(struct series *series, uint64_t steps)
{
    series->whole.value =
        (int64_t)((uint64_t)series->whole.value + steps * (uint64_t)series->whole.step);
    series->whole.left -= steps;
    series->number += (int64_t)steps;
}

static int whole_next(struct series *series, struct failure *f)
{
    (void)f;
    if (series->whole.left == 0) {
        series->done = true;
    } else {
        whole_skip(series, 1);
    }
    return 0;
}

static void whole_result(const struct series *series, sqlite3_context *c)
{
    sqlite3_result_int64(c, series->whole.value);
}

static void skip_to(struct series *series, int64_t nearest)
{
    uint64_t by = distance(series->whole.value, nearest);
    uint64_t step = distance(series->whole.step, 0);
    uint64_t steps = by / step + (by % step != 0);

    if (steps > series->whole.left) {
        series->done = true;
    } else {
        whole_skip(series, steps);
    }
}

static void stop_at(struct series *series, int64_t farthest)
{
    uint64_t left = distance(series->whole.value, farthest) / distance(series->whole.step, 0);

    series->whole.left = left < series->whole.left ? left : series->whole.left;
}

static void clamp_whole(struct series *series, int64_t least, int64_t most)
{
    bool up = series->whole.step > 0;
    int64_t nearest = up ? least : most;
    int64_t farthest = up ? most : least;

    if (up ? nearest > series->whole.value : nearest < series->whole.value) {
        skip_to(series, nearest);
    }
    if (up ? farthest < series->whole.value : farthest > series->whole.value) {
        series->done = true;
    } else {
        stop_at(series, farthest);
    }
}

/* ---- numerics ---- */

/* digits * 10^exponent */
struct scaled {
    __int128 digits;
    int exponent;
};

enum { int64_digits_most = 18 }; /* 10^18 fits */

static const __int128 scaled_most = (__int128)1 << 126;

/* NaN is kept as text, the infinities as doubles. 0 or FAILED. */
static int read_scaled(sqlite3_value *v, const char *what, struct scaled *ret, struct failure *f)
{
    int kind = sqlite3_value_numeric_type(v);
    double r = sqlite3_value_double(v);

    if (kind == SQLITE_INTEGER) {
        *ret = (struct scaled){ .digits = sqlite3_value_int64(v) };
        return 0;
    }
    if (kind != SQLITE_FLOAT || isinf(r)) {
        return failure_set(f, "22023", "%s cannot be %s", what,
                           kind == SQLITE_FLOAT ? "infinity" : "NaN");
    }
    struct number_digits n = number_rounded_double(fabs(r), 15);
    *ret = (struct scaled){ r < 0 ? -(__int128)n.digits : (__int128)n.digits, n.exponent };
    return 0;
}

/* With a smaller exponent. False: it has too many digits then. */
static bool scale_down_to(struct scaled *s, int exponent)
{
    for (; s->exponent > exponent && s->digits != 0; s->exponent--) {
        if (s->digits > scaled_most / 10 || s->digits < -scaled_most / 10) {
            return false;
        }
        s->digits *= 10;
    }
    return true;
}

/* The last number with that exponent that is not behind the stop. */
static __int128 stop_with(struct scaled stop, int exponent, bool up)
{
    for (; stop.exponent < exponent && stop.digits != 0; stop.exponent++) {
        int last = (int)(stop.digits % 10);

        stop.digits = stop.digits / 10 + (up ? -(last < 0) : last > 0);
    }
    if (!scale_down_to(&stop, exponent)) {
        return stop.digits > 0 ? scaled_most : -scaled_most;
    }
    return stop.digits;
}

static int exact_set(struct series *series, struct scaled start, struct scaled stop,
                     struct scaled step, struct failure *f)
{
    int exponent = start.exponent < step.exponent ? start.exponent : step.exponent;
    bool up = step.digits > 0;
    __int128 last = stop_with(stop, exponent, up);

    if (!scale_down_to(&start, exponent) || !scale_down_to(&step, exponent)) {
        return failure_set(f, "22003", "numeric value has more than 15 significant digits");
    }
    series->done = up ? start.digits > last : start.digits < last;
    series->exact.value = start.digits;
    series->exact.step = step.digits;
    series->exact.exponent = exponent;
    unsigned __int128 span = up ? (unsigned __int128)last - (unsigned __int128)start.digits
                                : (unsigned __int128)start.digits - (unsigned __int128)last;
    unsigned __int128 left = span / (unsigned __int128)(up ? step.digits : -step.digits);
    series->exact.left = left > UINT64_MAX ? UINT64_MAX : (uint64_t)left;
    return 0;
}

static int exact_begin(struct series *series, sqlite3_value *const bounds[3], struct failure *f)
{
    struct scaled start;
    struct scaled stop;
    struct scaled step;

    if (read_scaled(bounds[bound_start], "start value", &start, f) != 0 ||
        read_scaled(bounds[bound_stop], "stop value", &stop, f) != 0 ||
        read_scaled(bounds[bound_step], "step size", &step, f) != 0) {
        return FAILED;
    }
    return step.digits == 0 ? fail_step_zero(f) : exact_set(series, start, stop, step, f);
}

static int exact_next(struct series *series, struct failure *f)
{
    (void)f;
    if (series->exact.left == 0) {
        series->done = true;
        return 0;
    }
    series->exact.left--;
    series->exact.value += series->exact.step;
    series->number++;
    return 0;
}

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;

    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

/* The nearest double, at the 15 digits that a numeric has. A quotient of two doubles is the nearest
 * one when both are exact: up to 15 digits, and 10^22. */
static double real_of(__int128 digits, int exponent)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    static const __int128 exact_most = 1000000000000000;

    if (digits < exact_most && digits > -exact_most && exponent <= 0 &&
        -exponent < (int)ARRAY_LEN(powers)) {
        return (double)digits / powers[-exponent];
    }
    return fn_settled((double)((long double)digits * powl(10, exponent)));
}

static void exact_result(const struct series *series, sqlite3_context *c)
{
    __int128 digits = series->exact.value;
    int exponent = series->exact.exponent;
    bool small = digits <= INT64_MAX && digits >= INT64_MIN && exponent >= -int64_digits_most;
    int64_t unit = small ? power_of_ten(-exponent) : 0;

    if (small && exponent <= 0 && (int64_t)digits % unit == 0) {
        sqlite3_result_int64(c, (int64_t)digits / unit);
    } else {
        sqlite3_result_double(c, real_of(digits, exponent));
    }
}

/* ---- timestamps ---- */

static int look_ahead(struct series *series, struct failure *f)
{
    int64_t next =
        date_shift(series->zone, series->time.us, series->time.tz, &series->time.step, 1);

    if (!date_is_infinite(next) && !timestamp_is_valid(next)) {
        return failure_set(f, "22008", "timestamp out of range");
    }
    series->time.next_us = next;
    return 0;
}

static int arrive(struct series *series, int64_t us, struct failure *f)
{
    series->time.us = us;
    series->done = series->time.down ? us < series->time.stop_us : us > series->time.stop_us;
    return series->done ? 0 : look_ahead(series, f);
}

static int time_begin(struct series *series, sqlite3_value *const bounds[3], struct failure *f)
{
    int64_t start = 0;
    int64_t stop = 0;
    bool tz;

    if (fn_read_timestamp(bounds[bound_start], &start, &tz, f) != 0 ||
        fn_read_timestamp(bounds[bound_stop], &stop, &tz, f) != 0 ||
        fn_read_interval(bounds[bound_step], &series->time.step, f) != 0) {
        return FAILED;
    }
    int64_t key = date_interval_key(&series->time.step);
    if (key == 0) {
        return fail_step_zero(f);
    }
    series->time.tz = series->kind->type == OID_TIMESTAMPTZ;
    series->time.down = key < 0;
    series->time.stop_us = stop;
    return arrive(series, start, f);
}

static int time_next(struct series *series, struct failure *f)
{
    series->number++;
    return arrive(series, series->time.next_us, f);
}

static void time_result(const struct series *series, sqlite3_context *c)
{
    (void)fn_result_timestamp(c, series->time.us, series->time.tz);
}

/* ---- all kinds ---- */

static const struct series_kind kinds[] = {
    { OID_INT4, whole_begin, whole_next, whole_result },
    { OID_INT8, whole_begin, whole_next, whole_result },
    { OID_NUMERIC, exact_begin, exact_next, exact_result },
    { OID_TIMESTAMP, time_begin, time_next, time_result },
    { OID_TIMESTAMPTZ, time_begin, time_next, time_result },
};

static const struct series_kind *kind_of(uint32_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].type == type) {
            return &kinds[i];
        }
    }
    return NULL;
}

int series_begin(struct series *series, uint32_t type, sqlite3_value *const bounds[3],
                 const struct value_style *zone, struct failure *ret_failure)
{
    *series = (struct series){ .kind = kind_of(type), .zone = zone, .number = 1 };
    for (int i = 0; i < 3; i++) {
        series->done = series->done || sqlite3_value_type(bounds[i]) == SQLITE_NULL;
    }
    if (series->kind == NULL) {
        return failure_set(ret_failure, "XX000", "no series of type %u", type);
    }
    return series->done ? 0 : series->kind->begin(series, bounds, ret_failure);
}

int series_next(struct series *series, struct failure *ret_failure)
{
    return series->kind->next(series, ret_failure);
}

void series_result(const struct series *series, sqlite3_context *context)
{
    series->kind->result(series, context);
}

void series_clamp(struct series *series, int64_t least, int64_t most)
{
    if (!series->done && series->kind->next == whole_next) {
        clamp_whole(series, least, most);
    }
}
