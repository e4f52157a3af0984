#include "support.h"

#include <string.h>

static void note(void *arg)
{
    test_log(arg);
}

static void finish_scope(void *arg)
{
    scope_finish(arg);
}

static void cleanups_run_in_reverse_order(void **state)
{
    struct scope scope = { 0 };

    (void)state;
    assert_int_equal(scope_defer(&scope, note, "a"), 0);
    assert_int_equal(scope_defer(&scope, note, "b"), 0);
    assert_int_equal(scope_defer(&scope, note, "c"), 0);
    scope_finish(&scope);
    assert_string_equal(test_log_text(), "cba");
    scope_finish(&scope);
    assert_string_equal(test_log_text(), "cba");
}

static void what_is_forgotten_does_not_run(void **state)
{
    struct scope scope = { 0 };
    static char a[] = "a";

    (void)state;
    scope_forget(&scope, note, a);
    assert_int_equal(scope_defer(&scope, note, a), 0);
    assert_int_equal(scope_defer(&scope, note, "b"), 0);
    assert_int_equal(scope_defer(&scope, note, a), 0);
    scope_forget(&scope, note, a); /* the youngest of the two */
    scope_forget(&scope, finish_scope, a);
    scope_finish(&scope);
    assert_string_equal(test_log_text(), "ba");
}

static void without_memory_the_cleanup_runs_at_once(void **state)
{
    struct scope scope = { 0 };

    (void)state;
    assert_int_equal(scope_defer(&scope, note, "a"), 0);
    mem_fail_at(1, false);
    assert_int_equal(scope_defer(&scope, note, "b"), -ENOMEM);
    mem_fail_at(0, false);
    assert_string_equal(test_log_text(), "b");
    scope_finish(&scope);
    assert_string_equal(test_log_text(), "ba");
}

static void scopes_nest(void **state)
{
    struct scope outer = { 0 }, inner = { 0 };

    (void)state;
    assert_int_equal(scope_defer(&outer, note, "1"), 0);
    assert_int_equal(scope_defer(&outer, finish_scope, &inner), 0);
    assert_int_equal(scope_defer(&outer, note, "2"), 0);
    assert_int_equal(scope_defer(&inner, note, "a"), 0);
    assert_int_equal(scope_defer(&inner, note, "b"), 0);
    scope_finish(&outer);
    assert_string_equal(test_log_text(), "2ba1");
}

static struct scope growing;

static void defer_more(void *arg)
{
    test_log(arg);
    assert_int_equal(scope_defer(&growing, note, "n"), 0);
}

static void what_a_cleanup_adds_runs_too(void **state)
{
    (void)state;
    assert_int_equal(scope_defer(&growing, note, "a"), 0);
    assert_int_equal(scope_defer(&growing, defer_more, "m"), 0);
    scope_finish(&growing);
    assert_string_equal(test_log_text(), "mna");
}

static void release_account(void *arg)
{
    account_finish(arg);
    memset(arg, 0xff, sizeof(struct account)); /* nobody may charge or credit it any more */
}

static void notes_are_charged_to_nobody(void **state)
{
    struct scope scope = { 0 };
    struct account a = { .limit = 1 };
    struct account *was = account_swap(&a);

    (void)state;
    assert_int_equal(scope_defer(&scope, note, "x"), 0);
    assert_int_equal(scope_defer(&scope, release_account, &a), 0);
    account_swap(was);
    scope_finish(&scope);
    assert_string_equal(test_log_text(), "x");
}

/* In a task: by success, error and cancel, with clean-ups that await. */

static void note_and_turn(void *arg)
{
    test_log(arg);
    int r = await_turn();
    test_log(r == 0 ? "+" : r == -ECANCELED ? "-" : "?");
}

static int fail_or_not(const char *how)
{
    if (strcmp(how, "error") == 0) {
        return -EIO;
    }
    return strcmp(how, "cancel") == 0 ? await_until(DEADLINE_NONE) : await_turn();
}

static void work(void *arg)
{
    cleanup(scope_finish) struct scope inner = { 0 };

    assert_int_equal(scope_defer(task_scope(task_current()), note, "1"), 0);
    assert_int_equal(scope_defer(task_scope(task_current()), note_and_turn, "2"), 0);
    assert_int_equal(scope_defer(&inner, note_and_turn, "a"), 0);
    assert_int_equal(scope_defer(&inner, note, "b"), 0);
    if (fail_or_not(arg) < 0) {
        return;
    }
    test_log("ok");
}

static void cleanups_run_on_success(void **state)
{
    (void)state;
    spawn(work, "success");
    run();
    assert_string_equal(test_log_text(), "okba+2+1");
}

static void cleanups_run_on_error(void **state)
{
    (void)state;
    spawn(work, "error");
    run();
    assert_string_equal(test_log_text(), "ba+2+1");
}

static void cancel_it(void *arg)
{
    task_cancel(arg, 1);
}

static void cleanups_run_on_cancel(void **state)
{
    (void)state;
    spawn(cancel_it, spawn(work, "cancel"));
    run();
    assert_string_equal(test_log_text(), "ba-2-1");
}

#define SCOPE_TEST(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCOPE_TEST(cleanups_run_in_reverse_order),
        SCOPE_TEST(what_is_forgotten_does_not_run),
        SCOPE_TEST(without_memory_the_cleanup_runs_at_once),
        SCOPE_TEST(scopes_nest),
        SCOPE_TEST(what_a_cleanup_adds_runs_too),
        SCOPE_TEST(notes_are_charged_to_nobody),
        SCOPE_TEST(cleanups_run_on_success),
        SCOPE_TEST(cleanups_run_on_error),
        SCOPE_TEST(cleanups_run_on_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
