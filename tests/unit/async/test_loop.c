#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void log_arg(void *arg)
{
    test_log(arg);
}

static void a_loop_without_work_is_idle(void **state)
{
    (void)state;
    run();
    loop_destroy(NULL);
}

static void stop_self(void *arg)
{
    test_log("s");
    loop_stop(test_loop);
    assert_int_equal(await_turn(), 0);
    test_log("e");
    (void)arg;
}

static void stop_ends_the_run_after_the_round(void **state)
{
    (void)state;
    spawn(stop_self, NULL);
    spawn(log_arg, "x");
    assert_int_equal(loop_run(test_loop), 0);
    assert_string_equal(test_log_text(), "sx");
    run();
    assert_string_equal(test_log_text(), "sxe");
}

static void is_told(struct loop *loop, struct loop_message *message)
{
    (void)loop, (void)message;
    test_log("m");
}

static void send_and_stop(void *arg)
{
    loop_send(test_loop, arg);
    loop_stop(test_loop);
}

static void what_was_sent_before_the_stop_is_told(void **state)
{
    struct loop_message message = { .run = is_told };

    (void)state;
    spawn(send_and_stop, &message);
    assert_int_equal(loop_run(test_loop), 0);
    assert_string_equal(test_log_text(), "m");
}

static void a_stop_before_the_run_is_remembered(void **state)
{
    (void)state;
    loop_stop(test_loop);
    assert_int_equal(loop_run(test_loop), 0);
}

static void every_allocation_of_a_loop_may_fail(void **state)
{
    struct loop *loop = NULL;
    size_t before = mem_used_total();
    uint64_t sites = 0;

    (void)state;
    mem_fail_at(0, false);
    assert_int_equal(loop_create(NULL, &loop), 0);
    loop_destroy(loop);
    sites = mem_fail_at(0, false);
    assert_true(sites > 0);
    for (uint64_t site = 1; site <= sites; site++) {
        loop = NULL;
        mem_fail_at(site, false);
        assert_int_equal(loop_create(NULL, &loop), -ENOMEM);
        assert_true(mem_fail_hit());
        assert_null(loop);
        assert_int_equal(mem_used_total(), before);
    }
    mem_fail_at(0, false);
}

/* The inbox's descriptor is the last that a loop takes. (For the earlier ones libevent itself ends
 * the process.) */
static void a_loop_without_descriptors_is_not_made(void **state)
{
    struct rlimit was;
    struct loop *loop = NULL;

    (void)state;
    assert_int_equal(loop_create(NULL, &loop), 0);
    int last = eventfd(0, EFD_CLOEXEC); /* the next behind the loop's */
    close(last);
    loop_destroy(take_ptr(loop));
    do { /* over what the test was started with */
        last--;
    } while (fcntl(last, F_GETFD) >= 0);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    struct rlimit few = { .rlim_cur = (rlim_t)last, .rlim_max = was.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(loop_create(NULL, &loop), -EMFILE);
    assert_null(loop);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

/* I/O goes before those that used up their slice: a long statement delays nobody by more than its
 * slice. */

static int ends[2];
static bool served;

static void work_long(void *arg)
{
    size_t slices = 0;

    assert_int_equal(write(ends[1], "x", 1), 1);
    while (!served) {
        slices++;
        assert_int_equal(await_turn(), 0);
    }
    *(size_t *)arg = slices;
}

static void serve(void *arg)
{
    char byte;

    assert_int_equal(await_readable(ends[0], DEADLINE_NONE), 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    served = true;
    (void)arg;
}

static void io_is_served_after_one_slice(void **state)
{
    size_t slices = 0;

    (void)state;
    served = false;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    spawn(serve, NULL);
    spawn(work_long, &slices);
    run();
    assert_int_equal(slices, 1);
    close(ends[0]);
    close(ends[1]);
}

/* Many ready tasks do not starve a spent one, and it does not starve them. */

struct chain {
    size_t left;
};

static void spawn_the_next(void *arg)
{
    struct chain *chain = arg;

    if (chain->left-- > 0) {
        spawn(spawn_the_next, chain);
    }
}

static void wait_for_chain(void *arg)
{
    struct chain *chain = arg;
    size_t turns = 0;

    while (chain->left > 1000) {
        assert_int_equal(await_turn(), 0);
        turns++;
    }
    assert_true(turns > 1);
    test_log("w");
}

static void an_endless_ready_line_does_not_starve_the_spent(void **state)
{
    struct chain chain = { .left = 3000 };

    (void)state;
    spawn(wait_for_chain, &chain);
    spawn(spawn_the_next, &chain);
    run();
    assert_string_equal(test_log_text(), "w");
}

/* Numbers */

static void hold(void *arg)
{
    clock_manual_advance(&test_clock, *(int *)arg);
}

static void statistics_count_turns_tasks_and_stacks(void **state)
{
    struct loop_stats stats;
    int us[] = { 10, 30, 20 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(us); i++) {
        assert_int_equal(task_spawn(test_loop, i == 1 ? "long" : "short", hold, &us[i], NULL), 0);
    }
    loop_stats(test_loop, &stats);
    assert_int_equal(stats.tasks, 3);
    assert_int_equal(stats.turns, 0);
    run();
    loop_stats(test_loop, &stats);
    assert_int_equal(stats.tasks, 0);
    assert_int_equal(stats.turns, 3);
    assert_int_equal(stats.stacks_cached, 3);
    assert_int_equal(stats.longest_hold_us, 30);
    assert_string_equal(stats.longest_hold_by, "long");
    assert_int_equal(histogram_count(&stats.holds), 3);
    assert_int_equal(stats.holds.counts[0], 1); /* up to 10 us */
    assert_int_equal(stats.holds.counts[1], 1);
    assert_int_equal(stats.holds.counts[2], 1);
    assert_int_equal(stats.holds.sum_us, 60);
}

static void leave_held_descriptors(void *arg)
{
    struct scope *scope = task_scope(task_current());

    assert_int_equal(scope_defer(scope, log_arg, "z"), 0);
    assert_int_equal(await_until(DEADLINE_NONE), -ECANCELED);
    (void)arg;
}

static void cancel_all(void *arg)
{
    struct task **tasks = arg;

    for (size_t i = 0; i < 3; i++) {
        task_cancel(tasks[i], 1);
    }
}

static void a_loop_is_emptied_by_cancelling_its_tasks(void **state)
{
    struct task *tasks[3];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        tasks[i] = spawn(leave_held_descriptors, NULL);
    }
    spawn(cancel_all, tasks);
    run();
    assert_string_equal(test_log_text(), "zzz");
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_loop_without_work_is_idle),
        LOOP_TEST(stop_ends_the_run_after_the_round),
        LOOP_TEST(what_was_sent_before_the_stop_is_told),
        LOOP_TEST(a_stop_before_the_run_is_remembered),
        LOOP_TEST(every_allocation_of_a_loop_may_fail),
        LOOP_TEST(a_loop_without_descriptors_is_not_made),
        LOOP_TEST(io_is_served_after_one_slice),
        LOOP_TEST(an_endless_ready_line_does_not_starve_the_spent),
        LOOP_TEST(statistics_count_turns_tasks_and_stacks),
        LOOP_TEST(a_loop_is_emptied_by_cancelling_its_tasks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
