#include "protocol/datetime.h"

#include "protocol/pgtype.h"
#include "support.h"

#include <string.h>

#define becomes(text, want) assert_string_equal(text_through(OID_INTERVAL, -1, text, NULL), want)

static const char *styled(const char *text, enum interval_output output)
{
    struct value_style style = { .interval_output = output };

    return text_through(OID_INTERVAL, -1, text, &style);
}

static void units_and_clocks_are_read(void **state)
{
    (void)state;
    becomes("1 year 2 mons 3 days 04:05:06.7", "1 year 2 mons 3 days 04:05:06.7");
    becomes("@ 1 minute", "00:01:00");
    becomes("1 day ago", "-1 days");
    becomes("1-2", "1 year 2 mons");
    becomes("-1-2", "-1 years -2 mons");
    becomes("3 4:05:06", "3 days 04:05:06");
    becomes("4:05.5", "00:04:05.5");
    becomes("5", "00:00:05");
    becomes("1y2d", "1 year 2 days");
    becomes("1.5 weeks", "10 days 12:00:00");
    becomes("1.5 months", "1 mon 15 days");
    becomes("1.5 years", "1 year 6 mons");
    becomes("1 day -04:05:06", "1 day -04:05:06");
    becomes("-1 mons +1 day", "-1 mons +1 day");
    becomes("100:00:00", "100:00:00");
    becomes("P1Y2M3DT4H5M6.7S", "1 year 2 mons 3 days 04:05:06.7");
    becomes("P-1Y1D", "-1 years +1 day");
    becomes("PT0S", "00:00:00");
}

static void every_style_prints(void **state)
{
    static const char mixed[] = "-1 year 2 mons 3 days -04:05:06.7";

    (void)state;
    assert_string_equal(styled(mixed, INTERVAL_POSTGRES), "-10 mons +3 days -04:05:06.7");
    assert_string_equal(styled(mixed, INTERVAL_ISO_8601), "P-10M3DT-4H-5M-6.7S");
    assert_string_equal(styled(mixed, INTERVAL_SQL), "-0-10 +3 -4:05:06.7");
    assert_string_equal(styled(mixed, INTERVAL_POSTGRES_VERBOSE),
                        "@ 10 mons -3 days 4 hours 5 mins 6.7 secs ago");
    assert_string_equal(styled("0", INTERVAL_ISO_8601), "PT0S");
    assert_string_equal(styled("0", INTERVAL_SQL), "0");
    assert_string_equal(styled("0", INTERVAL_POSTGRES_VERBOSE), "@ 0");
    assert_string_equal(styled("1 day 1 sec", INTERVAL_SQL), "1 0:00:01");
    assert_string_equal(styled("-2 years", INTERVAL_SQL), "-2-0");
}

static void what_is_no_interval_is_refused(void **state)
{
    static const char *const bad[] = { "",   " ",   "abc",         "1 fortnight", "P",
                                       "P1", "P1X", "1 day ago 1", "1-",          ":",
                                       "1:", "@",   "- day",       "1 2 3 days x" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *text = text_through(OID_INTERVAL, -1, bad[i], NULL);

        if (strncmp(text, "ERROR 22007", 11) != 0) {
            fail_msg("\"%s\" became %s", bad[i], text);
        }
    }
}

static void overflow_is_22015(void **state)
{
    static const char *const bad[] = { "2147483648 months",
                                       "2147483648 days",
                                       "9223372036854775808 us",
                                       "99999999999999999999 days",
                                       "2562047789:00:00",
                                       "1:60",
                                       "1-12",
                                       "-2147483648 days ago",
                                       "178956971 years" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *text = text_through(OID_INTERVAL, -1, bad[i], NULL);

        if (strncmp(text, "ERROR 22015", 11) != 0) {
            fail_msg("\"%s\" became %s", bad[i], text);
        }
    }
}

static void random_intervals_survive_every_style_that_can_be_read(void **state)
{
    static const enum interval_output outputs[] = { INTERVAL_POSTGRES, INTERVAL_ISO_8601,
                                                    INTERVAL_POSTGRES_VERBOSE };
    uint64_t random = test_seed();

    (void)state;
    for (size_t i = 0; i < test_rounds(50000); i++) {
        uint64_t size = test_random(&random) % 64;
        struct interval iv = {
            .us = (int64_t)test_random(&random) >> size,
            .days = (int32_t)test_random(&random) >> size % 32,
            .months = (int32_t)test_random(&random) >> size % 32,
        };
        struct interval back;
        char text[datetime_bytes];
        enum interval_output output = outputs[i % ARRAY_LEN(outputs)];
        size_t len = interval_write(&iv, output, text);

        assert_true(len < sizeof(text));
        if (iv.us == INT64_MIN || iv.days == INT32_MIN || iv.months == INT32_MIN) {
            continue; /* has no positive twin to be said of "ago" */
        }
        assert_int_equal(interval_parse(view_of(text, len), &back), 0);
        assert_true(back.us == iv.us && back.days == iv.days && back.months == iv.months);
    }
}

static void the_longest_interval_has_room(void **state)
{
    static const struct interval least = { INT64_MIN, INT32_MIN, INT32_MIN };
    char text[datetime_bytes];

    (void)state;
    for (int output = INTERVAL_POSTGRES; output <= INTERVAL_POSTGRES_VERBOSE; output++) {
        assert_true(interval_write(&least, (enum interval_output)output, text) < sizeof(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_and_clocks_are_read),
        cmocka_unit_test(every_style_prints),
        cmocka_unit_test(what_is_no_interval_is_refused),
        cmocka_unit_test(overflow_is_22015),
        cmocka_unit_test(random_intervals_survive_every_style_that_can_be_read),
        cmocka_unit_test(the_longest_interval_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
