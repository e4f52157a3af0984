#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void bounds_rise(void **state)
{
    (void)state;
    for (size_t i = 1; i < histogram_bounds; i++) {
        assert_true(histogram_bound_us[i] > histogram_bound_us[i - 1]);
    }
}

static void a_bound_belongs_to_its_bucket_and_one_more_to_the_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < histogram_bounds; i++) {
        struct histogram h = { .sum_us = 0 };

        histogram_add(&h, histogram_bound_us[i]);
        histogram_add(&h, histogram_bound_us[i] + 1);
        assert_int_equal(h.counts[i], 1);
        assert_int_equal(h.counts[i + 1], 1);
        assert_int_equal(h.sum_us, 2 * (uint64_t)histogram_bound_us[i] + 1);
        assert_int_equal(histogram_count(&h), 2);
    }
}

static void no_time_and_less_are_in_the_first_bucket(void **state)
{
    struct histogram h = { .sum_us = 0 };

    (void)state;
    histogram_add(&h, 0);
    histogram_add(&h, -5);
    histogram_add(&h, INT64_MIN);
    assert_int_equal(h.counts[0], 3);
    assert_int_equal(h.sum_us, 0);
}

static void for_ever_is_in_the_last_one(void **state)
{
    struct histogram h = { .sum_us = 0 };

    (void)state;
    histogram_add(&h, INT64_MAX);
    assert_int_equal(h.counts[histogram_bounds], 1);
    assert_int_equal(h.sum_us, INT64_MAX);
}

static void one_is_added_to_another(void **state)
{
    struct histogram a = { .sum_us = 0 };
    struct histogram b = { .sum_us = 0 };

    (void)state;
    histogram_add(&a, 10);
    histogram_add(&b, 9);
    histogram_add(&b, 70000000);
    histogram_add_all(&a, &b);
    assert_int_equal(a.counts[0], 2);
    assert_int_equal(a.counts[histogram_bounds], 1);
    assert_int_equal(a.sum_us, 70000019);
    assert_int_equal(histogram_count(&a), 3);
    assert_int_equal(histogram_count(&b), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_rise),
        cmocka_unit_test(a_bound_belongs_to_its_bucket_and_one_more_to_the_next),
        cmocka_unit_test(no_time_and_less_are_in_the_first_bucket),
        cmocka_unit_test(for_ever_is_in_the_last_one),
        cmocka_unit_test(one_is_added_to_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
