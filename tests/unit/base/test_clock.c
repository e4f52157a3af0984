#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static void a_manual_clock_moves_only_when_told(void **state)
{
    struct clock_manual c;

    (void)state;
    clock_manual_init(&c, 5);
    assert_int_equal(clock_now_us(&c.clock), 5);
    assert_int_equal(clock_now_us(&c.clock), 5);
    clock_manual_advance(&c, 10);
    assert_int_equal(clock_now_us(&c.clock), 15);
    assert_int_equal(clock_wall_us(&c.clock), 15);
}

static void the_system_clock_never_goes_back(void **state)
{
    int64_t last = clock_now_us(&clock_system);

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_now_us(&clock_system);

        assert_true(now >= last);
        last = now;
    }
}

static void the_wall_clock_counts_from_the_epoch(void **state)
{
    int64_t before = (int64_t)time(NULL);
    int64_t seconds = clock_wall_us(&clock_system) / 1000000;
    int64_t after = (int64_t)time(NULL);

    (void)state;
    assert_in_range(seconds, before, after + 1); /* time() may lag a little behind */
}

static void a_deadline_past_the_end_of_time_is_none(void **state)
{
    struct clock_manual c;

    (void)state;
    clock_manual_init(&c, 1000);
    assert_int_equal(clock_after_us(&c.clock, 24), 1024);
    assert_true(clock_after_us(&c.clock, INT64_MAX) == DEADLINE_NONE);
    assert_true(clock_after_us(&c.clock, INT64_MAX - 1000) == DEADLINE_NONE);
    assert_true(clock_after_us(&c.clock, INT64_MAX - 1001) == INT64_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manual_clock_moves_only_when_told),
        cmocka_unit_test(the_system_clock_never_goes_back),
        cmocka_unit_test(the_wall_clock_counts_from_the_epoch),
        cmocka_unit_test(a_deadline_past_the_end_of_time_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
