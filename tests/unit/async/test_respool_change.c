/* Other options for a pool that is at work, and its renewal: what was made before is not lent any
 * more. */
#include "support_respool.h"

static void change(struct respool_options options, bool renew)
{
    options.max_waiters = options.max_waiters == 0 ? 2 : options.max_waiters;
    respool_change(pool, &options, renew);
}

static void renewed(void *arg)
{
    const struct respool_options options = { .max_idle = 4 };

    (void)arg;
    pool_open(options);
    struct thing *a = lease(), *b = lease(), *c = lease();
    leave(a);
    leave(b);
    test_log("/");
    change(options, true);
    test_log("|"); /* not while the caller has his turn */
    settle();
    test_log("/");
    struct thing *d = lease();
    leave(c); /* without a reset */
    test_log("/");
    leave(d);
    leave(lease());
}

static void what_was_made_before_a_renewal_is_not_lent_again(void **state)
{
    (void)state;
    run_pool(renewed);
    assert_string_equal(test_log_text(), "+a+b+c!a!b/|-a-b/+d-c/!d?d!d-d.");
}

static void not_renewed(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    struct thing *a = lease(), *b = lease();
    leave(a);
    change((struct respool_options){ .max_idle = 4, .idle_timeout_us = 100 }, false);
    settle();
    leave(b);
    time_passes(100);
    test_log("/"); /* a is idle under the old options */
    leave(lease());
    time_passes(100);
}

static void other_options_hold_for_what_comes(void **state)
{
    (void)state;
    run_pool(not_renewed);
    assert_string_equal(test_log_text(), "+a+b!a!b-b/?a!a-a.");
}

static void before_it_is_tended(void *arg)
{
    const struct respool_options options = { .max_idle = 4 };

    (void)arg;
    pool_open(options);
    leave(lease());
    change(options, true);
    leave(lease()); /* finds a before the tender does */
}

static void who_comes_first_does_not_get_it_either(void **state)
{
    (void)state;
    run_pool(before_it_is_tended);
    assert_string_equal(test_log_text(), "+a!a-a+b!b-b.");
}

static void more_ahead(void *arg)
{
    struct respool_stats stats;

    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    change((struct respool_options){ .min = 2 }, false);
    settle();
    test_log("/");
    change((struct respool_options){ .min = 2 }, true);
    settle();
    test_log("/");
    change((struct respool_options){ .min = 3, .max = 1 }, true);
    settle();
    respool_stats(pool, &stats);
    assert_int_equal(stats.idle, 1);
}

static void what_is_to_be_ready_is_made_anew(void **state)
{
    (void)state;
    run_pool(more_ahead);
    assert_string_equal(test_log_text(), "+a+b/-a-b+c+d/-c-d+e-e.");
}

static void in_the_making(void *arg)
{
    struct user user = { 0 };
    const struct respool_options options = { .max_idle = 4 };

    (void)arg;
    faults.slow = true;
    pool_open(options);
    user_comes(&user);
    assert_int_equal(await_turn(), 0);
    change(options, true);
    settle();
    user_leaves(&user);
    settle();
    test_log("/");
    change((struct respool_options){ .min = 1 }, false);
    assert_int_equal(await_turn(), 0);
    change((struct respool_options){ .min = 1 }, true); /* while the tender makes b */
    settle();
}

static void what_is_in_the_making_is_made_before(void **state)
{
    (void)state;
    run_pool(in_the_making);
    assert_string_equal(test_log_text(), "+au-a/+b-b+c-c.");
}

static void fewer_may_wait(void *arg)
{
    struct user users[3] = { { 0 }, { 0 }, { 0 } };

    (void)arg;
    pool_open((struct respool_options){ .max = 1 });
    struct thing *a = lease();
    user_comes(&users[0]);
    settle();
    change((struct respool_options){ .max = 1, .max_waiters = 1 }, false);
    user_comes(&users[1]);
    settle();
    gate_set_limit(&thing_gate, respool_budget(pool), 2);
    user_comes(&users[2]);
    settle();
    leave(a);
    settle();
    user_leaves(&users[0]);
    user_leaves(&users[2]);
}

static void the_line_may_be_shorter_and_the_pool_larger(void **state)
{
    (void)state;
    run_pool(fewer_may_wait);
    assert_string_equal(test_log_text(), "+af+bu-a+cu-b-c.");
}

static void without_memory(void *arg)
{
    const struct respool_options options = { .max_idle = 4 };

    (void)arg;
    pool_open(options);
    leave(lease());
    mem_fail_at(1, true);
    change(options, true);
    mem_fail_at(0, false);
    settle();
    test_log("/");
    time_passes(1000000);
    test_log("/");
}

static void without_memory_they_end_a_second_later(void **state)
{
    (void)state;
    run_pool(without_memory);
    assert_string_equal(test_log_text(), "+a!a/-a/.");
}

static void after_the_close(void *arg)
{
    const struct respool_options options = { .min = 3 };

    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    struct thing *a = lease();
    pool_close();
    change(options, true);
    settle();
    change(options, true);
    test_log("/");
    leave(a);
}

static void a_pool_that_closes_makes_nothing_anew(void **state)
{
    (void)state;
    run_pool(after_the_close);
    assert_string_equal(test_log_text(), "+a/-a.");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pool_setup, pool_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_made_before_a_renewal_is_not_lent_again),
        TEST(other_options_hold_for_what_comes),
        TEST(who_comes_first_does_not_get_it_either),
        TEST(what_is_to_be_ready_is_made_anew),
        TEST(what_is_in_the_making_is_made_before),
        TEST(the_line_may_be_shorter_and_the_pool_larger),
        TEST(without_memory_they_end_a_second_later),
        TEST(a_pool_that_closes_makes_nothing_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
