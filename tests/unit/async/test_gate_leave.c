/* Who leaves the gate's line, and when it is too late for that. */
#include "support_gate.h"

#include "async/thread.h"

/* ---- time-outs and cancels ---- */

static void some_leave(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop }, .patience_us = 10 };
    struct guest c = { .name = "3", .budgets = { &shop } };
    struct guest d = { .name = "4", .budgets = { &shop } };

    shop.limit = 1;
    come(&a);
    invite(&b);
    invite(&c);
    pause_here();
    clock_manual_advance(&test_clock, 10);
    pause_here();
    assert_int_equal(shop.waiting, 1);
    task_cancel(c.task, 1);
    assert_int_equal(shop.waiting, 0); /* at once, not only when it runs again */
    invite(&d);
    pause_here();
    gate_release(&a.permit);
    pause_here();
    gate_release(&d.permit);
    (void)arg;
}

static void one_who_leaves_the_line_leaves_no_trace(void **state)
{
    (void)state;
    run_with(some_leave);
    assert_string_equal(test_log_text(), "1tc4");
}

static void let_in_then_cancelled(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop } };

    shop.limit = 1;
    come(&a);
    invite(&b);
    pause_here();
    gate_release(&a.permit);
    task_cancel(b.task, 1);
    pause_here();
    gate_release(&b.permit);
    (void)arg;
}

static void one_who_was_let_in_has_his_place_even_when_cancelled(void **state)
{
    (void)state;
    run_with(let_in_then_cancelled);
    assert_string_equal(test_log_text(), "12");
}

static void too_late(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop }, .patience_us = -1 };
    struct guest b = { .name = "2", .budgets = { &shop } };

    (void)arg;
    come(&a);
    task_cancel(task_current(), 1);
    come(&b);
}

static void a_late_or_cancelled_task_gets_nothing(void **state)
{
    (void)state;
    run_with(too_late);
    assert_string_equal(test_log_text(), "tc");
}

/* ---- grants from another thread, which are on their way for a while ---- */

static void release_elsewhere(void *arg)
{
    assert_null(loop_current());
    gate_release(arg);
}

/* When it is back, the grant has been sent but has not arrived. */
static void release_on_another_thread(struct permit *permit)
{
    struct thread *thread = NULL;

    assert_int_equal(thread_start("releaser", release_elsewhere, permit, &thread), 0);
    thread_join(thread);
}

static void granted_from_elsewhere(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop } };

    shop.limit = 1;
    come(&a);
    invite(&b);
    pause_here();
    release_on_another_thread(&a.permit);
    assert_int_equal(shop.used, 1);
    assert_int_equal(shop.waiting, 0);
    assert_int_equal(await_task(b.task, DEADLINE_NONE), 0);
    gate_release(&b.permit);
    (void)arg;
}

static void another_thread_may_give_a_place_back(void **state)
{
    (void)state;
    run_with(granted_from_elsewhere);
    assert_string_equal(test_log_text(), "12");
}

static void cancelled_before_the_grant_arrives(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop } };

    shop.limit = 1;
    come(&a);
    invite(&b);
    pause_here();
    release_on_another_thread(&a.permit);
    task_cancel(b.task, 1); /* b has his turn before the loop looks into its inbox */
    assert_int_equal(await_task(b.task, DEADLINE_NONE), 0);
    gate_release(&b.permit);
    (void)arg;
}

static void a_grant_on_its_way_outlives_a_cancel(void **state)
{
    (void)state;
    run_with(cancelled_before_the_grant_arrives);
    assert_string_equal(test_log_text(), "12");
}

static void timed_out_before_the_grant_arrives(void *arg)
{
    struct guest a = { .name = "1", .budgets = { &shop } };
    struct guest b = { .name = "2", .budgets = { &shop }, .patience_us = 10 };

    shop.limit = 1;
    come(&a);
    invite(&b);
    pause_here();
    release_on_another_thread(&a.permit);
    clock_manual_advance(&test_clock, 10); /* timers fire first, then the message is read */
    assert_int_equal(await_task(b.task, DEADLINE_NONE), 0);
    gate_release(&b.permit);
    (void)arg;
}

static void a_grant_on_its_way_outlives_a_time_out(void **state)
{
    (void)state;
    run_with(timed_out_before_the_grant_arrives);
    assert_string_equal(test_log_text(), "12");
}

#define GATE_TEST(test) cmocka_unit_test_setup_teardown(test, gate_setup, gate_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(one_who_leaves_the_line_leaves_no_trace),
        GATE_TEST(one_who_was_let_in_has_his_place_even_when_cancelled),
        GATE_TEST(a_late_or_cancelled_task_gets_nothing),
        GATE_TEST(another_thread_may_give_a_place_back),
        GATE_TEST(a_grant_on_its_way_outlives_a_cancel),
        GATE_TEST(a_grant_on_its_way_outlives_a_time_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
