/* What is kept idle, for how long, and how a pool ends. */
#include "support_respool.h"

#include <string.h>

static void idle_for_a_while(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4, .idle_timeout_us = 100 });
    struct thing *a = lease(), *b = lease(), *c = lease();
    leave(a);
    time_passes(50);
    leave(b);
    leave(c);
    time_passes(49);
    test_log("/");
    time_passes(1); /* a's time is over */
    test_log("/");
    leave(lease()); /* c is idle anew from now on */
    time_passes(50);
    test_log("/");
    time_passes(50);
    test_log("/");
}

static void what_is_idle_for_too_long_ends(void **state)
{
    (void)state;
    run_pool(idle_for_a_while);
    assert_string_equal(test_log_text(), "+a+b+c!a!b!c/-a/?c!c-b/-c/.");
}

static void shed_some(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    respool_shed(pool); /* there is none */
    struct thing *a = lease(), *b = lease(), *c = lease();
    leave(a);
    leave(b);
    respool_shed(pool);
    respool_shed(pool); /* once is enough */
    test_log("/");
    settle();
    test_log("/");
    leave(c); /* was leased, and is kept */
    settle();
    test_log("/");
    leave(lease());
}

static void what_is_idle_ends_when_it_is_wanted_so(void **state)
{
    (void)state;
    run_pool(shed_some);
    assert_string_equal(test_log_text(), "+a+b+c!a!b/-a-b/!c/?c!c-c.");
}

static void shed_slowly(void *arg)
{
    struct respool_stats stats;

    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    struct thing *a = lease(), *b = lease();
    leave(a);
    leave(b);
    faults.slow = true;
    respool_shed(pool);
    do {
        assert_int_equal(await_turn(), 0);
        respool_stats(pool, &stats);
        assert_int_equal(stats.idle + stats.ending, things_alive);
    } while (stats.idle > 0);
    assert_int_equal(stats.ending, 2);
    settle();
    respool_stats(pool, &stats);
    assert_int_equal(stats.idle + stats.ending, 0);
}

static void who_is_at_his_end_is_counted_until_it(void **state)
{
    (void)state;
    run_pool(shed_slowly);
}

static void shed_those_that_are_kept_ready(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4, .min = 2 });
    assert_int_equal(respool_await_prefill(pool), 0);
    respool_shed(pool);
    settle();
    test_log("/");
    time_passes(999999);
    test_log("/");
    time_passes(1);
    test_log("/");
}

static void what_is_to_be_ready_is_made_anew_after_a_while(void **state)
{
    (void)state;
    run_pool(shed_those_that_are_kept_ready);
    assert_string_equal(test_log_text(), "+a+b-a-b//+c+d/-c-d.");
}

static void shed_while_more_are_made(void *arg)
{
    (void)arg;
    faults.slow = true;
    pool_open((struct respool_options){ .max_idle = 4, .min = 2, .lifetime_us = 100 });
    assert_int_equal(respool_await_prefill(pool), 0);
    time_passes(100); /* both have ended; the tender makes the next */
    respool_shed(pool);
    settle();
    settle();
    assert_int_equal(things_alive, 0);
}

static void the_tender_does_it_when_he_is_at_work_already(void **state)
{
    (void)state;
    run_pool(shed_while_more_are_made);
}

static void grow_old(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4, .lifetime_us = 100 });
    struct thing *a = lease(), *b = lease();
    leave(a);
    time_passes(10);
    struct thing *c = lease(); /* is a */
    struct thing *d = lease();
    leave(d);
    leave(c);
    time_passes(90);
    test_log("/"); /* a ended, though it was used in between; b is still leased */
    leave(b);
    test_log("/"); /* without a reset */
    clock_manual_advance(&test_clock, 10);
    leave(lease()); /* c's time is over, though the timer has not rung yet */
}

static void what_is_too_old_ends(void **state)
{
    (void)state;
    run_pool(grow_old);
    assert_string_equal(test_log_text(), "+a+b!a?a+c!c!a-a/-b/-c+d!d-d.");
}

static void a_short_life_among_long_ones(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4, .lifetime_us = 100, .idle_timeout_us = 80 });
    struct thing *a = lease();
    time_passes(50);
    struct thing *b = lease();
    leave(b); /* until 130 */
    leave(a); /* until 100, though it came later */
    time_passes(50);
    test_log("/");
    time_passes(30);
    test_log("/");
}

static void the_timer_rings_for_whoever_ends_first(void **state)
{
    (void)state;
    run_pool(a_short_life_among_long_ones);
    assert_string_equal(test_log_text(), "+a+b!b!a-a/-b/.");
}

/* ---- min ---- */

static void made_ahead(void *arg)
{
    struct respool_stats stats;

    (void)arg;
    pool_open((struct respool_options){ .min = 2, .idle_timeout_us = 100, .max_idle = 3 });
    assert_int_equal(respool_await_prefill(pool), 0);
    assert_int_equal(respool_await_prefill(pool), 0); /* they are there */
    test_log("/");
    struct thing *b = lease(), *a = lease(), *c = lease();
    leave(a);
    leave(b);
    leave(c);
    time_passes(100); /* one is one too many */
    time_passes(1000);
    test_log("/");
    respool_stats(pool, &stats);
    assert_int_equal(stats.idle, 2);
    faults.validate = 2;
    leave(lease());
    settle();
    respool_stats(pool, &stats);
    assert_int_equal(stats.idle, 2);
}

static void as_many_as_min_are_made_ahead_and_spared(void **state)
{
    (void)state;
    run_pool(made_ahead);
    assert_string_equal(test_log_text(), "+a+b/?b?a+c!a!b!c-a/?c-c?b-b+d!d+e-d-e.");
}

static void spared_then_one_too_many(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .min = 1, .idle_timeout_us = 100, .max_idle = 2 });
    assert_int_equal(respool_await_prefill(pool), 0);
    time_passes(500); /* a is spared */
    struct thing *a = lease();
    leave(a);
    time_passes(99);
    a = lease();
    struct thing *b = lease();
    leave(a);
    test_log("/");
    leave(b);
    time_passes(100); /* the one that is idle longer */
    test_log("/");
}

static void one_who_was_spared_times_out_when_there_is_another(void **state)
{
    (void)state;
    run_pool(spared_then_one_too_many);
    assert_string_equal(test_log_text(), "+a?a!a?a+b!a/!b-a/-b.");
}

static void none_can_be_made_ahead(void *arg)
{
    (void)arg;
    faults.create = 2;
    pool_open((struct respool_options){ .min = 1 });
    assert_int_equal(respool_await_prefill(pool), NO_THING);
    test_log("/");
    time_passes(999999);
    test_log("/");
    time_passes(1); /* fails again */
    time_passes(999999);
    test_log("/");
    time_passes(1);
    test_log("/");
}

static void making_ahead_is_tried_again_later(void **state)
{
    (void)state;
    run_pool(none_can_be_made_ahead);
    assert_string_equal(test_log_text(), "///+a/-a.");
}

static void no_more_than_max(void *arg)
{
    struct user users[2] = { { 0 }, { 0 } };

    (void)arg;
    faults.slow = true;
    pool_open((struct respool_options){ .min = 5, .max = 1, .max_idle = 5 });
    user_comes(&users[0]);
    user_comes(&users[1]);
    settle();
    assert_int_equal(respool_await_prefill(pool), 0); /* it is full */
    settle();
    user_leaves(&users[0]);
    settle();
    faults.reset = 1;
    user_leaves(&users[1]);
    settle(); /* another is made ahead, and one who comes waits for it */
    assert_int_equal(things_most, 1);
}

static void no_more_than_max_are_made_ahead(void **state)
{
    (void)state;
    run_pool(no_more_than_max);
    assert_string_equal(test_log_text(), "+au!a?au!a-a+b-b.");
}

static void come_while_it_is_made(void *arg)
{
    struct user user = { 0 };

    (void)arg;
    faults.slow = true;
    pool_open((struct respool_options){ .min = 1, .max = 1 });
    user_comes(&user);
    assert_int_equal(respool_await_prefill(pool), 0);
    settle();
    assert_int_equal(things_most, 1);
    user_leaves(&user);
}

static void what_is_being_made_ahead_counts(void **state)
{
    (void)state;
    run_pool(come_while_it_is_made);
    assert_string_equal(test_log_text(), "+a?au!a-a.");
}

/* ---- the tender without memory ---- */

static void no_memory_for_the_tender(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 1, .idle_timeout_us = 10 });
    leave(lease());
    mem_fail_at(1, true);
    time_passes(10);
    test_log("/");
    assert_true(mem_fail_hit());
    mem_fail_at(0, false);
    time_passes(999999);
    test_log("/");
    time_passes(1);
    test_log("/");
}

static void what_there_was_no_memory_for_is_done_later(void **state)
{
    (void)state;
    run_pool(no_memory_for_the_tender);
    assert_string_equal(test_log_text(), "+a!a//-a/.");
}

/* ---- the end ---- */

static void close_it(void *arg)
{
    struct user users[3] = { { 0 }, { 0 }, { 0 } };

    (void)arg;
    pool_open((struct respool_options){ .max = 2, .max_idle = 2, .idle_timeout_us = 10 });
    struct thing *a = lease(), *b = lease();
    leave(b);
    user_comes(&users[0]);
    user_comes(&users[1]);
    user_comes(&users[2]);
    settle();
    leave(a);
    settle();
    user_leaves(&users[0]); /* b and a are with users 0 and 1 by now */
    settle();
    user_leaves(&users[1]);
    test_log("/");
    pool_close();
    user_comes(&users[0]);
    settle();
    test_log("/");
    user_leaves(&users[2]);
}

static void at_the_close_all_things_end_when_they_are_idle(void **state)
{
    (void)state;
    run_pool(close_it);
    assert_string_equal(test_log_text(), "+a+b!b?bu!a?au!b?bu!a/s-a/-b.");
}

static void close_with_waiters(void *arg)
{
    struct user users[2] = { { 0 }, { 0 } };

    (void)arg;
    pool_open((struct respool_options){ .max = 1 });
    struct thing *a = lease();
    user_comes(&users[0]);
    user_comes(&users[1]);
    settle();
    pool_close();
    settle();
    test_log("/");
    assert_int_equal(respool_await_prefill(pool), 0);
    leave(a);
}

static void at_the_close_those_who_wait_are_sent_away(void **state)
{
    (void)state;
    run_pool(close_with_waiters);
    assert_string_equal(test_log_text(), "+ass/-a.");
}

static void leave_it(void *arg)
{
    leave(arg);
}

static void close_in_the_middle(void *arg)
{
    struct user makes = { 0 }, looks = { 0 };

    (void)arg;
    faults.slow = true;
    pool_open((struct respool_options){ .max_idle = 5, .min = 4 });
    struct thing *a = lease(), *b = lease();
    leave(a);
    user_comes(&looks);
    user_comes(&makes);
    spawn(leave_it, b); /* is being reset */
    assert_int_equal(await_turn(), 0);
    pool_close();
    settle();
    test_log("/");
    user_leaves(&looks);
    user_leaves(&makes);
}

static void a_close_in_the_middle_of_everything_ends_everything(void **state)
{
    (void)state;
    run_pool(close_in_the_middle);
    assert_string_equal(test_log_text(), "+a+b!a?a!bu+cu-b/-a-c.");
}

static void fill_it(void *arg)
{
    *(int *)arg = respool_await_prefill(pool);
}

static void close_while_it_fills(void *arg)
{
    int result = 1;

    (void)arg;
    faults.slow = true;
    pool_open((struct respool_options){ .min = 2 });
    spawn(fill_it, &result);
    assert_int_equal(await_turn(), 0);
    pool_close();
    settle();
    assert_int_equal(result, 0);
    assert_null(pool);
}

static void what_was_being_made_ahead_ends_as_well(void **state)
{
    (void)state;
    run_pool(close_while_it_fills);
    assert_string_equal(test_log_text(), "+a-a.");
}

static void close_while_it_is_tended(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .min = 2, .lifetime_us = 1000 });
    assert_int_equal(respool_await_prefill(pool), 0);
    faults.reset = 1;
    leave(lease());
    faults.slow = true;
    assert_int_equal(await_turn(), 0); /* the tender makes another one */
    pool_close();
}

static void a_close_while_another_is_made_ahead_ends_the_idle_ones(void **state)
{
    (void)state;
    run_pool(close_while_it_is_tended);
    assert_string_equal(test_log_text(), "+a+b?b!b-b+c-c-a.");
}

#define KEEP_TEST(test) cmocka_unit_test_setup_teardown(test, pool_setup, pool_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEEP_TEST(what_is_idle_for_too_long_ends),
        KEEP_TEST(what_is_idle_ends_when_it_is_wanted_so),
        KEEP_TEST(who_is_at_his_end_is_counted_until_it),
        KEEP_TEST(what_is_to_be_ready_is_made_anew_after_a_while),
        KEEP_TEST(the_tender_does_it_when_he_is_at_work_already),
        KEEP_TEST(what_is_too_old_ends),
        KEEP_TEST(the_timer_rings_for_whoever_ends_first),
        KEEP_TEST(as_many_as_min_are_made_ahead_and_spared),
        KEEP_TEST(one_who_was_spared_times_out_when_there_is_another),
        KEEP_TEST(making_ahead_is_tried_again_later),
        KEEP_TEST(no_more_than_max_are_made_ahead),
        KEEP_TEST(what_is_being_made_ahead_counts),
        KEEP_TEST(what_there_was_no_memory_for_is_done_later),
        KEEP_TEST(at_the_close_all_things_end_when_they_are_idle),
        KEEP_TEST(at_the_close_those_who_wait_are_sent_away),
        KEEP_TEST(a_close_in_the_middle_of_everything_ends_everything),
        KEEP_TEST(what_was_being_made_ahead_ends_as_well),
        KEEP_TEST(a_close_while_another_is_made_ahead_ends_the_idle_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
