/* protocol/interval.c: intervals as text: PostgreSQL's own words, ISO 8601 and SQL's. */
#include "protocol/datetime.h"

#include "protocol/blank.h"
#include "protocol/number.h"

#include <math.h>
#include <strings.h>

enum unit_kind { UNIT_USECS, UNIT_DAYS, UNIT_MONTHS };

static const struct unit_row {
    const char *name;
    uint8_t kind;  /* enum unit_kind */
    int64_t scale; /* microseconds, days or months in one */
} units[] = {
    { "us", UNIT_USECS, 1 },
    { "usec", UNIT_USECS, 1 },
    { "usecs", UNIT_USECS, 1 },
    { "microsecond", UNIT_USECS, 1 },
    { "microseconds", UNIT_USECS, 1 },
    { "ms", UNIT_USECS, 1000 },
    { "msec", UNIT_USECS, 1000 },
    { "msecs", UNIT_USECS, 1000 },
    { "millisecond", UNIT_USECS, 1000 },
    { "milliseconds", UNIT_USECS, 1000 },
    { "s", UNIT_USECS, USECS_PER_SEC },
    { "sec", UNIT_USECS, USECS_PER_SEC },
    { "secs", UNIT_USECS, USECS_PER_SEC },
    { "second", UNIT_USECS, USECS_PER_SEC },
    { "seconds", UNIT_USECS, USECS_PER_SEC },
    { "m", UNIT_USECS, 60 * USECS_PER_SEC },
    { "min", UNIT_USECS, 60 * USECS_PER_SEC },
    { "mins", UNIT_USECS, 60 * USECS_PER_SEC },
    { "minute", UNIT_USECS, 60 * USECS_PER_SEC },
    { "minutes", UNIT_USECS, 60 * USECS_PER_SEC },
    { "h", UNIT_USECS, 3600 * USECS_PER_SEC },
    { "hr", UNIT_USECS, 3600 * USECS_PER_SEC },
    { "hrs", UNIT_USECS, 3600 * USECS_PER_SEC },
    { "hour", UNIT_USECS, 3600 * USECS_PER_SEC },
    { "hours", UNIT_USECS, 3600 * USECS_PER_SEC },
    { "d", UNIT_DAYS, 1 },
    { "day", UNIT_DAYS, 1 },
    { "days", UNIT_DAYS, 1 },
    { "w", UNIT_DAYS, 7 },
    { "week", UNIT_DAYS, 7 },
    { "weeks", UNIT_DAYS, 7 },
    { "mon", UNIT_MONTHS, 1 },
    { "mons", UNIT_MONTHS, 1 },
    { "month", UNIT_MONTHS, 1 },
    { "months", UNIT_MONTHS, 1 },
    { "y", UNIT_MONTHS, 12 },
    { "yr", UNIT_MONTHS, 12 },
    { "yrs", UNIT_MONTHS, 12 },
    { "year", UNIT_MONTHS, 12 },
    { "years", UNIT_MONTHS, 12 },
    { "dec", UNIT_MONTHS, 120 },
    { "decs", UNIT_MONTHS, 120 },
    { "decade", UNIT_MONTHS, 120 },
    { "decades", UNIT_MONTHS, 120 },
    { "c", UNIT_MONTHS, 1200 },
    { "cent", UNIT_MONTHS, 1200 },
    { "century", UNIT_MONTHS, 1200 },
    { "centuries", UNIT_MONTHS, 1200 },
    { "mil", UNIT_MONTHS, 12000 },
    { "mils", UNIT_MONTHS, 12000 },
    { "millennium", UNIT_MONTHS, 12000 },
    { "millennia", UNIT_MONTHS, 12000 },
};

/* ISO 8601's letters, before the T and behind it. */
static const struct iso_row {
    char letter;
    bool is_time;
    const char *unit;
} iso_units[] = {
    { 'Y', false, "y" }, { 'M', false, "mon" }, { 'W', false, "w" }, { 'D', false, "d" },
    { 'H', true, "h" },  { 'M', true, "m" },    { 'S', true, "s" },
};

static const struct unit_row *find_unit(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strlen(units[i].name) == name.len &&
            strncasecmp(units[i].name, (const char *)name.data, name.len) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* ---- sums ---- */

static int add_usecs(struct interval *iv, int64_t n, int64_t scale)
{
    int64_t product;

    return __builtin_mul_overflow(n, scale, &product) ||
                   __builtin_add_overflow(iv->us, product, &iv->us)
               ? DATETIME_RANGE
               : 0;
}

static int add_to(int32_t *field, int64_t n, int64_t scale)
{
    int64_t product;

    return __builtin_mul_overflow(n, scale, &product) ||
                   __builtin_add_overflow(*field, product, field)
               ? DATETIME_RANGE
               : 0;
}

/* A fraction of days goes over into microseconds. */
static int add_day_fraction(struct interval *iv, double days)
{
    double whole = trunc(days);
    int r = add_to(&iv->days, (int64_t)whole, 1);

    return r != 0 ? r : add_usecs(iv, (int64_t)rint((days - whole) * (double)USECS_PER_DAY), 1);
}

/* n + fraction of a unit; the fraction has the sign of n. */
static int add_unit(struct interval *iv, const struct unit_row *unit, int64_t n, double fraction)
{
    int r;

    switch ((enum unit_kind)unit->kind) {
    case UNIT_USECS:
        r = add_usecs(iv, n, unit->scale);
        return r != 0 ? r : add_usecs(iv, (int64_t)rint(fraction * (double)unit->scale), 1);
    case UNIT_DAYS:
        r = add_to(&iv->days, n, unit->scale);
        return r != 0 ? r : add_day_fraction(iv, fraction * (double)unit->scale);
    case UNIT_MONTHS:
        r = add_to(&iv->months, n, unit->scale);
        if (r != 0 || unit->scale == 1) { /* part of a month: of 30 days */
            return r != 0 ? r : add_day_fraction(iv, fraction * 30);
        }
        return add_to(&iv->months, (int64_t)rint(fraction * (double)unit->scale), 1);
    }
    return DATETIME_SYNTAX;
}

/* ---- reading ---- */

struct scan {
    const uint8_t *pos;
    const uint8_t *end;
};

static uint8_t peek(const struct scan *s)
{
    return s->pos < s->end ? *s->pos : 0;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_blanks(struct scan *s)
{
    while (is_blank(peek(s))) {
        s->pos++;
    }
}

static bool accept(struct scan *s, uint8_t c)
{
    if (s->pos == s->end || *s->pos != c) {
        return false;
    }
    s->pos++;
    return true;
}

static struct view scan_word(struct scan *s)
{
    const uint8_t *start = s->pos;

    while (is_letter(peek(s))) {
        s->pos++;
    }
    return view_of(start, (size_t)(s->pos - start));
}

static int scan_int(struct scan *s, int64_t *ret_n)
{
    const uint8_t *start = s->pos;
    int64_t n = 0;
    bool overflow = false;

    for (; is_digit(peek(s)); s->pos++) {
        overflow |=
            __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s->pos - '0', &n);
    }
    if (overflow) {
        return DATETIME_RANGE;
    }
    *ret_n = n;
    return s->pos == start ? DATETIME_SYNTAX : 0;
}

/* ".5" behind a number, as 0.5; at most 18 digits count. */
static double scan_fraction(struct scan *s)
{
    double value = 0;
    double unit = 1;

    if (!accept(s, '.')) {
        return 0;
    }
    for (int i = 0; is_digit(peek(s)); s->pos++, i++) {
        if (i < 18) {
            value = value * 10 + (*s->pos - '0');
            unit *= 10;
        }
    }
    return value / unit;
}

/* 04:05[:06.7]: the hours are read already. 5:06.7 is minutes and seconds. */
static int scan_time(struct scan *s, int64_t hours, bool negative, struct interval *iv)
{
    int64_t minutes = 0;
    int64_t seconds = 0;
    double fraction = 0;

    s->pos++;
    int r = scan_int(s, &minutes);

    if (r == 0 && accept(s, ':')) {
        r = scan_int(s, &seconds);
        fraction = scan_fraction(s);
    } else if (r == 0 && peek(s) == '.') {
        fraction = scan_fraction(s);
        seconds = minutes;
        minutes = hours;
        hours = 0;
    }
    if (r != 0) {
        return r;
    }
    if (minutes > 59 || seconds > 60) {
        return DATETIME_RANGE;
    }
    int64_t sign = negative ? -1 : 1;

    r = add_usecs(iv, hours, sign * 3600 * USECS_PER_SEC);
    r = r != 0 ? r : add_usecs(iv, minutes * 60 + seconds, sign * USECS_PER_SEC);
    return r != 0 ? r : add_usecs(iv, (int64_t)rint(fraction * 1e6), sign);
}

/* "1-2": years and months; the years are read already. */
static int scan_year_month(struct scan *s, int64_t years, bool negative, struct interval *iv)
{
    int64_t months;

    s->pos++;
    int r = scan_int(s, &months);

    if (r != 0 || months > 11) {
        return r != 0 ? r : DATETIME_RANGE;
    }
    r = add_to(&iv->months, years, negative ? -12 : 12);
    return r != 0 ? r : add_to(&iv->months, months, negative ? -1 : 1);
}

/* Is the next token a time? Then a number before it counts days. */
static bool time_follows(const struct scan *s)
{
    const uint8_t *p = s->pos;

    if (p < s->end && (*p == '-' || *p == '+')) {
        p++;
    }
    while (p < s->end && is_digit(*p)) {
        p++;
    }
    return p > s->pos && p < s->end && *p == ':';
}

static int scan_quantity(struct scan *s, bool negative, struct interval *iv)
{
    static const struct unit_row day = { "day", UNIT_DAYS, 1 };
    static const struct unit_row second = { "second", UNIT_USECS, USECS_PER_SEC };
    int64_t n = 0;
    int r = peek(s) == '.' ? 0 : scan_int(s, &n);

    if (r != 0) {
        return r;
    }
    if (peek(s) == ':') {
        return scan_time(s, n, negative, iv);
    }
    if (peek(s) == '-') {
        return scan_year_month(s, n, negative, iv);
    }
    double fraction = scan_fraction(s);

    skip_blanks(s);
    const struct unit_row *unit = s->pos == s->end ? &second : time_follows(s) ? &day : NULL;

    if (is_letter(peek(s))) {
        struct scan before = *s;

        unit = find_unit(scan_word(s));
        if (unit == NULL) { /* "5 ago" */
            *s = before;
            unit = &second;
        }
    }
    if (unit == NULL) {
        return DATETIME_SYNTAX;
    }
    return add_unit(iv, unit, negative ? -n : n, negative ? -fraction : fraction);
}

static int negate(struct interval *iv)
{
    if (iv->us == INT64_MIN || iv->days == INT32_MIN || iv->months == INT32_MIN) {
        return DATETIME_RANGE;
    }
    *iv = (struct interval){ .us = -iv->us, .days = -iv->days, .months = -iv->months };
    return 0;
}

static int scan_words(struct scan *s, struct interval *iv)
{
    size_t fields = 0;
    bool is_ago = false;
    int r = 0;

    accept(s, '@');
    for (;;) {
        skip_blanks(s);
        if (s->pos == s->end) {
            break;
        }
        if (is_ago) {
            return DATETIME_SYNTAX;
        }
        if (is_letter(peek(s)) && fields > 0) {
            struct view word = scan_word(s);

            is_ago = word.len == 3 && strncasecmp((const char *)word.data, "ago", 3) == 0;
            if (!is_ago) {
                return DATETIME_SYNTAX;
            }
            continue;
        }
        bool negative = accept(s, '-');

        if (!negative) {
            accept(s, '+');
        }
        skip_blanks(s);
        r = scan_quantity(s, negative, iv);
        if (r != 0) {
            return r;
        }
        fields++;
    }
    if (fields == 0) {
        return DATETIME_SYNTAX;
    }
    return is_ago ? negate(iv) : 0;
}

static const struct unit_row *find_iso_unit(uint8_t letter, bool is_time)
{
    for (size_t i = 0; i < ARRAY_LEN(iso_units); i++) {
        if (iso_units[i].letter == (char)letter && iso_units[i].is_time == is_time) {
            return find_unit(view_of_str(iso_units[i].unit));
        }
    }
    return NULL;
}

/* P1Y2M3DT4H5M6.7S, behind the P */
static int scan_iso(struct scan *s, struct interval *iv)
{
    bool is_time = false;
    size_t fields = 0;

    while (s->pos < s->end) {
        if (!is_time && accept(s, 'T')) {
            is_time = true;
            continue;
        }
        bool negative = accept(s, '-');
        int64_t n = 0;

        if (!negative) {
            accept(s, '+');
        }
        int r = peek(s) == '.' ? 0 : scan_int(s, &n);
        double fraction = scan_fraction(s);
        const struct unit_row *unit = find_iso_unit(peek(s), is_time);

        if (r != 0 || unit == NULL) {
            return r != 0 ? r : DATETIME_SYNTAX;
        }
        s->pos++;
        r = add_unit(iv, unit, negative ? -n : n, negative ? -fraction : fraction);
        if (r != 0) {
            return r;
        }
        fields++;
    }
    return fields == 0 ? DATETIME_SYNTAX : 0;
}

int interval_parse(struct view text, struct interval *ret_interval)
{
    struct scan s = { .pos = text.data, .end = text.data + text.len };
    struct interval iv = { 0 };

    skip_blanks(&s);
    int r = accept(&s, 'P') ? scan_iso(&s, &iv) : scan_words(&s, &iv);

    if (r == 0) {
        *ret_interval = iv;
    }
    return r;
}
