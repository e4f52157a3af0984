#include "protocol/number.h"

#include "support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *written(double d)
{
    static char text[number_float_bytes + 1];

    text[number_write_double(d, text)] = '\0';
    return text;
}

static const char *written_float(float f)
{
    static char text[number_float_bytes + 1];

    text[number_write_float(f, text)] = '\0';
    return text;
}

static void doubles_look_as_postgres_prints_them(void **state)
{
    (void)state;
    assert_string_equal(written(0.1), "0.1");
    assert_string_equal(written(-0.0), "-0");
    assert_string_equal(written(1e14), "100000000000000");
    assert_string_equal(written(1e15), "1e+15");
    assert_string_equal(written(0.0001), "0.0001");
    assert_string_equal(written(0.00001), "1e-05");
    assert_string_equal(written(1e23), "9.999999999999999e+22");
    assert_string_equal(written(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(written(5e-324), "5e-324");
    assert_string_equal(written(1.7976931348623157e308), "1.7976931348623157e+308");
    assert_string_equal(written((double)INFINITY), "Infinity");
    assert_string_equal(written((double)-INFINITY), "-Infinity");
    assert_string_equal(written((double)NAN), "NaN");
    assert_string_equal(written_float(0.1f), "0.1");
    assert_string_equal(written_float(1e6f), "1e+06");
    assert_string_equal(written_float(999999.0f), "999999");
    assert_string_equal(written_float(3.4028235e38f), "3.4028235e+38");
    assert_string_equal(written_float(1e-45f), "1e-45");
    assert_string_equal(written_float(16777216.0f), "1.6777216e+07");
}

/* The fewest digits with which printf's text reads back the same. */
static int fewest_digits(double d)
{
    char text[64];
    int digits = 1;

    for (; digits < 17; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, d);
        if (strtod(text, NULL) == d) {
            break;
        }
    }
    return digits;
}

static int digits_in(const char *text)
{
    int count = 0;
    int zeros = 0; /* at the end */

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '1' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        } else if (*text == '0' && count > 0) {
            zeros++;
        }
    }
    return count;
}

static void random_doubles_read_back_and_are_shortest(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t i = 0; i < test_rounds(100000); i++) {
        uint64_t bits = test_random(&random);
        double d;

        memcpy(&d, &bits, sizeof(d));
        if (i % 2 == 0) {
            d = (double)(int64_t)(bits % 1000000000) / 1000;
        }
        if (!isfinite(d)) {
            continue;
        }
        const char *text = written(d);

        if (strtod(text, NULL) != d) {
            fail_msg("%a was written as %s", d, text);
        }
        /* one more where the shortest lies on a border of its interval */
        if (i % 8 == 0 && digits_in(text) > fewest_digits(d)) {
            assert_int_equal(digits_in(text), fewest_digits(d) + 1);
        }
    }
}

static void powers_of_two_and_ten_read_back(void **state)
{
    (void)state;
    for (int e = -1074; e < 1024; e++) {
        double d = ldexp(1.0, e);

        assert_true(strtod(written(d), NULL) == d);
        assert_true(strtod(written(nextafter(d, 0)), NULL) == nextafter(d, 0));
    }
    for (int e = -323; e <= 308; e++) {
        char text[16];

        snprintf(text, sizeof(text), "1e%d", e);
        double d = strtod(text, NULL);

        assert_true(strtod(written(d), NULL) == d);
    }
}

static void random_floats_read_back(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t i = 0; i < test_rounds(100000); i++) {
        uint32_t bits = (uint32_t)test_random(&random);
        float f;

        memcpy(&f, &bits, sizeof(f));
        if (isfinite(f) && strtof(written_float(f), NULL) != f) {
            fail_msg("%a was written as %s", (double)f, written_float(f));
        }
    }
}

static void rounded_doubles_equal_printf(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t i = 0; i < test_rounds(100000); i++) {
        uint64_t bits = test_random(&random);
        char want[64];
        char text[number_float_bytes + 1];
        double d;

        memcpy(&d, &bits, sizeof(d));
        if (i % 2 == 0) {
            d = (double)(int64_t)(bits >> 12) / 8; /* many ties at 15 digits */
        }
        if (!isnormal(d)) {
            continue;
        }
        text[number_write_double_rounded(d, text)] = '\0';
        snprintf(want, sizeof(want), "%.15g", d);
        assert_string_equal(text, want);
    }
}

static void floats_are_read_as_postgres_reads_them(void **state)
{
    static const char *const bad[] = { "",     " ",    "abc", ".",   "1e",
                                       "1e5x", "0x10", "1 2", "--1", "nan(1)" };
    double d;
    float f;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(number_parse_double(view_of_str(bad[i]), &d), NUMBER_SYNTAX);
    }
    assert_int_equal(number_parse_double(view_of_str(" -1.5e3\n"), &d), 0);
    assert_true(d == -1500);
    assert_int_equal(number_parse_double(view_of_str("-InFiNiTy"), &d), 0);
    assert_true(isinf(d) && d < 0);
    assert_int_equal(number_parse_double(view_of_str("1e400"), &d), NUMBER_RANGE);
    assert_int_equal(number_parse_double(view_of_str("1e-400"), &d), NUMBER_RANGE);
    assert_int_equal(number_parse_double(view_of_str("5e-324"), &d), 0);
    assert_int_equal(number_parse_float(view_of_str("1e39"), &f), NUMBER_RANGE);
    assert_int_equal(number_parse_double(view_of(NULL, 0), &d), NUMBER_SYNTAX);
}

static int parse_long_text(void)
{
    char text[300];
    double d;

    memset(text, '1', sizeof(text));
    int r = number_parse_double(view_of(text, sizeof(text)), &d);

    return r;
}

static void a_long_number_needs_memory_and_says_so(void **state)
{
    (void)state;
    for_each_failed_allocation(parse_long_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_look_as_postgres_prints_them),
        cmocka_unit_test(random_doubles_read_back_and_are_shortest),
        cmocka_unit_test(powers_of_two_and_ten_read_back),
        cmocka_unit_test(random_floats_read_back),
        cmocka_unit_test(rounded_doubles_equal_printf),
        cmocka_unit_test(floats_are_read_as_postgres_reads_them),
        cmocka_unit_test(a_long_number_needs_memory_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
