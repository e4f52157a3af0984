/* Leases: who gets which thing, and what becomes of those who get none. */
#include "support_respool.h"

#include "async/scope.h"

#include <string.h>

static void twice(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    struct thing *thing = lease();
    leave(thing);
    assert_ptr_equal(lease(), thing);
    leave(thing);
}

static void a_thing_is_made_once_reset_and_lent_again(void **state)
{
    (void)state;
    run_pool(twice);
    assert_string_equal(test_log_text(), "+a!a?a!a-a.");
}

static void three_then_one(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    struct thing *a = lease(), *b = lease(), *c = lease();
    leave(b);
    leave(c);
    leave(a);
    test_log("/");
    assert_ptr_equal(lease(), a);
    assert_ptr_equal(lease(), c);
    test_log("/");
    leave(a);
    leave(c);
}

static void the_youngest_idle_thing_goes_first(void **state)
{
    (void)state;
    run_pool(three_then_one);
    assert_string_equal(test_log_text(), "+a+b+c!b!c!a/?a?c/!a!c-b-a-c.");
}

static void some_are_no_good(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    struct thing *a = lease(), *b = lease(), *c = lease();
    faults.reset = 1;
    leave(a);
    leave(b);
    leave(c);
    test_log("/");
    faults.validate = 2;
    leave(lease());
}

static void what_is_no_good_is_ended_and_the_next_one_tried(void **state)
{
    (void)state;
    run_pool(some_are_no_good);
    assert_string_equal(test_log_text(), "+a+b+c!a-a!b!c/?c-c?b-b+d!d-d.");
}

static void no_more_than_two_are_kept(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 2 });
    struct thing *a = lease(), *b = lease(), *c = lease();
    leave(a);
    leave(b);
    leave(c);
    test_log("/");
}

static void no_more_than_max_idle_are_kept(void **state)
{
    (void)state;
    run_pool(no_more_than_two_are_kept);
    assert_string_equal(test_log_text(), "+a+b+c!a!b-c/-a-b.");
}

/* ---- the line ---- */

static void five_for_one(void *arg)
{
    struct user users[5] = { { 0 }, { .patience_us = 10 }, { 0 }, { 0 }, { 0 } };
    struct respool_stats stats;

    (void)arg;
    pool_open((struct respool_options){ .max = 1, .max_idle = 1 });
    for (size_t i = 0; i < 4; i++) {
        user_comes(&users[i]); /* the last is one too many */
    }
    settle();
    time_passes(10);
    user_comes(&users[4]);
    settle();
    respool_stats(pool, &stats);
    assert_int_equal(stats.in_use, 1);
    assert_int_equal(stats.waiting, 2);
    assert_int_equal(stats.first_since_us, test_clock.now_us - 10);
    task_cancel(users[2].task, 1);
    settle();
    user_leaves(&users[0]);
    settle();
    user_leaves(&users[4]);
}

static void who_waits_gets_the_thing_or_leaves_without_a_trace(void **state)
{
    (void)state;
    run_pool(five_for_one);
    assert_string_equal(test_log_text(), "+auftc!a?au!a-a.");
}

static void none_can_be_made(void *arg)
{
    struct user a = { 0 }, b = { 0 };

    (void)arg;
    pool_open((struct respool_options){ .max = 1 });
    faults.create = 1;
    faults.slow = true;
    user_comes(&a);
    user_comes(&b);
    settle();
    assert_int_equal(a.result, NO_THING);
    user_leaves(&b);
}

static void who_cannot_make_one_is_told_and_gives_his_place_to_the_next(void **state)
{
    (void)state;
    run_pool(none_can_be_made);
    assert_string_equal(test_log_text(), "n+au-a.");
}

static struct budget ann = { .name = "ann", .limit = 1 };

static void lease_for_ann(void *arg)
{
    struct budget *budgets[] = { &ann };
    struct respool_request request = {
        .budgets = budgets,
        .budget_count = 1,
        .deadline_us = test_clock.now_us + 10,
    };
    struct respool_item *item;
    int r = respool_await_item(pool, &request, &item);

    test_log(r == 0 ? "u" : r == -ETIMEDOUT ? "t" : "?");
    if (r == 0) {
        settle();
        time_passes(10);
        respool_release(item);
    }
    (void)arg;
}

static void two_of_anns(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max = 2 });
    spawn(lease_for_ann, NULL);
    struct task *late = spawn(lease_for_ann, NULL);
    assert_int_equal(await_task(late, DEADLINE_NONE), 0);
    settle();
    assert_int_equal(ann.used, 0);
}

static void other_budgets_count_as_well(void **state)
{
    (void)state;
    run_pool(two_of_anns);
    assert_string_equal(test_log_text(), "+aut-a.");
}

static void cancelled_while_it_looks(void *arg)
{
    struct user user = { 0 };

    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    struct thing *a = lease(), *b = lease();
    leave(a);
    leave(b);
    faults.slow = true;
    user_comes(&user);
    assert_int_equal(await_turn(), 0);
    task_cancel(user.task, 1);
    settle();
    test_log("/");
}

static void one_who_is_cancelled_does_not_use_up_the_idle_things(void **state)
{
    (void)state;
    run_pool(cancelled_while_it_looks);
    assert_string_equal(test_log_text(), "+a+b!a!b?b-bc/-a.");
}

/* ---- leases that end with a scope ---- */

static struct respool_request for_ever = { .deadline_us = DEADLINE_NONE };

static void scoped(void *arg)
{
    struct respool_item *early, *late;

    (void)arg;
    assert_int_equal(respool_await_scoped(pool, &for_ever, task_scope(task_current()), &late), 0);
    assert_int_equal(respool_await_scoped(pool, &for_ever, task_scope(task_current()), &early), 0);
    respool_release_scoped(task_scope(task_current()), early);
    test_log("/");
}

static void without_memory_for_the_note(void *arg)
{
    struct respool_item *item = NULL;

    (void)arg;
    mem_fail_at(1, false);
    assert_int_equal(respool_await_scoped(pool, &for_ever, task_scope(task_current()), &item),
                     -ENOMEM);
    mem_fail_at(0, false);
    assert_null(item);
}

static void host_scoped(void *arg)
{
    (void)arg;
    pool_open((struct respool_options){ .max_idle = 4 });
    spawn(scoped, NULL);
    settle();
    spawn(without_memory_for_the_note, NULL);
    settle();
}

static void a_lease_may_end_with_a_scope(void **state)
{
    (void)state;
    run_pool(host_scoped);
    assert_string_equal(test_log_text(), "+a+b!b/!a?a!a-b-a.");
}

/* ---- statistics ---- */

static void count_all(void *arg)
{
    struct user user = { 0 }, impatient = { .patience_us = 3 };
    struct respool_stats stats;

    (void)arg;
    pool_open((struct respool_options){ .max = 1, .max_idle = 1 });
    struct thing *thing = lease();
    user_comes(&user);
    user_comes(&impatient);
    settle();
    time_passes(5);
    leave(thing);
    settle();
    user_leaves(&user);
    faults.validate = 1;
    leave(lease());
    respool_stats(pool, &stats);
    assert_int_equal(stats.in_use, 0);
    assert_int_equal(stats.idle, 1);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.first_since_us, DEADLINE_NONE);
    assert_int_equal(stats.leases, 3);
    assert_int_equal(stats.created, 2);
    assert_int_equal(stats.destroyed, 1);
    assert_int_equal(stats.timed_out, 1);
    assert_int_equal(stats.waited_us, 5);
}

static void it_counts(void **state)
{
    (void)state;
    run_pool(count_all);
}

/* ---- memory ---- */

static struct account account;

static void nothing(void *arg)
{
    (void)arg;
}

/* A lease, one that waits, one of a scope, and what the tender does; each may fail. */
static void use_it_all(void)
{
    struct user user = { .patience_us = 1000 };
    struct respool_item *item = NULL;

    int r = respool_await_prefill(pool);
    assert_true(r == 0 || r == -ENOMEM);
    r = respool_await_item(pool, &for_ever, &item);
    assert_true(r == 0 || r == -ENOMEM);
    user_comes(&user);
    settle();
    if (item != NULL) {
        respool_release(item);
    }
    settle();
    if (user.thing != NULL) {
        user_leaves(&user);
    }
    time_passes(2000000); /* the tender's time */
    item = NULL;
    if (respool_await_scoped(pool, &for_ever, task_scope(task_current()), &item) == 0) {
        respool_release_scoped(task_scope(task_current()), item);
    }
}

static size_t fail_at;
static bool failed;

static void with_one_failure(void *arg)
{
    (void)arg;
    spawn(nothing, NULL); /* leaves its stack for the user */
    settle();
    account_swap(&account);
    pool_open((struct respool_options){
        .max = 1, .max_idle = 1, .min = 1, .idle_timeout_us = 10, .lifetime_us = 1000000 });
    mem_fail_at(fail_at, false);
    use_it_all();
    respool_close(pool);
    settle();
    failed = mem_fail_hit();
    mem_fail_at(0, false);
    if (pool != NULL) {
        time_passes(1000000); /* there was no memory for the tender */
    }
    account_swap(NULL);
    assert_null(pool);
}

static void nothing_is_lost_whatever_allocation_fails(void **state)
{
    failed = true;
    for (fail_at = 1; failed; fail_at++) {
        assert_int_equal(pool_setup(state), 0);
        spawn(with_one_failure, NULL);
        run();
        assert_int_equal(account.used, 0); /* a user is not charged for what outlives him */
        assert_int_equal(pool_teardown(state), 0);
    }
    assert_true(fail_at > 4); /* a thing, another, a note */
}

static void a_pool_without_memory_is_not_made(void **state)
{
    struct respool_options options = { .loops = &test_loop, .loop_count = 1 };

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(respool_create(&options, &pool), -ENOMEM);
    mem_fail_at(0, false);
    assert_null(pool);
    respool_destroy(NULL);
}

static void a_pool_that_was_not_used_may_be_destroyed(void **state)
{
    (void)state;
    pool_open((struct respool_options){ .min = 1 });
    respool_destroy(take_ptr(pool));
}

#define RESPOOL_TEST(test) cmocka_unit_test_setup_teardown(test, pool_setup, pool_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESPOOL_TEST(a_thing_is_made_once_reset_and_lent_again),
        RESPOOL_TEST(the_youngest_idle_thing_goes_first),
        RESPOOL_TEST(what_is_no_good_is_ended_and_the_next_one_tried),
        RESPOOL_TEST(no_more_than_max_idle_are_kept),
        RESPOOL_TEST(who_waits_gets_the_thing_or_leaves_without_a_trace),
        RESPOOL_TEST(who_cannot_make_one_is_told_and_gives_his_place_to_the_next),
        RESPOOL_TEST(other_budgets_count_as_well),
        RESPOOL_TEST(one_who_is_cancelled_does_not_use_up_the_idle_things),
        RESPOOL_TEST(a_lease_may_end_with_a_scope),
        RESPOOL_TEST(it_counts),
        cmocka_unit_test(nothing_is_lost_whatever_allocation_fails),
        RESPOOL_TEST(a_pool_without_memory_is_not_made),
        RESPOOL_TEST(a_pool_that_was_not_used_may_be_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
