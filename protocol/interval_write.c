/* protocol/interval_write.c: an interval in each IntervalStyle. */
#include "protocol/datetime.h"

#include "protocol/number.h"

struct fields {
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t hour;
    int64_t minute;
    int64_t second;
    int64_t fraction; /* microseconds */
};

struct text {
    char *at;
    bool is_empty;    /* no field yet */
    bool is_negative; /* the field before was */
};

static struct fields fields_of(const struct interval *iv)
{
    return (struct fields){
        .year = iv->months / 12,
        .month = iv->months % 12,
        .day = iv->days,
        .hour = iv->us / (3600 * USECS_PER_SEC),
        .minute = iv->us / (60 * USECS_PER_SEC) % 60,
        .second = iv->us / USECS_PER_SEC % 60,
        .fraction = iv->us % USECS_PER_SEC,
    };
}

static int64_t absolute(int64_t n)
{
    return n < 0 ? -n : n;
}

static void put(struct text *t, char c)
{
    *t->at++ = c;
}

static void put_str(struct text *t, const char *s)
{
    size_t len = strlen(s);

    memcpy(t->at, s, len);
    t->at += len;
}

static void put_int(struct text *t, int64_t n)
{
    t->at += number_write_int(n, t->at);
}

static void put_2(struct text *t, int64_t n)
{
    if (n < 10) {
        put(t, '0');
    }
    put_int(t, n);
}

/* The absolute seconds with their fraction, without zeros at the end. */
static void put_seconds(struct text *t, const struct fields *f, bool two_digits)
{
    int64_t fraction = absolute(f->fraction);

    if (two_digits) {
        put_2(t, absolute(f->second));
    } else {
        put_int(t, absolute(f->second));
    }
    if (fraction == 0) {
        return;
    }
    put(t, '.');
    for (int64_t unit = 100000; fraction > 0; unit /= 10) {
        put(t, (char)('0' + fraction / unit));
        fraction %= unit;
    }
}

static void put_clock(struct text *t, const struct fields *f, bool two_digits)
{
    if (two_digits) {
        put_2(t, absolute(f->hour));
    } else {
        put_int(t, absolute(f->hour));
    }
    put(t, ':');
    put_2(t, absolute(f->minute));
    put(t, ':');
    put_seconds(t, f, true);
}

static bool has_time(const struct fields *f)
{
    return f->hour != 0 || f->minute != 0 || f->second != 0 || f->fraction != 0;
}

static bool is_time_negative(const struct fields *f)
{
    return f->hour < 0 || f->minute < 0 || f->second < 0 || f->fraction < 0;
}

/* "1 year 2 mons -3 days +04:05:06.7" */
static void put_postgres_part(struct text *t, int64_t n, const char *unit)
{
    if (n == 0) {
        return;
    }
    if (!t->is_empty) {
        put(t, ' ');
    }
    if (t->is_negative && n > 0) {
        put(t, '+');
    }
    put_int(t, n);
    put(t, ' ');
    put_str(t, unit);
    if (n != 1) {
        put(t, 's');
    }
    t->is_negative = n < 0;
    t->is_empty = false;
}

static void put_postgres(struct text *t, const struct fields *f)
{
    put_postgres_part(t, f->year, "year");
    put_postgres_part(t, f->month, "mon");
    put_postgres_part(t, f->day, "day");
    if (!t->is_empty && !has_time(f)) {
        return;
    }
    if (!t->is_empty) {
        put(t, ' ');
    }
    if (is_time_negative(f)) {
        put(t, '-');
    } else if (t->is_negative) {
        put(t, '+');
    }
    put_clock(t, f, true);
}

static void put_iso_part(struct text *t, int64_t n, char letter)
{
    if (n != 0) {
        put_int(t, n);
        put(t, letter);
        t->is_empty = false;
    }
}

static void put_iso(struct text *t, const struct fields *f)
{
    put(t, 'P');
    put_iso_part(t, f->year, 'Y');
    put_iso_part(t, f->month, 'M');
    put_iso_part(t, f->day, 'D');
    if (!has_time(f)) {
        put_str(t, t->is_empty ? "T0S" : "");
        return;
    }
    put(t, 'T');
    put_iso_part(t, f->hour, 'H');
    put_iso_part(t, f->minute, 'M');
    if (f->second != 0 || f->fraction != 0) {
        if (f->second < 0 || f->fraction < 0) {
            put(t, '-');
        }
        put_seconds(t, f, false);
        put(t, 'S');
    }
}

/* SQL knows no interval with both months and days, nor one of mixed signs: each part then has its
 * sign. */
static void put_sql(struct text *t, const struct fields *f)
{
    const int64_t parts[] = {
        f->year, f->month, f->day, f->hour, f->minute, f->second, f->fraction
    };
    bool has_negative = false;
    bool has_positive = false;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        has_negative |= parts[i] < 0;
        has_positive |= parts[i] > 0;
    }
    bool has_months = f->year != 0 || f->month != 0;
    bool has_days = f->day != 0 || has_time(f);

    if (!has_negative && !has_positive) {
        put(t, '0');
        return;
    }
    bool is_mixed = (has_negative && has_positive) || (has_months && has_days);

    if (is_mixed || has_months) {
        if (is_mixed || has_negative) {
            put(t, f->year < 0 || f->month < 0 ? '-' : '+');
        }
        put_int(t, absolute(f->year));
        put(t, '-');
        put_int(t, absolute(f->month));
    }
    if (has_months && !is_mixed) {
        return;
    }
    if (is_mixed) {
        put_str(t, f->day < 0 ? " -" : " +");
    } else if (has_negative) {
        put(t, '-');
    }
    if (is_mixed || f->day != 0) {
        put_int(t, absolute(f->day));
        put(t, ' ');
    }
    if (is_mixed) {
        put(t, is_time_negative(f) ? '-' : '+');
    }
    put_clock(t, f, false);
}

/* "@ 1 year -2 mons ago": the first field's sign is the whole's. */
static void put_verbose_part(struct text *t, int64_t n, const char *unit)
{
    if (n == 0) {
        return;
    }
    if (t->is_empty) {
        t->is_negative = n < 0;
    }
    n = t->is_negative ? -n : n;
    put(t, ' ');
    put_int(t, n);
    put(t, ' ');
    put_str(t, unit);
    if (n != 1) {
        put(t, 's');
    }
    t->is_empty = false;
}

static void put_verbose(struct text *t, const struct fields *f)
{
    put(t, '@');
    put_verbose_part(t, f->year, "year");
    put_verbose_part(t, f->month, "mon");
    put_verbose_part(t, f->day, "day");
    put_verbose_part(t, f->hour, "hour");
    put_verbose_part(t, f->minute, "min");
    if (f->second != 0 || f->fraction != 0) {
        bool negative = f->second < 0 || f->fraction < 0;

        if (t->is_empty) {
            t->is_negative = negative;
        }
        put(t, ' ');
        if (negative != t->is_negative) {
            put(t, '-');
        }
        put_seconds(t, f, false);
        put_str(t, absolute(f->second) != 1 || f->fraction != 0 ? " secs" : " sec");
        t->is_empty = false;
    }
    put_str(t, t->is_empty ? " 0" : t->is_negative ? " ago" : "");
}

size_t interval_write(const struct interval *interval, enum interval_output output, char *out)
{
    struct fields f = fields_of(interval);
    struct text t = { .at = out, .is_empty = true };

    switch (output) {
    case INTERVAL_POSTGRES:
        put_postgres(&t, &f);
        break;
    case INTERVAL_ISO_8601:
        put_iso(&t, &f);
        break;
    case INTERVAL_SQL:
        put_sql(&t, &f);
        break;
    case INTERVAL_POSTGRES_VERBOSE:
        put_verbose(&t, &f);
        break;
    }
    return (size_t)(t.at - out);
}
