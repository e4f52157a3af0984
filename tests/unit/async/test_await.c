#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t in_us(int64_t us)
{
    return clock_after_us(&test_clock.clock, us);
}

/* One await of each kind, so that every test of cancel and deadline walks them all. */

static int sockets[2]; /* [0] never becomes readable; its buffer is full */
static struct line line;
static struct task *sleeper;

static int try_readable(int64_t deadline_us)
{
    return await_readable(sockets[0], deadline_us);
}

static int try_writable(int64_t deadline_us)
{
    return await_writable(sockets[0], deadline_us);
}

static int try_until(int64_t deadline_us)
{
    return await_until(deadline_us);
}

static int try_line(int64_t deadline_us)
{
    return await_line(&line, NULL, deadline_us);
}

static int try_task(int64_t deadline_us)
{
    return await_task(sleeper, deadline_us);
}

static const struct kind {
    const char *name;
    int (*try)(int64_t deadline_us);
    int at_deadline;
} kinds[] = {
    { "readable", try_readable, -ETIMEDOUT },
    { "writable", try_writable, -ETIMEDOUT },
    { "until", try_until, 0 },
    { "line", try_line, -ETIMEDOUT },
    { "task", try_task, -ETIMEDOUT },
};

static void fill(int fd)
{
    static const char bytes[4096];

    while (write(fd, bytes, sizeof(bytes)) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
}

static int setup(void **state)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) != 0) {
        return -1;
    }
    fill(sockets[0]);
    line = (struct line){ 0 };
    sleeper = NULL;
    return loop_setup(state);
}

static int teardown(void **state)
{
    close(sockets[0]);
    close(sockets[1]);
    return loop_teardown(state);
}

static void sleep_until_cancelled(void *arg)
{
    (void)arg;
    assert_int_equal(await_until(DEADLINE_NONE), -ECANCELED);
}

struct attempt {
    const struct kind *kind;
    int64_t deadline_us;
    int result;
    bool done;
};

static void attempt(void *arg)
{
    struct attempt *a = arg;

    a->result = a->kind->try(a->deadline_us);
    a->done = true;
}

static void cancelled_during(void *arg)
{
    struct attempt *a = arg;
    struct task *task = spawn(attempt, a);

    assert_int_equal(await_turn(), 0);
    assert_false(a->done);
    task_cancel(task, 1);
    assert_true(line_is_empty(&line)); /* at once, not only when it runs again */
    assert_int_equal(await_turn(), 0);
    assert_true(a->done);
    task_cancel(sleeper, 1);
}

static void every_await_ends_by_a_cancel(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct attempt a = { .kind = &kinds[i], .deadline_us = i % 2 ? in_us(5) : DEADLINE_NONE };

        sleeper = spawn(sleep_until_cancelled, NULL);
        spawn(cancelled_during, &a);
        run();
        assert_int_equal(a.result, -ECANCELED);
    }
}

static void attempt_when_cancelled(void *arg)
{
    struct loop_stats before, after;

    loop_stats(test_loop, &before);
    task_cancel(task_current(), 1);
    for (int i = 0; i < 3; i++) {
        attempt(arg);
        assert_int_equal(((struct attempt *)arg)->result, -ECANCELED);
    }
    loop_stats(test_loop, &after);
    assert_int_equal(before.turns, after.turns); /* nobody else had a turn */
    task_cancel(sleeper, 1);
}

static void every_await_of_a_cancelled_task_returns_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct attempt a = { .kind = &kinds[i], .deadline_us = in_us(i % 2 ? 5 : -5) };

        sleeper = spawn(sleep_until_cancelled, NULL);
        spawn(attempt_when_cancelled, &a);
        run();
        assert_true(a.done);
    }
}

static void pass_time(void *arg)
{
    struct attempt *a = arg;

    spawn(attempt, a);
    assert_int_equal(await_turn(), 0);
    clock_manual_advance(&test_clock, 99);
    assert_int_equal(await_turn(), 0);
    assert_false(a->done);
    clock_manual_advance(&test_clock, 1);
    assert_int_equal(await_turn(), 0);
    assert_true(a->done);
    assert_true(line_is_empty(&line));
    task_cancel(sleeper, 1);
}

static void every_await_ends_at_its_deadline(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct attempt a = { .kind = &kinds[i], .deadline_us = in_us(100) };

        sleeper = spawn(sleep_until_cancelled, NULL);
        spawn(pass_time, &a);
        run();
        assert_int_equal(a.result, kinds[i].at_deadline);
    }
}

static void attempt_too_late(void *arg)
{
    attempt(arg);
    task_cancel(sleeper, 1);
}

static void every_await_with_a_deadline_in_the_past_returns_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct attempt a = { .kind = &kinds[i], .deadline_us = in_us(0) };

        sleeper = spawn(sleep_until_cancelled, NULL);
        spawn(attempt_too_late, &a);
        run();
        assert_int_equal(a.result, kinds[i].at_deadline);
    }
}

/* Descriptors */

static void read_byte(void *arg)
{
    char byte = 0;

    assert_int_equal(await_readable(sockets[1], DEADLINE_NONE), 0);
    assert_int_equal(read(sockets[1], &byte, 1), 1);
    test_log("r");
    (void)arg;
}

static void a_readable_descriptor_wakes(void **state)
{
    (void)state;
    spawn(read_byte, NULL); /* [0] was filled, so [1] is readable */
    run();
    assert_string_equal(test_log_text(), "r");
}

static void drain_and_hang_up(void *arg)
{
    char bytes[4096];

    assert_int_equal(await_turn(), 0);
    test_log("d");
    while (read(sockets[1], bytes, sizeof(bytes)) > 0) {
    }
    (void)arg;
}

static void write_when_drained(void *arg)
{
    assert_int_equal(await_writable(sockets[0], DEADLINE_NONE), 0);
    assert_int_equal(write(sockets[0], "x", 1), 1);
    test_log("w");
    (void)arg;
}

static void a_writable_descriptor_wakes(void **state)
{
    (void)state;
    spawn(write_when_drained, NULL);
    spawn(drain_and_hang_up, NULL);
    run();
    assert_string_equal(test_log_text(), "dw");
}

static void shut(void *arg)
{
    assert_int_equal(await_turn(), 0);
    shutdown(sockets[1], SHUT_WR);
    (void)arg;
}

static void see_the_end(void *arg)
{
    char byte;

    assert_int_equal(await_readable(sockets[0], DEADLINE_NONE), 0);
    assert_int_equal(read(sockets[0], &byte, 1), 0);
    test_log("e");
    (void)arg;
}

static void a_hang_up_wakes(void **state)
{
    (void)state;
    spawn(see_the_end, NULL);
    spawn(shut, NULL);
    run();
    assert_string_equal(test_log_text(), "e");
}

static void await_bad_descriptor(void *arg)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    assert_int_equal(await_readable(-1, DEADLINE_NONE), -EBADF);
    assert_true(await_readable(file, DEADLINE_NONE) < 0); /* epoll takes no files */
    close(file);
    test_log("b");
    (void)arg;
}

static void a_descriptor_that_cannot_be_awaited_is_an_error(void **state)
{
    (void)state;
    spawn(await_bad_descriptor, NULL);
    run();
    assert_string_equal(test_log_text(), "b");
}

/* Two tasks on one descriptor, one for each direction. */
static void both_directions_may_be_awaited_at_once(void **state)
{
    (void)state;
    spawn(see_the_end, NULL);
    spawn(write_when_drained, NULL);
    spawn(drain_and_hang_up, NULL);
    spawn(shut, NULL);
    run();
    assert_int_equal(strlen(test_log_text()), 3);
}

/* A wake-up and a cancel in the same round */

static void wait_readable(void *arg)
{
    *(int *)arg = await_readable(sockets[1], DEADLINE_NONE);
}

static void cancel_when_due(void *arg)
{
    assert_int_equal(await_until(in_us(1)), 0);
    test_log("c");
    task_cancel(arg, 1);
}

static void advance_one(void *arg)
{
    clock_manual_advance(&test_clock, 1);
    (void)arg;
}

static void a_cancel_between_the_wake_up_and_the_turn_counts(void **state)
{
    int result = 0;
    struct task *task = spawn(wait_readable, &result);

    (void)state;
    /* In the second round timers fire before I/O: the canceller has its turn before the one that
     * I/O woke. */
    spawn(cancel_when_due, task);
    spawn(advance_one, NULL);
    run();
    assert_string_equal(test_log_text(), "c");
    assert_int_equal(result, -ECANCELED);
}

/* Ends of tasks */

static void log_after_turns(void *arg)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(await_turn(), 0);
    }
    test_log(arg);
}

static void join(void *arg)
{
    assert_int_equal(await_task(*(struct task **)arg, DEADLINE_NONE), 0);
    test_log("j");
}

static void all_who_await_a_task_see_its_end(void **state)
{
    struct task *task = spawn(log_after_turns, "t");

    (void)state;
    spawn(join, &task);
    spawn(join, &task);
    run();
    assert_string_equal(test_log_text(), "tjj");
}

/* Deadlines on the system's clock */

static void sleep_a_little(void *arg)
{
    struct loop *loop = arg;
    int64_t before = loop_now_us(loop);

    assert_int_equal(await_until(before + 3000), 0);
    assert_true(loop_now_us(loop) >= before + 3000);
    assert_int_equal(await_readable(sockets[0], loop_now_us(loop) + 1000), -ETIMEDOUT);
    test_log("s");
}

static void deadlines_come_by_the_system_clock(void **state)
{
    struct loop *loop = NULL;

    (void)state;
    assert_int_equal(loop_create(NULL, &loop), 0);
    assert_int_equal(task_spawn(loop, "sleeper", sleep_a_little, loop, NULL), 0);
    assert_int_equal(loop_run_until_idle(loop), 0);
    loop_destroy(loop);
    assert_string_equal(test_log_text(), "s");
}

struct order {
    int64_t due_us;
    int64_t *last_us;
};

static void sleep_in_order(void *arg)
{
    struct order *o = arg;

    assert_int_equal(await_until(o->due_us), 0);
    assert_true(*o->last_us <= o->due_us);
    assert_true(o->due_us <= test_clock.now_us);
    *o->last_us = o->due_us;
}

static void pass_a_second(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(await_turn(), 0);
        clock_manual_advance(&test_clock, 10000);
    }
}

static void sleepers_wake_in_the_order_of_their_deadlines(void **state)
{
    enum { count = 500 };
    struct order *orders = test_calloc(count, sizeof(*orders));
    int64_t last_us = 0;

    (void)state;
    srand(11);
    for (size_t i = 0; i < count; i++) {
        orders[i] = (struct order){ in_us(1 + rand() % 900000), &last_us };
        spawn(sleep_in_order, &orders[i]);
    }
    spawn(pass_a_second, NULL);
    run();
    test_free(orders);
}

#define AWAIT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AWAIT_TEST(every_await_ends_by_a_cancel),
        AWAIT_TEST(every_await_of_a_cancelled_task_returns_at_once),
        AWAIT_TEST(every_await_ends_at_its_deadline),
        AWAIT_TEST(every_await_with_a_deadline_in_the_past_returns_at_once),
        AWAIT_TEST(a_readable_descriptor_wakes),
        AWAIT_TEST(a_writable_descriptor_wakes),
        AWAIT_TEST(a_hang_up_wakes),
        AWAIT_TEST(a_descriptor_that_cannot_be_awaited_is_an_error),
        AWAIT_TEST(both_directions_may_be_awaited_at_once),
        AWAIT_TEST(a_cancel_between_the_wake_up_and_the_turn_counts),
        AWAIT_TEST(all_who_await_a_task_see_its_end),
        AWAIT_TEST(deadlines_come_by_the_system_clock),
        AWAIT_TEST(sleepers_wake_in_the_order_of_their_deadlines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
