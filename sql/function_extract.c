/* sql/function_extract.c: the fields of dates and intervals: extract(), date_part(), date_trunc().
 */
#include "sql/function_date.h"

#include "sql/session_state.h"

#include <math.h>
#include <strings.h>

/* ---- fields ---- */

bool date_split(sqlite3_context *c, sqlite3_value *v, struct date_fields *f)
{
    struct sql_session *sql = fn_sql(c);

    if (!fn_timestamp(c, v, &f->us, &f->tz)) {
        return false;
    }
    if (date_is_infinite(f->us)) {
        f->infinite = true;
        return true;
    }
    f->offset = f->tz ? style_offset_at(&sql->style, f->us, false) : 0;
    f->local = f->us + f->offset * USECS_PER_SEC;
    f->day = date_floor(f->local, USECS_PER_DAY);
    f->time = f->local - f->day * USECS_PER_DAY;
    f->date = civil_of_days(f->day);
    f->day_of_week = (int)((f->day % 7 + 7 + 6) % 7); /* 2000-01-01 was a Saturday; Sunday is 0 */
    f->day_of_year = (int)(f->day - days_of_civil((struct civil){ f->date.year, 1, 1 })) + 1;
    int64_t thursday = f->day + 4 - (f->day_of_week == 0 ? 7 : f->day_of_week);
    f->iso_year = civil_of_days(thursday).year;
    f->iso_week = (int)((thursday - days_of_civil((struct civil){ f->iso_year, 1, 1 })) / 7) + 1;
    return true;
}

enum field {
    YEAR,
    MONTH,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    MILLI,
    MICRO,
    DOW,
    ISODOW,
    DOY,
    WEEK,
    QUARTER,
    DECADE,
    CENTURY,
    MILLENNIUM,
    ISOYEAR,
    EPOCH,
    ZONE,
    ZONE_HOUR,
    ZONE_MINUTE
};

static const struct {
    const char *name;
    enum field field;
} field_names[] = {
    { "year", YEAR },
    { "years", YEAR },
    { "month", MONTH },
    { "months", MONTH },
    { "mon", MONTH },
    { "day", DAY },
    { "days", DAY },
    { "hour", HOUR },
    { "hours", HOUR },
    { "minute", MINUTE },
    { "minutes", MINUTE },
    { "min", MINUTE },
    { "second", SECOND },
    { "seconds", SECOND },
    { "sec", SECOND },
    { "milliseconds", MILLI },
    { "millisecond", MILLI },
    { "ms", MILLI },
    { "microseconds", MICRO },
    { "microsecond", MICRO },
    { "dow", DOW },
    { "isodow", ISODOW },
    { "doy", DOY },
    { "week", WEEK },
    { "quarter", QUARTER },
    { "decade", DECADE },
    { "century", CENTURY },
    { "millennium", MILLENNIUM },
    { "isoyear", ISOYEAR },
    { "epoch", EPOCH },
    { "timezone", ZONE },
    { "timezone_hour", ZONE_HOUR },
    { "timezone_minute", ZONE_MINUTE },
};

static bool find_field(sqlite3_context *c, sqlite3_value *name, enum field *ret_field)
{
    struct view text = fn_text(name);

    for (size_t i = 0; i < ARRAY_LEN(field_names); i++) {
        if (strlen(field_names[i].name) == text.len &&
            strncasecmp(field_names[i].name, (const char *)text.data, text.len) == 0) {
            *ret_field = field_names[i].field;
            return true;
        }
    }
    fn_fail(c, "22023", "unit \"%.*s\" not recognized for type timestamp",
            (int)(text.len > 100 ? 100 : text.len), (const char *)text.data);
    return false;
}

/* A whole number where it is one, so that it prints without a fraction. */
static void result_scaled(sqlite3_context *c, int64_t us, int64_t unit)
{
    if (us % unit == 0) {
        sqlite3_result_int64(c, us / unit);
    } else {
        sqlite3_result_double(c, (double)us / (double)unit);
    }
}

static int century_of(int year)
{
    return year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100);
}

/* The fields that a time of day and an interval's time have in common. */
static void extract_clock(sqlite3_context *c, enum field field, int64_t us)
{
    int64_t minute_us = us % (60 * USECS_PER_SEC);

    if (field == HOUR) {
        sqlite3_result_int64(c, us / (3600 * USECS_PER_SEC));
    } else if (field == MINUTE) {
        sqlite3_result_int64(c, us / (60 * USECS_PER_SEC) % 60);
    } else if (field == MICRO) {
        sqlite3_result_int64(c, minute_us);
    } else {
        result_scaled(c, minute_us, field == MILLI ? 1000 : USECS_PER_SEC);
    }
}

static void extract_timestamp(sqlite3_context *c, enum field field, const struct date_fields *f)
{
    const struct civil *d = &f->date;

    switch (field) {
    case YEAR:
        sqlite3_result_int(c, d->year > 0 ? d->year : d->year - 1);
        break;
    case MONTH:
        sqlite3_result_int(c, d->month);
        break;
    case DAY:
        sqlite3_result_int(c, d->day);
        break;
    case HOUR:
    case MINUTE:
    case SECOND:
    case MILLI:
    case MICRO:
        extract_clock(c, field, f->time);
        break;
    case DOW:
        sqlite3_result_int(c, f->day_of_week);
        break;
    case ISODOW:
        sqlite3_result_int(c, f->day_of_week == 0 ? 7 : f->day_of_week);
        break;
    case DOY:
        sqlite3_result_int(c, f->day_of_year);
        break;
    case WEEK:
        sqlite3_result_int(c, f->iso_week);
        break;
    case QUARTER:
        sqlite3_result_int(c, (d->month + 2) / 3);
        break;
    case DECADE:
        sqlite3_result_int64(c, date_floor(d->year, 10));
        break;
    case CENTURY:
        sqlite3_result_int(c, century_of(d->year));
        break;
    case MILLENNIUM:
        sqlite3_result_int(c,
                           d->year > 0 ? (d->year + 999) / 1000 : -((999 - (d->year - 1)) / 1000));
        break;
    case ISOYEAR:
        sqlite3_result_int(c, f->iso_year > 0 ? f->iso_year : f->iso_year - 1);
        break;
    case EPOCH:
        result_scaled(c, f->us + UNIX_TO_2000_S * USECS_PER_SEC, USECS_PER_SEC);
        break;
    case ZONE:
        sqlite3_result_int(c, f->offset);
        break;
    case ZONE_HOUR:
        sqlite3_result_int(c, f->offset / 3600);
        break;
    case ZONE_MINUTE:
        sqlite3_result_int(c, f->offset / 60 % 60);
        break;
    }
}

static void extract_interval(sqlite3_context *c, enum field field, const struct interval *i)
{
    int64_t year_us = INT64_C(31557600) * USECS_PER_SEC, month_us = 30 * USECS_PER_DAY;

    switch (field) {
    case YEAR:
        sqlite3_result_int(c, i->months / 12);
        break;
    case MONTH:
        sqlite3_result_int(c, i->months % 12);
        break;
    case QUARTER:
        sqlite3_result_int(c, i->months % 12 / 3 + 1);
        break;
    case DECADE:
        sqlite3_result_int(c, i->months / 120);
        break;
    case CENTURY:
        sqlite3_result_int(c, i->months / 1200);
        break;
    case MILLENNIUM:
        sqlite3_result_int(c, i->months / 12000);
        break;
    case DAY:
        sqlite3_result_int(c, i->days);
        break;
    case HOUR:
    case MINUTE:
    case SECOND:
    case MILLI:
    case MICRO:
        extract_clock(c, field, i->us);
        break;
    case EPOCH:
        result_scaled(c,
                      i->months / 12 * year_us + i->months % 12 * month_us +
                          i->days * USECS_PER_DAY + i->us,
                      USECS_PER_SEC);
        break;
    default:
        fn_fail(c, "0A000", "unit not supported for type interval");
        break;
    }
}

static void extract_infinite(sqlite3_context *c, enum field field, int64_t us)
{
    if (field == EPOCH || field == YEAR || field == DECADE || field == CENTURY ||
        field == MILLENNIUM || field == ISOYEAR) {
        sqlite3_result_double(c, us > 0 ? INFINITY : -INFINITY);
    }
}

/* extract(field, value): value and field each with their type behind. */
void function_extract(sqlite3_context *c, int n, sqlite3_value **v)
{
    enum field field;
    struct date_fields f = { 0 };
    struct interval i;

    if (n < 4 || fn_any_null(n, v) || !find_field(c, v[0], &field)) {
        return;
    }
    int64_t oid = sqlite3_value_int64(v[3]), us = 0;
    if (oid == OID_INTERVAL) {
        if (fn_interval(c, v[2], &i)) {
            extract_interval(c, field, &i);
        }
    } else if (oid == OID_TIME || oid == OID_TIMETZ) {
        if (date_time_of(c, v[2], &us)) {
            i = (struct interval){ .us = us };
            extract_interval(c, field, &i);
        }
    } else if (date_split(c, v[2], &f)) {
        if (f.infinite) {
            extract_infinite(c, field, f.us);
        } else {
            extract_timestamp(c, field, &f);
        }
    }
}

/* ---- date_trunc ---- */

static bool trunc_local(enum field field, const struct date_fields *f, int64_t *ret_local)
{
    static const int64_t units[] = {
        [HOUR] = 3600000000, [MINUTE] = 60000000, [SECOND] = 1000000, [MILLI] = 1000, [MICRO] = 1
    };
    struct civil d = { f->date.year, 1, 1 };

    switch (field) {
    case HOUR:
    case MINUTE:
    case SECOND:
    case MILLI:
    case MICRO:
        *ret_local = date_floor(f->local, units[field]) * units[field];
        return true;
    case DAY:
        *ret_local = f->day * USECS_PER_DAY;
        return true;
    case WEEK:
        *ret_local = (f->day - (f->day_of_week + 6) % 7) * USECS_PER_DAY;
        return true;
    case MONTH:
        d.month = f->date.month;
        break;
    case QUARTER:
        d.month = (f->date.month - 1) / 3 * 3 + 1;
        break;
    case YEAR:
        break;
    case DECADE:
        d.year = (int32_t)date_floor(f->date.year, 10) * 10;
        break;
    case CENTURY:
        d.year = (int32_t)date_floor(f->date.year - 1, 100) * 100 + 1;
        break;
    case MILLENNIUM:
        d.year = (int32_t)date_floor(f->date.year - 1, 1000) * 1000 + 1;
        break;
    default:
        return false;
    }
    *ret_local = days_of_civil(d) * USECS_PER_DAY;
    return true;
}

void function_date_trunc(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct sql_session *sql = fn_sql(c);
    enum field field;
    struct date_fields f = { 0 };
    int64_t local = 0;

    if (fn_any_null(n, v) || !find_field(c, v[0], &field) || !date_split(c, v[1], &f)) {
        return;
    }
    if (f.infinite) {
        (void)fn_result_timestamp(c, f.us, f.tz);
    } else if (!trunc_local(field, &f, &local)) {
        fn_fail(c, "0A000", "unit not supported for type timestamp");
    } else if (f.tz) {
        (void)fn_result_timestamp(
            c, local - style_offset_at(&sql->style, local, true) * USECS_PER_SEC, true);
    } else {
        (void)fn_result_timestamp(c, local, false);
    }
}

/* A date is a timestamptz at the session's midnight there. */
void function_date_trunc_date(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct sql_session *sql = fn_sql(c);
    enum field field;
    struct date_fields f = { 0 };
    int64_t local = 0;

    if (!fn_any_null(n, v) && find_field(c, v[0], &field) && date_split(c, v[1], &f) &&
        !f.infinite && trunc_local(field, &f, &local)) {
        (void)fn_result_timestamp(
            c, local - style_offset_at(&sql->style, local, true) * USECS_PER_SEC, true);
    }
}

void function_date_trunc_interval(sqlite3_context *c, int n, sqlite3_value **v)
{
    enum field field;
    struct interval i;
    static const int64_t units[] = {
        [HOUR] = 3600000000, [MINUTE] = 60000000, [SECOND] = 1000000, [MILLI] = 1000
    };

    if (fn_any_null(n, v) || !find_field(c, v[0], &field) || !fn_interval(c, v[1], &i)) {
        return;
    }
    if (field == YEAR || field == MONTH) {
        i = (struct interval){ .months = field == YEAR ? i.months / 12 * 12 : i.months };
    } else if (field == DAY) {
        i.us = 0;
    } else if (field >= HOUR && field <= MILLI) {
        i.us = i.us / units[field] * units[field];
    }
    fn_result_interval(c, &i);
}
