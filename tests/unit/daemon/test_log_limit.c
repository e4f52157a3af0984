/* daemon/log_limit.c */
#include "daemon/log_limit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t minute_us = 60000000;

static void lines_over_the_limit_of_a_minute_are_counted(void **state)
{
    struct log_limit limit = { .most = 3 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(log_limit_admits(&limit, minute_us + i));
    }
    for (int i = 0; i < 5; i++) {
        assert_false(log_limit_admits(&limit, minute_us + 10));
    }
    assert_int_equal(log_limit_take(&limit, minute_us + 11, false), 0);
    assert_int_equal(log_limit_take(&limit, 2 * minute_us, false), 5);
    assert_true(log_limit_admits(&limit, 2 * minute_us));
    assert_int_equal(log_limit_take(&limit, 2 * minute_us, false), 0);
}

static void they_are_told_when_the_minute_is_over_though_nobody_logs(void **state)
{
    struct log_limit limit = { .most = 1 };

    (void)state;
    assert_true(log_limit_admits(&limit, 0));
    assert_false(log_limit_admits(&limit, 0));
    assert_int_equal(log_limit_take(&limit, minute_us - 1, false), 0);
    assert_int_equal(log_limit_take(&limit, minute_us, false), 1);
}

static void at_the_end_they_are_told_at_once(void **state)
{
    struct log_limit limit = { .most = 1 };

    (void)state;
    assert_true(log_limit_admits(&limit, 0));
    assert_false(log_limit_admits(&limit, 0));
    assert_int_equal(log_limit_take(&limit, 1, true), 1);
}

static void without_a_limit_none_is_left_out(void **state)
{
    struct log_limit limit = { 0 };

    (void)state;
    for (int i = 0; i < 100000; i++) {
        assert_true(log_limit_admits(&limit, 5));
    }
    assert_int_equal(log_limit_take(&limit, minute_us, true), 0);
}

static void lines_that_were_lost_are_counted_too(void **state)
{
    struct log_limit limit = { 0 };

    (void)state;
    assert_true(log_limit_admits(&limit, 5));
    log_limit_lost(&limit, 1);
    assert_int_equal(log_limit_take(&limit, minute_us, false), 1);
    log_limit_lost(&limit, 1); /* for nobody heard of it */
    log_limit_lost(&limit, 2);
    assert_int_equal(log_limit_take(&limit, minute_us, false), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_over_the_limit_of_a_minute_are_counted),
        cmocka_unit_test(they_are_told_when_the_minute_is_over_though_nobody_logs),
        cmocka_unit_test(at_the_end_they_are_told_at_once),
        cmocka_unit_test(without_a_limit_none_is_left_out),
        cmocka_unit_test(lines_that_were_lost_are_counted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
