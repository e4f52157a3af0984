/* protocol/datetime.c: the calendar, and dates and times as text in every DateStyle. */
#include "protocol/datetime.h"

enum {
    date_first = -2451545,  /* 4714-11-24 BC, Julian day 0 */
    date_past = 2145031949, /* 5874898-06-03 */
};

/* From 4714-11-24 BC to 294276-12-31 AD. */
#define TIMESTAMP_FIRST INT64_C(-211813488000000000)
#define TIMESTAMP_PAST  INT64_C(9223371331200000000)

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* ---- the calendar ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

struct civil civil_of_days(int64_t days)
{
    int64_t z = days + days_before_2000;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    return (struct civil){
        .year = (int32_t)(year_of_era + era * 400 + (month >= 10)),
        .month = (int32_t)(month < 10 ? month + 3 : month - 9),
        .day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

int32_t days_in_month(int32_t year, int32_t month)
{
    static const int8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && is_leap ? 29 : days[month - 1];
}

bool timestamp_is_valid(int64_t us)
{
    return us == TIMESTAMP_INFINITY || us == TIMESTAMP_MINUS_INF ||
           (us >= TIMESTAMP_FIRST && us < TIMESTAMP_PAST);
}

bool date_is_valid(int64_t days)
{
    return days == DATE_INFINITY || days == DATE_MINUS_INF ||
           (days >= date_first && days < date_past);
}

int64_t time_round(int64_t us, int32_t precision)
{
    int64_t unit = 1;

    if (precision < 0 || precision >= 6 || us == TIMESTAMP_INFINITY || us == TIMESTAMP_MINUS_INF) {
        return us;
    }
    for (int32_t i = precision; i < 6; i++) {
        unit *= 10;
    }
    return us < 0 ? -((-us + unit / 2) / unit * unit) : (us + unit / 2) / unit * unit;
}

int32_t style_offset_at(const struct value_style *style, int64_t timestamp_us, bool is_local)
{
    if (style == NULL || style->utc_offset == NULL) {
        return 0;
    }
    return style->utc_offset(style->zone, floor_div(timestamp_us, USECS_PER_SEC) + UNIX_TO_2000_S,
                             is_local);
}

/* ---- writing ---- */

struct text {
    char *at;
};

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

/* At least `width` digits. */
static void put_int(struct text *t, int64_t n, int width)
{
    char digits[20];
    int count = 0;

    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    for (int i = count; i < width; i++) {
        put(t, '0');
    }
    while (count > 0) {
        put(t, digits[--count]);
    }
}

static void put_2(struct text *t, int64_t n)
{
    put(t, (char)('0' + n / 10));
    put(t, (char)('0' + n % 10));
}

static void put_time(struct text *t, int64_t us)
{
    int64_t s = us / USECS_PER_SEC;
    int64_t fraction = us % USECS_PER_SEC;

    put_2(t, s / 3600);
    put(t, ':');
    put_2(t, s / 60 % 60);
    put(t, ':');
    put_2(t, s % 60);
    if (fraction == 0) {
        return;
    }
    put(t, '.');
    put_int(t, fraction, 6);
    while (t->at[-1] == '0') {
        t->at--;
    }
}

/* +HH[:MM[:SS]] */
static void put_zone(struct text *t, int32_t zone_s)
{
    int32_t s = zone_s < 0 ? -zone_s : zone_s;

    put(t, zone_s < 0 ? '-' : '+');
    put_2(t, s / 3600);
    if (s % 3600 != 0) {
        put(t, ':');
        put_2(t, s / 60 % 60);
    }
    if (s % 60 != 0) {
        put(t, ':');
        put_2(t, s % 60);
    }
}

static int32_t shown_year(struct civil c)
{
    return c.year > 0 ? c.year : 1 - c.year;
}

static void put_month_and_day(struct text *t, struct civil c, const struct value_style *style,
                              char separator)
{
    bool is_day_first = style->date_order == DATE_DMY;

    put_2(t, is_day_first ? c.day : c.month);
    put(t, separator);
    put_2(t, is_day_first ? c.month : c.day);
}

static void put_iso_date(struct text *t, struct civil c)
{
    put_int(t, shown_year(c), 4);
    put(t, '-');
    put_2(t, c.month);
    put(t, '-');
    put_2(t, c.day);
}

/* The date alone, without BC. POSTGRES has another layout in timestamps. */
static void put_date(struct text *t, struct civil c, const struct value_style *style)
{
    switch (style->date_output) {
    case DATE_ISO:
        put_iso_date(t, c);
        return;
    case DATE_GERMAN:
        put_2(t, c.day);
        put(t, '.');
        put_2(t, c.month);
        put(t, '.');
        break;
    case DATE_SQL:
        put_month_and_day(t, c, style, '/');
        put(t, '/');
        break;
    case DATE_POSTGRES:
        put_month_and_day(t, c, style, '-');
        put(t, '-');
        break;
    }
    put_int(t, shown_year(c), 4);
}

static size_t write_infinity(bool is_minus, char *out)
{
    struct text t = { out };

    put_str(&t, is_minus ? "-infinity" : "infinity");
    return (size_t)(t.at - out);
}

size_t date_write(int32_t days, const struct value_style *style, char *out)
{
    struct text t = { out };

    if (days == DATE_INFINITY || days == DATE_MINUS_INF) {
        return write_infinity(days == DATE_MINUS_INF, out);
    }
    struct civil c = civil_of_days(days);

    put_date(&t, c, style);
    if (c.year <= 0) {
        put_str(&t, " BC");
    }
    return (size_t)(t.at - out);
}

size_t time_write(int64_t us, char *out)
{
    struct text t = { out };

    put_time(&t, us);
    return (size_t)(t.at - out);
}

size_t timetz_write(int64_t us, int32_t zone_s, char *out)
{
    struct text t = { out };

    put_time(&t, us);
    put_zone(&t, zone_s);
    return (size_t)(t.at - out);
}

/* "Wed Jan 31 10:00:00 2024" */
static void put_postgres_timestamp(struct text *t, int64_t days, int64_t us,
                                   const struct value_style *style)
{
    struct civil c = civil_of_days(days);
    int64_t weekday = ((days + 6) % 7 + 7) % 7; /* 2000-01-01 was a Saturday */

    put_str(t, day_names[weekday]);
    put(t, ' ');
    if (style->date_order == DATE_DMY) {
        put_2(t, c.day);
        put(t, ' ');
        put_str(t, month_names[c.month - 1]);
    } else {
        put_str(t, month_names[c.month - 1]);
        put(t, ' ');
        put_2(t, c.day);
    }
    put(t, ' ');
    put_time(t, us);
    put(t, ' ');
    put_int(t, shown_year(c), 4);
}

/* A zone in the styles that have names for it; only UTC's name is known here. */
static void put_named_zone(struct text *t, int32_t zone_s, const struct value_style *style)
{
    if (style->date_output == DATE_ISO) {
        put_zone(t, zone_s);
        return;
    }
    put(t, ' ');
    if (zone_s == 0) {
        put_str(t, "UTC");
    } else {
        put_zone(t, zone_s);
    }
}

/* zone_s: NULL for none. */
static size_t write_timestamp(int64_t us, const int32_t *zone_s, const struct value_style *style,
                              char *out)
{
    struct text t = { out };
    int64_t days = floor_div(us, USECS_PER_DAY);
    int64_t time_us = us - days * USECS_PER_DAY;
    struct civil c = civil_of_days(days);

    if (style->date_output == DATE_POSTGRES) {
        put_postgres_timestamp(&t, days, time_us, style);
    } else {
        put_date(&t, c, style);
        put(&t, ' ');
        put_time(&t, time_us);
    }
    if (zone_s != NULL) {
        put_named_zone(&t, *zone_s, style);
    }
    if (c.year <= 0) {
        put_str(&t, " BC");
    }
    return (size_t)(t.at - out);
}

size_t timestamp_write(int64_t us, const struct value_style *style, char *out)
{
    if (us == TIMESTAMP_INFINITY || us == TIMESTAMP_MINUS_INF) {
        return write_infinity(us < 0, out);
    }
    return write_timestamp(us, NULL, style, out);
}

size_t timestamptz_write(int64_t us, const struct value_style *style, char *out)
{
    if (us == TIMESTAMP_INFINITY || us == TIMESTAMP_MINUS_INF) {
        return write_infinity(us < 0, out);
    }
    int32_t zone_s = style_offset_at(style, us, false);

    return write_timestamp(us + zone_s * USECS_PER_SEC, &zone_s, style, out);
}
