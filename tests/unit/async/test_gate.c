#include "support_gate.h"

/* ---- room ---- */

static void two_with_room(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &bob } };
    struct loop_stats before, after;

    (void)arg;
    shop.limit = 2;
    loop_stats(test_loop, &before);
    come(&a);
    come(&b);
    loop_stats(test_loop, &after);
    assert_int_equal(before.turns, after.turns); /* it did not wait */
    assert_int_equal(shop.used, 2);
    assert_int_equal(ann.used, 1);
    assert_int_equal(a.permit.waited_us, 0);
    gate_release(&a.permit);
    gate_release(&a.permit); /* is empty now */
    gate_release(&b.permit);
}

static void a_place_is_given_at_once_when_there_is_room(void **state)
{
    (void)state;
    run_with(two_with_room);
    assert_string_equal(test_log_text(), "12");
}

static void without_memory(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop } };

    shop.limit = 1;
    invite(&b);
    mem_fail_at(1, true);
    come(&a);
    pause_here();
    assert_int_equal(shop.waiting, 1);
    gate_release(&a.permit);
    pause_here();
    gate_release(&b.permit);
    assert_int_equal(mem_fail_at(0, false), 0);
    (void)arg;
}

static void neither_waiting_nor_a_release_takes_memory(void **state)
{
    (void)state;
    run_with(without_memory);
    assert_string_equal(test_log_text(), "12");
}

/* ---- the line ---- */

static void one_after_the_other(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop } };
    struct guest c = { .name = "3", .budgets = { &shop } };

    shop.limit = 1;
    invite(&a);
    invite(&b);
    invite(&c);
    pause_here();
    assert_int_equal(shop.used, 1);
    assert_int_equal(shop.waiting, 2);
    test_log("-");
    clock_manual_advance(&test_clock, 7);
    gate_release(&a.permit);
    pause_here();
    assert_int_equal(b.permit.waited_us, 7);
    test_log("-");
    gate_release(&b.permit);
    pause_here();
    gate_release(&c.permit);
    (void)arg;
}

static void first_come_first_served(void **state)
{
    (void)state;
    run_with(one_after_the_other);
    assert_string_equal(test_log_text(), "1-2-3");
}

static void a_newcomer_while_one_is_let_in(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop } };
    struct guest c = { .name = "3", .budgets = { &shop }, .never_waits = true };

    shop.limit = 1;
    come(&a);
    invite(&b);
    pause_here();
    gate_release(&a.permit); /* b has the place, but not yet his turn */
    come(&c);
    pause_here();
    gate_release(&b.permit);
    (void)arg;
}

static void nobody_overtakes_one_who_was_let_in(void **state)
{
    (void)state;
    run_with(a_newcomer_while_one_is_let_in);
    assert_string_equal(test_log_text(), "1f2");
}

static void one_held_back_by_his_user(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &ann } };
    struct guest c = { .name = "3", .budgets = { &shop, &bob } };
    struct guest d = { .name = "4", .budgets = { &shop, &bob } };

    shop.limit = 2;
    ann.limit = 1;
    invite(&a);
    invite(&b);
    invite(&c);
    invite(&d);
    pause_here();
    assert_int_equal(shop.used, 2); /* b has nothing of it */
    gate_release(&c.permit);        /* makes room in shop, but ann's is full: d is next */
    pause_here();
    test_log("-");
    gate_release(&a.permit);
    pause_here();
    gate_release(&b.permit);
    gate_release(&d.permit);
    (void)arg;
}

static void one_held_back_by_his_users_budget_does_not_hold_the_others(void **state)
{
    (void)state;
    run_with(one_held_back_by_his_user);
    assert_string_equal(test_log_text(), "134-2");
}

static void first_by_user_then_by_database(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &ann } };
    struct guest c = { .name = "3", .budgets = { &shop, &bob } };

    shop.limit = 1;
    ann.limit = 1;
    invite(&a);
    invite(&b);
    invite(&c);
    pause_here();
    gate_release(&a.permit);
    pause_here();
    gate_release(&b.permit);
    pause_here();
    gate_release(&c.permit);
    (void)arg;
}

static void who_came_first_is_first_whatever_held_him_back(void **state)
{
    (void)state;
    run_with(first_by_user_then_by_database);
    assert_string_equal(test_log_text(), "123");
}

static void one_leaves_two_come(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &bob } };
    struct guest c = { .name = "3", .budgets = { &store, &ann } };

    shop.limit = 1;
    ann.limit = 1;
    invite(&a);
    invite(&b);
    invite(&c);
    pause_here();
    gate_release(&a.permit);
    pause_here();
    gate_release(&b.permit);
    gate_release(&c.permit);
    (void)arg;
}

static void one_release_may_let_in_several(void **state)
{
    (void)state;
    run_with(one_leaves_two_come);
    assert_string_equal(test_log_text(), "123");
}

static void one_too_many(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &ann } };
    struct guest c = { .name = "3", .budgets = { &shop, &bob } };
    struct guest d = { .name = "4", .budgets = { &shop, &bob } };
    struct guest e = { .name = "5", .budgets = { &store, &ann } };

    shop.limit = 1;
    ann.limit = 1;
    invite(&a);
    invite(&b);
    invite(&c);
    invite(&d); /* two wait for shop */
    invite(&e); /* and one of them for ann, but nobody for store */
    pause_here();
    assert_int_equal(d.result, GATE_FULL);
    assert_int_equal(ann.waiting, 2);
    task_cancel(b.task, 1);
    gate_release(&a.permit);
    pause_here();
    gate_release(&c.permit);
    gate_release(&e.permit);
    (void)arg;
}

static void no_more_than_max_waiters_of_the_first_budget_wait(void **state)
{
    (void)state;
    run_with(one_too_many);
    assert_string_equal(test_log_text(), "1fc35");
}

/* ---- limits that change, and the end ---- */

static void more_then_fewer(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop } };
    struct guest c = { .name = "3", .budgets = { &shop } };
    struct guest d = { .name = "4", .budgets = { &shop } };

    shop.limit = 1;
    come(&a);
    invite(&b);
    invite(&c);
    pause_here();
    gate_set_limit(&gate, &shop, 3);
    assert_int_equal(shop.used, 3);
    pause_here();
    test_log("-");
    gate_set_limit(&gate, &shop, 1);
    assert_int_equal(shop.used, 3);
    invite(&d);
    gate_release(&a.permit);
    gate_release(&b.permit);
    pause_here();
    assert_int_equal(shop.waiting, 1);
    gate_set_limit(&gate, &shop, 0); /* none */
    pause_here();
    gate_release(&c.permit);
    gate_release(&d.permit);
    (void)arg;
}

static void a_raised_limit_lets_in_a_lowered_one_throws_nobody_out(void **state)
{
    (void)state;
    run_with(more_then_fewer);
    assert_string_equal(test_log_text(), "123-4");
}

static void a_pause_of_shop(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &bob } };
    struct guest c = { .name = "3", .budgets = { &store, &bob } };
    struct guest d = { .name = "4", .budgets = { &shop, &ann } };
    struct budget *const shops[] = { &shop };
    struct gate_stats stats;

    ann.limit = 1;
    come(&a);
    assert_true(gate_pause(&gate, &shop, true));
    assert_false(gate_pause(&gate, &shop, true));
    assert_ptr_equal(gate_find_full(&gate, shops, 1), &shop);
    gate_stats(&gate, &shop, &stats);
    assert_true(stats.paused);
    assert_int_equal(stats.used, 1);
    invite(&b);
    invite(&c); /* shop is not his */
    invite(&d); /* held back by ann, then by shop */
    pause_here();
    gate_release(&a.permit);
    pause_here();
    assert_int_equal(shop.used, 0);
    assert_int_equal(shop.waiting, 2);
    test_log("-");
    assert_true(gate_pause(&gate, &shop, false));
    assert_false(gate_pause(&gate, &shop, false));
    pause_here();
    assert_int_equal(shop.used, 2);
    gate_release(&b.permit);
    gate_release(&c.permit);
    gate_release(&d.permit);
    (void)arg;
}

static void a_paused_budget_lets_nobody_in_until_the_pause_ends(void **state)
{
    (void)state;
    run_with(a_pause_of_shop);
    assert_string_equal(test_log_text(), "13-24");
}

static void the_end_of_shop(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &ann } };
    struct guest c = { .name = "3", .budgets = { &store, &ann } };
    struct guest d = { .name = "4", .budgets = { &shop, &bob } };

    ann.limit = 1;
    come(&a);
    invite(&b);
    invite(&c);
    pause_here();
    gate_close(&gate, &shop);
    come(&d);
    pause_here();
    test_log("-");
    gate_release(&a.permit);
    pause_here();
    gate_close(&gate, &ann);
    gate_release(&c.permit);
    (void)arg;
}

static void a_closed_budget_sends_its_waiters_away_and_nobody_elses(void **state)
{
    (void)state;
    run_with(the_end_of_shop);
    assert_string_equal(test_log_text(), "1ss-3");
}

static void look_at_it(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop, &ann } };
    struct guest b = { .name = "2", .budgets = { &shop, &ann } };
    struct guest c = { .name = "3", .budgets = { &shop, &bob } };
    struct budget *const bobs[] = { &bob, &shop };
    int64_t start_us = test_clock.now_us;
    struct gate_stats stats;

    shop.limit = 1;
    gate_stats(&gate, &shop, &stats);
    assert_int_equal(stats.first_since_us, DEADLINE_NONE);
    assert_null(gate_find_full(&gate, bobs, 2));
    come(&a);
    invite(&b);
    pause_here();
    clock_manual_advance(&test_clock, 5);
    invite(&c);
    pause_here();
    gate_stats(&gate, &shop, &stats);
    assert_int_equal(stats.limit, 1);
    assert_int_equal(stats.used, 1);
    assert_int_equal(stats.waiting, 2);
    assert_int_equal(stats.first_since_us, start_us);
    gate_stats(&gate, &bob, &stats);
    assert_int_equal(stats.waiting, 1);
    assert_int_equal(stats.first_since_us, start_us + 5);
    assert_ptr_equal(gate_find_full(&gate, bobs, 2), &shop);
    task_cancel(b.task, 1);
    task_cancel(c.task, 1);
    gate_release(&a.permit);
    (void)arg;
}

static void it_tells_how_many_wait_and_how_long(void **state)
{
    (void)state;
    run_with(look_at_it);
}

#define GATE_TEST(test) cmocka_unit_test_setup_teardown(test, gate_setup, gate_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(a_place_is_given_at_once_when_there_is_room),
        GATE_TEST(neither_waiting_nor_a_release_takes_memory),
        GATE_TEST(first_come_first_served),
        GATE_TEST(nobody_overtakes_one_who_was_let_in),
        GATE_TEST(one_held_back_by_his_users_budget_does_not_hold_the_others),
        GATE_TEST(who_came_first_is_first_whatever_held_him_back),
        GATE_TEST(one_release_may_let_in_several),
        GATE_TEST(no_more_than_max_waiters_of_the_first_budget_wait),
        GATE_TEST(a_raised_limit_lets_in_a_lowered_one_throws_nobody_out),
        GATE_TEST(a_paused_budget_lets_nobody_in_until_the_pause_ends),
        GATE_TEST(a_closed_budget_sends_its_waiters_away_and_nobody_elses),
        GATE_TEST(it_tells_how_many_wait_and_how_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
