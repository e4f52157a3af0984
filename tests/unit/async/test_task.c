#include "support.h"

#include <stdio.h>
#include <string.h>

static void log_arg(void *arg)
{
    test_log(arg);
}

static void tasks_run_in_the_order_of_spawning(void **state)
{
    (void)state;
    spawn(log_arg, "a");
    spawn(log_arg, "b");
    spawn(log_arg, "c");
    run();
    assert_string_equal(test_log_text(), "abc");
}

static void nobody_is_current_outside(void **state)
{
    (void)state;
    assert_null(task_current());
    assert_null(loop_current());
    assert_int_equal(task_stack_used(), 0);
}

static void check_current(void *arg)
{
    struct task **expected = arg;

    assert_ptr_equal(task_current(), *expected);
    assert_ptr_equal(loop_current(), test_loop);
}

static void the_running_task_is_current(void **state)
{
    struct task *task = NULL;

    (void)state;
    task = spawn(check_current, &task);
    run();
}

/* Many tasks at once, each with several turns and values on its stack that must survive. */

struct counter {
    size_t turns;
    size_t sum;
};

static void count_turns(void *arg)
{
    struct counter *c = arg;
    volatile size_t local[16];

    for (size_t i = 0; i < ARRAY_LEN(local); i++) {
        local[i] = (size_t)(uintptr_t)arg + i;
    }
    for (size_t turn = 0; turn < 5; turn++) {
        assert_int_equal(await_turn(), 0);
        c->turns++;
    }
    for (size_t i = 0; i < ARRAY_LEN(local); i++) {
        c->sum += local[i] - (size_t)(uintptr_t)arg;
    }
}

static void thousands_of_tasks_share_a_loop(void **state)
{
    size_t count = rounds(2000);
    struct counter *counters = test_calloc(count, sizeof(*counters));
    struct loop_stats stats;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        spawn(count_turns, &counters[i]);
    }
    loop_stats(test_loop, &stats);
    assert_int_equal(stats.tasks, count);
    run();
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(counters[i].turns, 5);
        assert_int_equal(counters[i].sum, 15 * 16 / 2);
    }
    loop_stats(test_loop, &stats);
    assert_int_equal(stats.tasks, 0);
    assert_int_equal(stats.turns, 6 * count);
    test_free(counters);
}

/* Spent tasks share equally; a ready one goes before them. */

static void log_three_turns(void *arg)
{
    for (int i = 0; i < 3; i++) {
        test_log(arg);
        assert_int_equal(await_turn(), 0);
    }
}

static void spent_tasks_take_turns(void **state)
{
    (void)state;
    spawn(log_three_turns, "a");
    spawn(log_three_turns, "b");
    run();
    assert_string_equal(test_log_text(), "ababab");
}

static void spawn_others(void *arg)
{
    (void)arg;
    test_log("s");
    assert_int_equal(await_turn(), 0);
    test_log("s");
    spawn(log_arg, "1");
    spawn(log_arg, "2");
    assert_int_equal(await_turn(), 0);
    test_log("s");
}

static void new_tasks_go_before_spent_ones(void **state)
{
    (void)state;
    spawn(spawn_others, NULL);
    spawn(log_three_turns, "x");
    run();
    /* One spent task per round; both new ones run before the next of them. */
    assert_string_equal(test_log_text(), "sxs12xsx");
}

/* Cancel */

static void note_result(void *arg)
{
    *(int *)arg = await_turn();
}

static void a_cancel_before_the_first_turn_is_seen_by_the_first_await(void **state)
{
    int result = 0;

    (void)state;
    task_cancel(spawn(note_result, &result), 1);
    run();
    assert_int_equal(result, -ECANCELED);
}

static void cancel_self(void *arg)
{
    struct task *self = task_current();

    (void)arg;
    assert_int_equal(task_cancel_reason(self), 0);
    task_cancel(self, 7);
    task_cancel(self, 8);
    assert_int_equal(task_cancel_reason(self), 7);
    assert_int_equal(await_turn(), -ECANCELED);
    assert_int_equal(await_turn(), -ECANCELED);
    task_uncancel(self);
    assert_int_equal(await_turn(), 0);
    test_log("ok");
}

static void the_first_reason_stays_until_uncancel(void **state)
{
    (void)state;
    spawn(cancel_self, NULL);
    run();
    assert_string_equal(test_log_text(), "ok");
}

/* Scope of a task */

static void with_cleanups(void *arg)
{
    struct scope *scope = task_scope(task_current());

    assert_int_equal(scope_defer(scope, log_arg, "1"), 0);
    assert_int_equal(scope_defer(scope, log_arg, "2"), 0);
    assert_int_equal(scope_defer(scope, log_arg, "3"), 0);
    int r = await_until(DEADLINE_NONE - 1);
    test_log(r == 0 ? arg : r == -ECANCELED ? "c" : "?");
}

static void a_cancelled_task_cleans_up_in_reverse_order(void **state)
{
    struct task *task = spawn(with_cleanups, "");

    (void)state;
    spawn((task_fn *)log_arg, "x");
    task_cancel(task, 1);
    run();
    assert_string_equal(test_log_text(), "c321x");
}

/* Accounts */

static struct account account_a, account_b;

static void allocate_over_turns(void *arg)
{
    struct account *mine = arg;

    assert_ptr_equal(account_current(), mine);
    for (int i = 0; i < 3; i++) {
        cleanup(mem_freep) void *block = mem_alloc(100);
        size_t used = atomic_load(&mine->used);

        assert_non_null(block);
        assert_int_equal(used, 100);
        assert_int_equal(await_turn(), 0);
        assert_ptr_equal(account_current(), mine);
    }
}

static void each_task_runs_on_its_account(void **state)
{
    (void)state;
    task_set_account(spawn(allocate_over_turns, &account_a), &account_a);
    task_set_account(spawn(allocate_over_turns, &account_b), &account_b);
    run();
    assert_null(account_current());
    account_finish(&account_a);
    account_finish(&account_b);
}

static void check_inherited(void *arg)
{
    assert_ptr_equal(account_current(), arg);
}

static void spawn_on_account(void *arg)
{
    task_set_account(task_current(), &account_a);
    assert_ptr_equal(account_current(), &account_a);
    spawn(check_inherited, &account_a);
    assert_int_equal(await_turn(), 0);
    assert_ptr_equal(account_current(), &account_a);
    (void)arg;
}

static void a_new_task_inherits_its_spawners_account(void **state)
{
    (void)state;
    spawn(spawn_on_account, NULL);
    run();
    account_finish(&account_a);
}

/* Time */

static void hold_a_while(void *arg)
{
    (void)arg;
    assert_int_equal(task_held_us(task_current()), 0);
    assert_false(task_slice_over(task_current()));
    clock_manual_advance(&test_clock, 999);
    assert_false(task_slice_over(task_current()));
    clock_manual_advance(&test_clock, 1);
    assert_true(task_slice_over(task_current()));
    int64_t resumed_us = task_resumed_us(task_current());
    assert_int_equal(resumed_us, test_clock.now_us - 1000);
    assert_false(task_slice_over_at(task_current(), resumed_us + 999));
    assert_true(task_slice_over_at(task_current(), resumed_us + 1000));
    loop_set_time_slice(test_loop, 1001);
    assert_false(task_slice_over(task_current()));
    loop_set_time_slice(test_loop, 0); /* the usual one */
    assert_true(task_slice_over(task_current()));
    assert_int_equal(await_turn(), 0);
    assert_false(task_slice_over(task_current()));
    clock_manual_advance(&test_clock, 300);
}

static void the_longest_hold_is_known_by_name(void **state)
{
    struct loop_stats stats;

    (void)state;
    spawn(log_arg, "");
    assert_int_equal(task_spawn(test_loop, "holder", hold_a_while, NULL, NULL), 0);
    run();
    loop_stats(test_loop, &stats);
    assert_int_equal(stats.longest_hold_us, 1000);
    assert_string_equal(stats.longest_hold_by, "holder");
}

static void wait_for_a_processor(void *arg)
{
    (void)arg;
    clock_manual_wait(&test_clock, 5000);
    clock_manual_advance(&test_clock, 100);
}

static void processor_time_is_told_apart(void **state)
{
    struct loop_stats stats;

    (void)state;
    assert_int_equal(task_spawn(test_loop, "waiter", wait_for_a_processor, NULL, NULL), 0);
    assert_int_equal(task_spawn(test_loop, "holder", hold_a_while, NULL, NULL), 0);
    run();
    loop_stats(test_loop, &stats);
    assert_int_equal(stats.longest_hold_us, 5100);
    assert_string_equal(stats.longest_hold_by, "waiter");
    assert_int_equal(stats.longest_cpu_us, 1000);
    assert_string_equal(stats.longest_cpu_by, "holder");
}

static void hold_under_another_name(void *arg)
{
    task_set_name(task_current(), "renamed");
    hold_a_while(arg);
}

static void a_task_says_what_it_does_now(void **state)
{
    struct loop_stats stats;

    (void)state;
    spawn(hold_under_another_name, NULL);
    run();
    loop_stats(test_loop, &stats);
    assert_string_equal(stats.longest_hold_by, "renamed");
}

/* The loop's stack */

struct call {
    uintptr_t stack;
    struct task *task;
    struct account *account;
    size_t used;
};

static void note_call(void *arg)
{
    struct call *call = arg;

    call->stack = (uintptr_t)__builtin_frame_address(0);
    call->task = task_current();
    call->account = account_current();
    call->used = task_stack_used();
    test_log("c");
}

static void call_on_loop_stack(void *arg)
{
    struct call *call = arg;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    assert_true(task_stack_used() > 0 && task_stack_used() < 65536);
    spawn(log_arg, "x");
    task_call_on_loop_stack(note_call, call);
    task_call_on_loop_stack(note_call, call);
    test_log("t");
    assert_true(call->stack - here > 1000000 || here - call->stack > 1000000);
    assert_int_equal(call->used, 0);
    assert_ptr_equal(call->task, task_current());
    assert_ptr_equal(call->account, &account_b);
    assert_int_equal(await_turn(), 0);
}

static void a_call_on_the_loop_stack_lets_no_other_task_in(void **state)
{
    struct call call = { 0 };

    (void)state;
    task_set_account(spawn(call_on_loop_stack, &call), &account_b);
    run();
    assert_string_equal(test_log_text(), "cctx");
    note_call(&call);
    task_call_on_loop_stack(note_call, &call); /* a plain call here */
    assert_null(call.task);
}

static void call_within_call(void *arg)
{
    task_call_on_loop_stack(note_call, arg);
}

static void start_call_within_call(void *arg)
{
    task_call_on_loop_stack(call_within_call, arg);
}

static void calls_on_the_loop_stack_nest(void **state)
{
    struct call call = { 0 };

    (void)state;
    spawn(start_call_within_call, &call);
    run();
    assert_int_equal(call.used, 0);
    assert_string_equal(test_log_text(), "c");
}

/* Memory */

static void a_spawn_without_memory_says_so(void **state)
{
    struct task *task = NULL;

    (void)state;
    mem_fail_at(1, true);
    assert_int_equal(task_spawn(test_loop, "t", log_arg, "x", &task), -ENOMEM);
    assert_true(mem_fail_hit());
    mem_fail_at(0, false);
    assert_null(task);
    spawn(log_arg, "y");
    run();
    assert_string_equal(test_log_text(), "y");
}

static void a_spawn_on_a_warm_stack_needs_no_memory(void **state)
{
    (void)state;
    spawn(log_arg, "a");
    run();
    mem_fail_at(1, true);
    spawn(log_arg, "b");
    run();
    assert_int_equal(mem_fail_at(0, false), 0);
    assert_string_equal(test_log_text(), "ab");
}

static void a_stack_that_is_too_big_to_map_is_out_of_memory(void **state)
{
    struct loop *loop = NULL;

    (void)state;
    assert_int_equal(loop_create(&(struct loop_options){ .stack_bytes = SIZE_MAX / 4 }, &loop), 0);
    assert_int_equal(task_spawn(loop, "t", log_arg, "x", NULL), -ENOMEM);
    loop_destroy(loop);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(tasks_run_in_the_order_of_spawning),
        LOOP_TEST(nobody_is_current_outside),
        LOOP_TEST(the_running_task_is_current),
        LOOP_TEST(thousands_of_tasks_share_a_loop),
        LOOP_TEST(spent_tasks_take_turns),
        LOOP_TEST(new_tasks_go_before_spent_ones),
        LOOP_TEST(a_cancel_before_the_first_turn_is_seen_by_the_first_await),
        LOOP_TEST(the_first_reason_stays_until_uncancel),
        LOOP_TEST(a_cancelled_task_cleans_up_in_reverse_order),
        LOOP_TEST(each_task_runs_on_its_account),
        LOOP_TEST(a_new_task_inherits_its_spawners_account),
        LOOP_TEST(the_longest_hold_is_known_by_name),
        LOOP_TEST(processor_time_is_told_apart),
        LOOP_TEST(a_task_says_what_it_does_now),
        LOOP_TEST(a_call_on_the_loop_stack_lets_no_other_task_in),
        LOOP_TEST(calls_on_the_loop_stack_nest),
        LOOP_TEST(a_spawn_without_memory_says_so),
        LOOP_TEST(a_spawn_on_a_warm_stack_needs_no_memory),
        LOOP_TEST(a_stack_that_is_too_big_to_map_is_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
