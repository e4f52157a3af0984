#include "support.h"

#include "async/thread.h"

#include <stdatomic.h>

/* Another loop, on a thread of its own until the test is over. */
static struct loop *other;
static struct thread *other_thread;

static void run_other(void *arg)
{
    (void)arg;
    assert_int_equal(loop_run(other), 0);
}

static int setup(void **state)
{
    const struct loop_options options = { .number = 1 };

    assert_int_equal(loop_setup(state), 0);
    assert_int_equal(loop_create(&options, &other), 0);
    return thread_start("other", run_other, NULL, &other_thread);
}

static int teardown(void **state)
{
    loop_stop(other);
    thread_join(other_thread);
    loop_destroy(other);
    return loop_teardown(state);
}

struct visit {
    struct loop *seen;
    bool in_task;
    unsigned count;
};

static void visit(void *arg)
{
    struct visit *visit = arg;

    visit->seen = loop_current();
    visit->in_task = task_current() != NULL;
    visit->count++;
}

static void call_other(void *arg)
{
    await_call(other, visit, arg);
}

static void a_call_runs_on_the_other_loop(void **state)
{
    struct visit seen = { 0 };

    (void)state;
    spawn(call_other, &seen);
    run();
    assert_ptr_equal(seen.seen, other);
    assert_int_equal(loop_number(seen.seen), 1);
    assert_false(seen.in_task);
    assert_int_equal(seen.count, 1);
}

static void call_own(void *arg)
{
    await_call(test_loop, visit, arg);
}

static void a_call_of_the_own_loop_is_a_plain_call(void **state)
{
    struct visit seen = { 0 };

    (void)state;
    spawn(call_own, &seen);
    run();
    assert_ptr_equal(seen.seen, test_loop);
    assert_true(seen.in_task);
}

struct cancelled {
    struct visit visit;
    int next;
};

static void call_cancelled(void *arg)
{
    struct cancelled *c = arg;

    await_call(other, visit, &c->visit);
    c->next = await_turn();
}

static void a_cancel_waits_for_the_call(void **state)
{
    struct cancelled c = { 0 };

    (void)state;
    task_cancel(spawn(call_cancelled, &c), 1);
    run();
    assert_int_equal(c.visit.count, 1);
    assert_int_equal(c.next, -ECANCELED);
}

enum { callers = 50 };

static void call_often(void *arg)
{
    for (size_t i = 0; i < rounds(200); i++) {
        await_call(other, visit, arg);
    }
}

static void many_tasks_call_at_once(void **state)
{
    struct visit seen = { 0 };

    (void)state;
    for (size_t i = 0; i < callers; i++) {
        spawn(call_often, &seen);
    }
    run();
    assert_int_equal(seen.count, callers * rounds(200));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_call_runs_on_the_other_loop),
        TEST(a_call_of_the_own_loop_is_a_plain_call),
        TEST(a_cancel_waits_for_the_call),
        TEST(many_tasks_call_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
