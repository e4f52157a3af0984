#include "protocol/datetime.h"

#include "protocol/pgtype.h"
#include "support.h"

#include <string.h>

#define same(oid, text)          assert_string_equal(text_through(oid, -1, text, NULL), text)
#define becomes(oid, text, want) assert_string_equal(text_through(oid, -1, text, NULL), want)

static void the_calendar_counts_both_ways(void **state)
{
    struct civil last = civil_of_days(-2451546);

    (void)state;
    assert_int_equal(days_of_civil((struct civil){ 2000, 1, 1 }), 0);
    assert_int_equal(days_of_civil((struct civil){ 1970, 1, 1 }), -10957);
    assert_int_equal(days_of_civil((struct civil){ 2000, 3, 1 }), 60);
    assert_int_equal(days_in_month(1900, 2), 28);
    assert_int_equal(days_in_month(2000, 2), 29);
    for (int64_t days = -2451545; days < 3000000; days++) {
        struct civil c = civil_of_days(days);

        assert_int_equal(days_of_civil(c), days);
        if (c.day != 1) {
            assert_int_equal(c.day, last.day + 1);
        } else {
            assert_int_equal(last.day, days_in_month(last.year, last.month));
        }
        last = c;
    }
}

static void canonical_text_is_kept(void **state)
{
    (void)state;
    same(OID_DATE, "2024-02-29");
    same(OID_DATE, "0001-01-01");
    same(OID_DATE, "0044-03-15 BC");
    same(OID_DATE, "5874897-12-31");
    same(OID_DATE, "infinity");
    same(OID_DATE, "-infinity");
    same(OID_TIME, "24:00:00");
    same(OID_TIME, "10:00:00.5");
    same(OID_TIMETZ, "10:00:00+05:30");
    same(OID_TIMESTAMP, "2024-01-31 10:00:00.000001");
    same(OID_TIMESTAMP, "294276-12-31 23:59:59.999999");
    same(OID_TIMESTAMP, "-infinity");
    same(OID_TIMESTAMPTZ, "2024-01-31 10:00:00.5+00");
}

static void many_forms_mean_the_same_day(void **state)
{
    static const char *const forms[] = {
        "2024-01-31",       "2024-1-31",         "20240131",
        "240131",           "1/31/2024",         "1-31-24",
        "31-Jan-2024",      "2024-Jan-31",       "Jan 31, 2024",
        "31 January 2024",  "January 31 2024",   "  2024-01-31 ",
        "2024/01/31",       "2024.01.31",        "2024-01-31 AD",
        "2024-01-31 23:59", "2024-01-31T10:00Z", "Wed Jan 31 10:00:00 2024",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        becomes(OID_DATE, forms[i], "2024-01-31");
    }
}

static void the_date_order_decides_what_is_ambiguous(void **state)
{
    struct value_style style = { .date_order = DATE_DMY };

    (void)state;
    becomes(OID_DATE, "1/2/2024", "2024-01-02");
    assert_string_equal(text_through(OID_DATE, -1, "1/2/2024", &style), "2024-02-01");
    style.date_order = DATE_YMD;
    assert_string_equal(text_through(OID_DATE, -1, "24/2/3", &style), "2024-02-03");
}

static void zones_are_turned_into_utc(void **state)
{
    (void)state;
    becomes(OID_TIMESTAMPTZ, "2024-01-31T10:00:00Z", "2024-01-31 10:00:00+00");
    becomes(OID_TIMESTAMPTZ, "2024-01-31 10:00:00 UTC", "2024-01-31 10:00:00+00");
    becomes(OID_TIMESTAMPTZ, "2024-01-31 10:00:00+02", "2024-01-31 08:00:00+00");
    becomes(OID_TIMESTAMPTZ, "2024-01-31 00:00:00 -0330", "2024-01-31 03:30:00+00");
    becomes(OID_TIMESTAMPTZ, "2024-01-31 10:00:00+02:00:30", "2024-01-31 07:59:30+00");
    becomes(OID_TIMESTAMPTZ, "2024-01-31", "2024-01-31 00:00:00+00");
    becomes(OID_TIMESTAMP, "2024-01-31 10:00:00+02", "2024-01-31 10:00:00");
    becomes(OID_TIMESTAMPTZ, "2024-01-31 10:00:00+16",
            "ERROR 22009: time zone displacement out of range: \"2024-01-31 10:00:00+16\"");
    becomes(OID_TIMESTAMPTZ, "2024-01-31 10:00:00 Nowhere/City",
            "ERROR 22023: time zone \"nowhere/city\" not recognized");
}

/* An hour east in winter, two in the middle of the year; `zone` is the base in seconds. */
static int32_t summer_offset(const void *zone, int64_t unix_seconds, bool is_local)
{
    int64_t local = is_local ? unix_seconds : unix_seconds + 3600;
    int64_t day_of_year = local / 86400 % 365;

    return *(const int32_t *)zone + (day_of_year > 100 && day_of_year < 280 ? 3600 : 0);
}

static void a_session_zone_is_used_both_ways(void **state)
{
    static const int32_t base = 3600;
    struct value_style style = { .utc_offset = summer_offset, .zone = &base };

    (void)state;
    assert_string_equal(text_through(OID_TIMESTAMPTZ, -1, "2024-01-31 10:00:00", &style),
                        "2024-01-31 10:00:00+01");
    assert_string_equal(text_through(OID_TIMESTAMPTZ, -1, "2024-07-31 10:00:00Z", &style),
                        "2024-07-31 12:00:00+02");
    assert_string_equal(text_through(OID_TIMESTAMP, -1, "2024-07-31 10:00:00", &style),
                        "2024-07-31 10:00:00");
}

static void styles_print_as_postgres_does(void **state)
{
    struct value_style style = { .date_output = DATE_POSTGRES };

    (void)state;
    assert_string_equal(text_through(OID_TIMESTAMPTZ, -1, "2024-01-31 10:00:00.5Z", &style),
                        "Wed Jan 31 10:00:00.5 2024 UTC");
    assert_string_equal(text_through(OID_DATE, -1, "2024-01-31", &style), "01-31-2024");
    style.date_order = DATE_DMY;
    assert_string_equal(text_through(OID_TIMESTAMP, -1, "31/1/2024 10:00", &style),
                        "Wed 31 Jan 10:00:00 2024");
    style.date_output = DATE_SQL;
    assert_string_equal(text_through(OID_TIMESTAMP, -1, "31/1/2024 10:00", &style),
                        "31/01/2024 10:00:00");
    style.date_output = DATE_GERMAN;
    assert_string_equal(text_through(OID_DATE, -1, "0044-03-15 BC", &style), "15.03.0044 BC");
}

static void fields_out_of_range_are_22008(void **state)
{
    (void)state;
    becomes(OID_DATE, "2023-02-29",
            "ERROR 22008: date/time field value out of range: \"2023-02-29\"");
    becomes(OID_DATE, "2024-13-01",
            "ERROR 22008: date/time field value out of range: \"2024-13-01\"");
    becomes(OID_DATE, "0000-01-01",
            "ERROR 22008: date/time field value out of range: \"0000-01-01\"");
    becomes(OID_TIME, "24:00:01", "ERROR 22008: date/time field value out of range: \"24:00:01\"");
    becomes(OID_TIMESTAMP, "294277-01-01", "ERROR 22008: timestamp out of range: \"294277-01-01\"");
    becomes(OID_DATE, "5874898-01-01", "ERROR 22008: date out of range: \"5874898-01-01\"");
    becomes(OID_TIMESTAMP, "99999999999999999999-01-01",
            "ERROR 22008: timestamp out of range: \"99999999999999999999-01-01\"");
}

static void a_time_with_a_date_past_the_calendar_is_22008(void **state)
{
    (void)state;
    becomes(OID_TIME, "2024-01-31 10:00", "10:00:00");
    becomes(OID_TIMETZ, "2022024-01-11T10:00",
            "ERROR 22008: timestamp out of range: \"2022024-01-11T10:00\"");
}

static void what_is_no_date_is_22007(void **state)
{
    static const char *const bad[] = { "",
                                       " ",
                                       "abc",
                                       "2024",
                                       "2024-01",
                                       "10:00",
                                       "2024-01-31x",
                                       "2024-01-31 2024-01-31",
                                       "2024-01-31 10:",
                                       "Jan 2024",
                                       "BC",
                                       "2024-01-31 infinity",
                                       "-",
                                       "2024--01-31" };
    struct datetime dt;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *text = text_through(OID_DATE, -1, bad[i], NULL);

        if (strncmp(text, "ERROR 22007", 11) != 0) {
            fail_msg("\"%s\" became %s", bad[i], text);
        }
    }
    becomes(OID_TIMESTAMPTZ, "now",
            "ERROR 0A000: date/time value \"now\" is not supported: "
            "use a function such as now()");
    assert_int_equal(datetime_parse(view_of(NULL, 0), DATE_MDY, false, &dt), DATETIME_SYNTAX);
}

static void precision_rounds(void **state)
{
    (void)state;
    assert_string_equal(text_through(OID_TIMESTAMP, 0, "2024-12-31 23:59:59.5", NULL),
                        "2025-01-01 00:00:00");
    assert_string_equal(text_through(OID_TIMESTAMP, 3, "2001-01-01 00:00:00.0005", NULL),
                        "2001-01-01 00:00:00.001");
    /* away from 2000-01-01, as PostgreSQL does */
    assert_string_equal(text_through(OID_TIMESTAMP, 3, "1999-01-01 00:00:00.0005", NULL),
                        "1999-01-01 00:00:00");
    assert_string_equal(text_through(OID_TIME, 0, "23:59:59.9", NULL), "24:00:00");
    becomes(OID_TIMESTAMP, "2024-01-31 10:00:00.9999999", "2024-01-31 10:00:01");
}

static void canonical_texts_sort_by_time(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t i = 0; i < test_rounds(20000); i++) {
        static const struct value_style style;
        char text[2][datetime_bytes];
        int64_t us[2];
        int order;

        for (int k = 0; k < 2; k++) {
            us[k] = (int64_t)(test_random(&random) % UINT64_C(250000000000000000)) -
                    INT64_C(60000000000000000);
            us[k] -= test_random(&random) % 2 == 0 ? us[k] % USECS_PER_SEC : 0;
            text[k][timestamptz_write(us[k], &style, text[k])] = '\0';
        }
        order = strcmp(text[0], text[1]);
        assert_true((us[0] < us[1] && order < 0) || (us[0] > us[1] && order > 0) ||
                    (us[0] == us[1] && order == 0));
    }
}

static void binary_forms_are_held_to_their_range(void **state)
{
    cleanup(finish_buf) struct buf scratch = { 0 };
    struct failure f;
    struct cell cell;

    (void)state;
    assert_int_equal(
        value_decode(OID_DATE, -1, FORMAT_BINARY, BYTES("\0\0\0\0"), NULL, &scratch, &cell, &f), 0);
    assert_view_equal(cell.bytes, "2000-01-01");
    assert_int_equal(value_decode(OID_DATE, -1, FORMAT_BINARY, BYTES("\x7f\xff\xff\xfe"), NULL,
                                  &scratch, &cell, &f),
                     FAILED);
    assert_string_equal(f.sqlstate, "22008");
    assert_int_equal(value_decode(OID_TIMESTAMP, -1, FORMAT_BINARY,
                                  BYTES("\x7f\xff\xff\xff\xff\xff\xff\xfe"), NULL, &scratch, &cell,
                                  &f),
                     FAILED);
    assert_string_equal(f.sqlstate, "22008");
    assert_int_equal(value_decode(OID_TIMESTAMP, -1, FORMAT_BINARY, BYTES("\0\0\0\0"), NULL,
                                  &scratch, &cell, &f),
                     FAILED);
    assert_string_equal(f.sqlstate, "08P01");
    assert_int_equal(value_decode(OID_TIME, -1, FORMAT_BINARY,
                                  BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), NULL, &scratch, &cell,
                                  &f),
                     FAILED);
    assert_int_equal(value_decode(OID_TIMETZ, -1, FORMAT_BINARY,
                                  BYTES("\0\0\0\0\0\0\0\0\x80\0\0\0"), NULL, &scratch, &cell, &f),
                     FAILED);
    assert_string_equal(f.sqlstate, "22009");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_calendar_counts_both_ways),
        cmocka_unit_test(canonical_text_is_kept),
        cmocka_unit_test(many_forms_mean_the_same_day),
        cmocka_unit_test(the_date_order_decides_what_is_ambiguous),
        cmocka_unit_test(zones_are_turned_into_utc),
        cmocka_unit_test(a_session_zone_is_used_both_ways),
        cmocka_unit_test(styles_print_as_postgres_does),
        cmocka_unit_test(fields_out_of_range_are_22008),
        cmocka_unit_test(a_time_with_a_date_past_the_calendar_is_22008),
        cmocka_unit_test(what_is_no_date_is_22007),
        cmocka_unit_test(precision_rounds),
        cmocka_unit_test(canonical_texts_sort_by_time),
        cmocka_unit_test(binary_forms_are_held_to_their_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
