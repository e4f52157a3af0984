#include "support.h"

#include "async/timer.h"

#include <stdio.h>
#include <string.h>

static struct timers timers;
static int64_t fired_last_us;
static size_t fired;

static void fire(struct timer *timer)
{
    assert_false(timer_is_started(timer));
    assert_true(timer_due_us(timer) >= fired_last_us);
    fired_last_us = timer_due_us(timer);
    fired++;
}

static int setup(void **state)
{
    (void)state;
    timers = (struct timers){ 0 };
    fired = 0;
    fired_last_us = INT64_MIN;
    return 0;
}

static void an_empty_heap_fires_nothing(void **state)
{
    struct timer timer = { 0 };

    (void)state;
    timers_fire_due(&timers, INT64_MAX);
    timer_stop(&timers, &timer);
    assert_false(timer_is_started(&timer));
}

static void only_what_is_due_fires(void **state)
{
    struct timer a = { .fire = fire }, b = { .fire = fire }, c = { .fire = fire };

    (void)state;
    timer_start(&timers, &b, 20);
    timer_start(&timers, &a, 10);
    timer_start(&timers, &c, 30);
    timers_fire_due(&timers, 9);
    assert_int_equal(fired, 0);
    timers_fire_due(&timers, 20);
    assert_int_equal(fired, 2);
    assert_true(timer_is_started(&c));
    timer_stop(&timers, &c);
    timers_fire_due(&timers, 1000);
    assert_int_equal(fired, 2);
    assert_int_equal(timers_first_us(&timers), DEADLINE_NONE);
}

static void fire_and_start_again(struct timer *timer)
{
    fire(timer);
    timer_start(&timers, timer, timer_due_us(timer) + 10);
}

static void a_timer_may_start_itself_again(void **state)
{
    struct timer timer = { .fire = fire_and_start_again };

    (void)state;
    timer_start(&timers, &timer, 10);
    timers_fire_due(&timers, 35);
    assert_int_equal(fired, 3);
    timer_stop(&timers, &timer);
}

/* Against a plain array. */

static int64_t earliest(const struct timer *all, size_t count)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        if (timer_is_started(&all[i]) && timer_due_us(&all[i]) < first) {
            first = timer_due_us(&all[i]);
        }
    }
    return first;
}

static void random_starts_and_stops_keep_the_order(void **state)
{
    enum { count = 300 };
    struct timer *all = test_calloc(count, sizeof(*all));
    size_t steps = rounds(20000);
    int64_t now_us = 0;

    (void)state;
    printf("seed 3\n");
    srand(3);
    for (size_t i = 0; i < count; i++) {
        all[i].fire = fire;
    }
    for (size_t i = 0; i < steps; i++) {
        struct timer *timer = &all[rand() % count];

        if (timer_is_started(timer)) {
            timer_stop(&timers, timer);
        } else {
            timer_start(&timers, timer, now_us + 1 + rand() % 1000);
        }
        int64_t first_us = earliest(all, count);
        assert_true(timers_first_us(&timers) == first_us);
        if (rand() % 10 == 0) {
            now_us += rand() % 100;
            timers_fire_due(&timers, now_us);
            assert_true(earliest(all, count) > now_us);
        }
    }
    assert_true(fired > 0);
    for (size_t i = 0; i < count; i++) {
        timer_stop(&timers, &all[i]);
    }
    assert_int_equal(timers_first_us(&timers), DEADLINE_NONE);
    test_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_heap_fires_nothing, setup),
        cmocka_unit_test_setup(only_what_is_due_fires, setup),
        cmocka_unit_test_setup(a_timer_may_start_itself_again, setup),
        cmocka_unit_test_setup(random_starts_and_stops_keep_the_order, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
