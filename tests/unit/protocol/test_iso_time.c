#include "protocol/iso_time.h"

#include "protocol/datetime.h"
#include "protocol/pgtype.h"
#include "support.h"

#include <string.h>

static bool date_of(const char *text, int64_t *ret_days)
{
    return iso_date_read(view_of_str(text), ret_days);
}

static bool timestamp_of(const char *text, int64_t *ret_us)
{
    return iso_timestamp_read(view_of_str(text), ret_us);
}

static void every_date_of_four_digits_comes_back(void **state)
{
    static const struct value_style iso;
    int64_t first = days_of_civil((struct civil){ 1, 1, 1 });
    int64_t last = days_of_civil((struct civil){ 9999, 12, 31 });
    char text[datetime_bytes];
    int64_t back;

    (void)state;
    for (int64_t days = first; days <= last; days++) {
        size_t len = date_write((int32_t)days, &iso, text);

        assert_true(iso_date_read(view_of(text, len), &back));
        assert_int_equal(back, days);
    }
    assert_false(iso_date_read(view_of(text, date_write((int32_t)last + 1, &iso, text)), &back));
    assert_false(iso_date_read(view_of(text, date_write((int32_t)first - 1, &iso, text)), &back));
}

static void what_is_no_day_is_none(void **state)
{
    static const char *const wrong[] = {
        "",           "2024-1-31",  "2024-01-3",  "2024-00-01",  "2024-13-01",  "2024-01-00",
        "2024-01-32", "2023-02-29", "1900-02-29", "0000-01-01",  "2024/01/31",  "2024-01 31",
        "2024-04-31", "202a-01-31", "2024-0:-31", "2024-01-31 ", " 2024-01-31", "12024-01-31",
    };
    int64_t days;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(date_of(wrong[i], &days));
    }
    assert_true(date_of("2024-02-29", &days));
    assert_true(date_of("2000-02-29", &days));
}

static void timestamps_come_back_to_the_microsecond(void **state)
{
    static const struct value_style iso;
    uint64_t random = test_seed();
    size_t rounds = test_rounds(200000);
    char text[datetime_bytes];
    int64_t back;

    (void)state;
    for (size_t i = 0; i < rounds; i++) {
        int64_t us = (int64_t)(test_random(&random) % ((uint64_t)USECS_PER_DAY * 365 * 1000));

        us -= i % 2 == 0 ? us % USECS_PER_SEC : us % (1 + (int64_t)(test_random(&random) % 100000));
        size_t len = timestamp_write(us, &iso, text);

        assert_true(iso_timestamp_read(view_of(text, len), &back));
        assert_int_equal(back, us);
    }
}

/* What is read at speed must be what the long way would have printed. */
static void each_changed_byte_is_refused_or_read_right(void **state)
{
    static const struct value_style iso;
    static const char whole[] = "2024-01-31 10:59:58.123456";
    char printed[datetime_bytes];
    int64_t us;

    (void)state;
    for (size_t at = 0; at < sizeof(whole) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[sizeof(whole)];

            memcpy(text, whole, sizeof(whole));
            text[at] = (char)byte;
            if (iso_timestamp_read(view_of(text, sizeof(whole) - 1), &us)) {
                assert_int_equal(timestamp_write(us, &iso, printed), sizeof(whole) - 1);
                assert_memory_equal(printed, text, sizeof(whole) - 1);
            }
        }
    }
}

static void a_truncated_or_longer_timestamp_is_none(void **state)
{
    static const char whole[] = "2024-01-31 10:59:58.123456";
    int64_t us;

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        bool is_one = len == 19 || len > 20;

        assert_int_equal(iso_timestamp_read(view_of(whole, len), &us), is_one);
    }
    assert_true(timestamp_of(whole, &us));
    assert_false(timestamp_of("2024-01-31 10:59:58.1234567", &us));
    assert_false(timestamp_of("2024-01-31 10:59:58.120", &us));
    assert_false(timestamp_of("2024-01-31 24:00:00", &us));
    assert_false(timestamp_of("2024-01-31 10:60:00", &us));
    assert_false(timestamp_of("2024-01-31 10:00:60", &us));
    assert_false(timestamp_of("2024-01-31T10:00:00", &us));
    assert_false(timestamp_of("2024-02-30 10:00:00", &us));
}

/* A blank in front sends a text the long way. */
static void assert_decoded_alike(uint32_t oid, const char *with_blank)
{
    cleanup(finish_buf) struct buf scratch = { 0 };
    cleanup(finish_buf) struct buf long_scratch = { 0 };
    struct cell quick;
    struct cell slow;
    int r = value_decode(oid, -1, FORMAT_TEXT, view_of_str(with_blank + 1), NULL, &scratch, &quick,
                         NULL);

    assert_int_equal(value_decode(oid, -1, FORMAT_TEXT, view_of_str(with_blank), NULL,
                                  &long_scratch, &slow, NULL),
                     r);
    assert_true(r != 0 || view_equal(quick.bytes, slow.bytes));
}

static void texts_are_stored_as_the_long_way_stores_them(void **state)
{
    static const char wholes[][32] = { " 2024-01-31", " 2024-01-31 10:59:58",
                                       " 2024-01-31 10:59:58+00", " 2024-01-31 10:59:58.12+00" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wholes); i++) {
        for (size_t at = 1; at < strlen(wholes[i]); at++) {
            for (const char *c = "0123456789 -:.+TZ"; *c != '\0'; c++) {
                char text[32];

                memcpy(text, wholes[i], sizeof(text));
                text[at] = *c;
                assert_decoded_alike(OID_DATE, text);
                assert_decoded_alike(OID_TIMESTAMP, text);
                assert_decoded_alike(OID_TIMESTAMPTZ, text);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_date_of_four_digits_comes_back),
        cmocka_unit_test(what_is_no_day_is_none),
        cmocka_unit_test(timestamps_come_back_to_the_microsecond),
        cmocka_unit_test(each_changed_byte_is_refused_or_read_right),
        cmocka_unit_test(a_truncated_or_longer_timestamp_is_none),
        cmocka_unit_test(texts_are_stored_as_the_long_way_stores_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
