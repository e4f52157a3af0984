#include "protocol/number.h"

#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int parse(const char *text, int64_t *ret_n)
{
    return number_parse_int(view_of_str(text), ret_n);
}

static void integers_are_read_to_their_limits(void **state)
{
    int64_t n;

    (void)state;
    assert_int_equal(parse(" -42\n", &n), 0);
    assert_int_equal(n, -42);
    assert_int_equal(parse("9223372036854775807", &n), 0);
    assert_true(n == INT64_MAX);
    assert_int_equal(parse("-9223372036854775808", &n), 0);
    assert_true(n == INT64_MIN);
    assert_int_equal(parse("9223372036854775808", &n), NUMBER_RANGE);
    assert_int_equal(parse("-9223372036854775809", &n), NUMBER_RANGE);
    assert_int_equal(parse("99999999999999999999999999", &n), NUMBER_RANGE);
}

static void what_is_no_integer_is_refused(void **state)
{
    static const char *const bad[] = {
        "", " ", "-", "+", "--1", "1 2", "1.0", "0x1", "1e3", "abc"
    };
    int64_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(bad[i], &n), NUMBER_SYNTAX);
    }
    assert_int_equal(number_parse_int(view_of(NULL, 0), &n), NUMBER_SYNTAX);
}

static void integers_are_written_as_printf_would(void **state)
{
    uint64_t random = test_seed();
    char want[32];
    char text[number_int_bytes];

    (void)state;
    for (size_t i = 0; i < test_rounds(100000); i++) {
        int64_t n = (int64_t)test_random(&random) >> test_random(&random) % 64;
        size_t len = number_write_int(n, text);
        int want_len = snprintf(want, sizeof(want), "%" PRId64, n);

        assert_int_equal(len, want_len);
        assert_memory_equal(text, want, len);
    }
    assert_int_equal(number_write_int(INT64_MIN, text), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_to_their_limits),
        cmocka_unit_test(what_is_no_integer_is_refused),
        cmocka_unit_test(integers_are_written_as_printf_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
