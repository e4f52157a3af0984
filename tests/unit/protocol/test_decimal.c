#include "protocol/number.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

static const char *written(const struct decimal *d)
{
    static char text[1024];

    assert_true(decimal_write_bytes(d) < sizeof(text));
    size_t len = decimal_write(d, text);

    assert_true(len <= decimal_write_bytes(d));
    text[len] = '\0';
    return text;
}

static const char *rounded(const char *text, int scale)
{
    struct decimal d;

    assert_int_equal(decimal_parse(view_of_str(text), &d), 0);
    decimal_round(&d, scale);
    return written(&d);
}

static void decimals_keep_their_digits_and_scale(void **state)
{
    static const char *const same[] = { "0",   "1",    "-1",  "1.50",     "0.001",    "-12345.6789",
                                        "100", "0.00", "NaN", "Infinity", "-Infinity" };
    struct decimal d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        assert_int_equal(decimal_parse(view_of_str(same[i]), &d), 0);
        assert_string_equal(written(&d), same[i]);
    }
    assert_int_equal(decimal_parse(view_of_str(" +1.5e2 "), &d), 0);
    assert_string_equal(written(&d), "150");
    assert_int_equal(decimal_parse(view_of_str("15e-4"), &d), 0);
    assert_string_equal(written(&d), "0.0015");
}

static void rounding_is_half_away_from_zero(void **state)
{
    (void)state;
    assert_string_equal(rounded("0.005", 2), "0.01");
    assert_string_equal(rounded("-0.005", 2), "-0.01");
    assert_string_equal(rounded("0.0049", 2), "0.00");
    assert_string_equal(rounded("999.995", 2), "1000.00");
    assert_string_equal(rounded("1.5", 4), "1.5000");
    assert_string_equal(rounded("12345", -2), "12300");
    assert_string_equal(rounded("50", -2), "100");
    assert_string_equal(rounded("49", -2), "0");
    assert_string_equal(rounded("-0.4", 0), "0");
}

static void more_than_fifteen_digits_do_not_become_a_double(void **state)
{
    struct decimal d;
    double r;
    int64_t n;

    (void)state;
    assert_int_equal(decimal_parse(view_of_str("0.123456789012345"), &d), 0);
    assert_int_equal(decimal_to_double(&d, &r), 0);
    assert_int_equal(decimal_parse(view_of_str("0.1234567890123456"), &d), 0);
    assert_int_equal(decimal_to_double(&d, &r), NUMBER_RANGE);
    assert_int_equal(decimal_parse(view_of_str("9223372036854775807"), &d), 0);
    assert_true(decimal_to_int(&d, &n));
    assert_true(n == INT64_MAX);
    assert_int_equal(decimal_parse(view_of_str("9223372036854775808"), &d), 0);
    assert_false(decimal_to_int(&d, &n));
    assert_int_equal(decimal_parse(view_of_str("-9223372036854775808.000"), &d), 0);
    assert_true(decimal_to_int(&d, &n));
    assert_true(n == INT64_MIN);
}

static void digits_without_end_are_cut_and_known_to_be(void **state)
{
    char text[1000];
    struct decimal d;
    int64_t n;
    double r;

    (void)state;
    memset(text, '9', sizeof(text));
    assert_int_equal(decimal_parse(view_of(text, sizeof(text)), &d), 0);
    assert_true(d.cut);
    assert_int_equal(d.point, 1000);
    assert_false(decimal_to_int(&d, &n));
    assert_int_equal(decimal_to_double(&d, &r), NUMBER_RANGE);
    text[1] = '.';
    assert_int_equal(decimal_parse(view_of(text, sizeof(text)), &d), 0);
    decimal_round(&d, 2);
    assert_string_equal(written(&d), "10.00");
}

static void what_is_no_decimal_is_refused(void **state)
{
    static const char *const bad[] = { "", ".", "-", "1e", "1x", "1 2", "-nan", "0x1", "e5" };
    struct decimal d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(decimal_parse(view_of_str(bad[i]), &d), NUMBER_SYNTAX);
    }
    assert_int_equal(decimal_parse(view_of(NULL, 0), &d), NUMBER_SYNTAX);
}

static void any_fifteen_digits_survive_a_double(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t i = 0; i < test_rounds(50000); i++) {
        char text[64];
        struct decimal d;
        double r;
        unsigned long long digits = test_random(&random) % 1000000000000000;
        int exponent = (int)(test_random(&random) % 40) - 20;

        snprintf(text, sizeof(text), "%llue%d", digits, exponent);
        assert_int_equal(decimal_parse(view_of_str(text), &d), 0);
        assert_int_equal(decimal_to_double(&d, &r), 0);
        struct decimal back = decimal_of_double(r);

        assert_int_equal(back.count, d.count);
        assert_int_equal(back.point, d.point);
        assert_memory_equal(back.digit, d.digit, (size_t)d.count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_keep_their_digits_and_scale),
        cmocka_unit_test(rounding_is_half_away_from_zero),
        cmocka_unit_test(more_than_fifteen_digits_do_not_become_a_double),
        cmocka_unit_test(digits_without_end_are_cut_and_known_to_be),
        cmocka_unit_test(what_is_no_decimal_is_refused),
        cmocka_unit_test(any_fifteen_digits_survive_a_double),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
