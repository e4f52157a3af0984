#include "support.h"

#include "async/offload.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct work {
    pid_t thread;
    struct account *account;
    atomic_bool *go; /* waits for it when not NULL */
    bool done;
    int result;
};

static void block(void *arg)
{
    struct work *work = arg;

    while (work->go != NULL && !atomic_load(work->go)) {
        sched_yield();
    }
    work->thread = gettid();
    work->account = account_current();
    work->done = true;
}

static void offload_it(void *arg)
{
    struct work *work = arg;

    work->result = await_offload(block, work);
}

static struct account account;

static void it_runs_on_another_thread_with_the_tasks_account(void **state)
{
    struct work work = { .result = 1 };

    (void)state;
    task_set_account(spawn(offload_it, &work), &account);
    run();
    assert_true(work.done);
    assert_int_equal(work.result, 0);
    assert_int_not_equal(work.thread, gettid());
    assert_ptr_equal(work.account, &account);
}

static void log_and_release(void *arg)
{
    for (int i = 0; i < 3; i++) {
        test_log("t");
        assert_int_equal(await_turn(), 0);
    }
    atomic_store((atomic_bool *)arg, true);
}

static void the_loop_goes_on_meanwhile(void **state)
{
    atomic_bool go = false;
    struct work work = { .go = &go };

    (void)state;
    spawn(offload_it, &work);
    spawn(log_and_release, &go);
    run();
    assert_true(work.done);
    assert_string_equal(test_log_text(), "ttt");
}

static atomic_bool later_done;

static void note_later(void *arg)
{
    block(arg);
    atomic_store(&later_done, true);
}

/* Nobody waits, but for the end of the last loop. */
static void what_is_left_for_later_is_done_before_the_loops_end(void **state)
{
    atomic_bool go = false;
    struct work work = { .go = &go };
    struct account *was = account_swap(&account);

    assert_int_equal(offload_later(note_later, &work), 0);
    assert_int_equal(atomic_load(&account.used), 0);
    account_swap(was);
    assert_false(atomic_load(&later_done));
    atomic_store(&go, true);
    assert_int_equal(loop_teardown(state), 0);
    assert_true(atomic_load(&later_done) && work.thread != gettid());
    assert_int_equal(offload_later(note_later, &work), -ENOTSUP);
    assert_int_equal(loop_setup(state), 0);
    mem_fail_at(1, false);
    assert_int_equal(offload_later(note_later, &work), -ENOMEM);
    mem_fail_at(0, false);
}

/* Cancel: what was started is never abandoned. */

static void offload_twice(void *arg)
{
    struct work *work = arg;

    work->result = await_offload(block, work);
    assert_int_equal(work->result, 0);
    assert_true(work->done);
    assert_int_equal(await_turn(), -ECANCELED);
    work->done = false;
    assert_int_equal(await_offload(block, work), 0); /* a clean-up may need it */
    assert_true(work->done);
    test_log("c");
}

struct canceller {
    struct task *task;
    atomic_bool *go;
};

static void cancel_then_release(void *arg)
{
    struct canceller *c = arg;

    task_cancel(c->task, 1);
    assert_int_equal(await_turn(), 0);
    assert_int_equal(await_turn(), 0);
    assert_string_equal(test_log_text(), "");
    atomic_store(c->go, true);
}

static void a_cancelled_call_is_waited_for(void **state)
{
    atomic_bool go = false;
    struct work work = { .go = &go };
    struct canceller canceller = { spawn(offload_twice, &work), &go };

    (void)state;
    spawn(cancel_then_release, &canceller);
    run();
    assert_string_equal(test_log_text(), "c");
}

static void many_calls_at_once_all_end(void **state)
{
    size_t count = rounds(500);
    struct work *works = test_calloc(count, sizeof(*works));

    (void)state;
    for (size_t i = 0; i < count; i++) {
        spawn(offload_it, &works[i]);
    }
    run();
    for (size_t i = 0; i < count; i++) {
        assert_true(works[i].done);
        assert_int_equal(works[i].result, 0);
    }
    test_free(works);
}

/* A private loop on the helper thread, with an offload of its own. */

struct nested {
    struct loop *inner;
    struct work work;
    int result;
    bool restored;
};

static void inner_task(void *arg)
{
    struct nested *n = arg;

    n->result = loop_current() == n->inner ? await_until(loop_now_us(n->inner) + 1000) : -1;
    offload_it(&n->work);
}

static void run_private_loop(void *arg)
{
    struct nested *n = arg;
    struct loop *outer = loop_current();

    if (loop_create(NULL, &n->inner) != 0 ||
        task_spawn(n->inner, "inner", inner_task, n, NULL) != 0 ||
        loop_run_until_idle(n->inner) != 0) {
        n->result = -1;
    }
    loop_destroy(n->inner);
    n->restored = loop_current() == outer;
}

static void offload_nested(void *arg)
{
    struct nested *n = arg;

    assert_int_equal(await_offload(run_private_loop, n), 0);
    assert_ptr_equal(loop_current(), test_loop);
}

static void a_private_loop_runs_on_the_helper_thread(void **state)
{
    struct nested nested[20] = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nested); i++) {
        spawn(offload_nested, &nested[i]);
    }
    run();
    for (size_t i = 0; i < ARRAY_LEN(nested); i++) {
        assert_int_equal(nested[i].result, 0);
        assert_true(nested[i].restored);
        assert_true(nested[i].work.done);
        assert_int_equal(nested[i].work.result, 0);
    }
}

static void run_nested_here(void *arg)
{
    struct nested *n = arg;
    struct task *self = task_current();

    run_private_loop(n);
    assert_ptr_equal(loop_current(), test_loop);
    assert_ptr_equal(task_current(), self);
    assert_int_equal(await_turn(), 0);
}

static void a_private_loop_runs_within_a_task(void **state)
{
    struct nested nested = { 0 };

    (void)state;
    spawn(run_nested_here, &nested);
    run();
    assert_int_equal(nested.result, 0);
    assert_true(nested.restored);
    assert_true(nested.work.done);
}

static void allocate_inside(void *arg)
{
    *(void **)arg = mem_alloc(1000);
}

static void over_its_limit(void *arg)
{
    void *block_got = NULL;

    account.limit = 100;
    assert_int_equal(await_offload(allocate_inside, &block_got), 0);
    account.limit = 0;
    assert_null(block_got);
    test_log("l");
    (void)arg;
}

static void the_accounts_limit_holds_on_the_helper_thread(void **state)
{
    (void)state;
    task_set_account(spawn(over_its_limit, NULL), &account);
    run();
    assert_string_equal(test_log_text(), "l");
    account_finish(&account);
}

#define OFFLOAD_TEST(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLOAD_TEST(it_runs_on_another_thread_with_the_tasks_account),
        OFFLOAD_TEST(the_loop_goes_on_meanwhile),
        OFFLOAD_TEST(what_is_left_for_later_is_done_before_the_loops_end),
        OFFLOAD_TEST(a_cancelled_call_is_waited_for),
        OFFLOAD_TEST(many_calls_at_once_all_end),
        OFFLOAD_TEST(a_private_loop_runs_on_the_helper_thread),
        OFFLOAD_TEST(a_private_loop_runs_within_a_task),
        OFFLOAD_TEST(the_accounts_limit_holds_on_the_helper_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
