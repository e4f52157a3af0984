/* Loops over somebody else's event_base, and runs until something is done. */
#include "support.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *base;
static size_t used_before;
static int ends[2];

static int setup(void **state)
{
    (void)state;
    used_before = mem_used_total();
    base = event_base_new();
    if (base == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) {
        return -1;
    }
    return loop_create(&(struct loop_options){ .base = base }, &test_loop);
}

static int teardown(void **state)
{
    (void)state;
    loop_destroy(take_ptr(test_loop));
    event_base_free(base);
    close(ends[0]);
    close(ends[1]);
    return mem_used_total() == used_before ? 0 : -1;
}

/* Ends by itself when nothing is left to wait for. */
static void dispatch(void)
{
    assert_int_equal(event_base_dispatch(base), 1);
}

static void read_a_byte(void *arg)
{
    char byte;

    assert_ptr_equal(loop_current(), test_loop);
    assert_int_equal(await_readable(ends[0], DEADLINE_NONE), 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    *(char *)arg = byte;
}

static void write_a_byte(void *arg)
{
    assert_int_equal(await_readable_or_writable(ends[1], DEADLINE_NONE), 0);
    assert_int_equal(write(ends[1], arg, 1), 1);
}

static void tasks_run_while_the_base_is_dispatched_and_let_it_end(void **state)
{
    char got = 0;

    (void)state;
    assert_true(loop_is_driven(test_loop));
    for (int i = 0; i < 3; i++) {
        spawn(read_a_byte, &got);
        spawn(write_a_byte, &"abc"[i]);
        dispatch();
        assert_int_equal(got, "abc"[i]);
    }
    assert_null(loop_current());
}

static void sleep_a_while(void *arg)
{
    int64_t start_us = loop_now_us(test_loop);

    assert_int_equal(await_until(start_us + 3000), 0);
    assert_true(loop_now_us(test_loop) - start_us >= 3000);
    assert_int_equal(await_readable(ends[0], loop_now_us(test_loop) + 1000), -ETIMEDOUT);
    *(bool *)arg = true;
}

static void deadlines_are_kept(void **state)
{
    bool slept = false;

    (void)state;
    spawn(sleep_a_while, &slept);
    dispatch();
    assert_true(slept);
}

static void work_elsewhere(void *arg)
{
    *(int *)arg += 1;
}

static void offload_twice(void *arg)
{
    assert_int_equal(await_offload(work_elsewhere, arg), 0);
    assert_int_equal(await_offload(work_elsewhere, arg), 0);
}

static void messages_reach_its_tasks(void **state)
{
    int done = 0;

    (void)state;
    spawn(offload_twice, &done);
    dispatch();
    assert_int_equal(done, 2);
}

struct hog {
    bool enough;
    size_t turns;
};

static void hog(void *arg)
{
    struct hog *h = arg;

    while (!h->enough) {
        if (h->turns++ == 3) {
            assert_int_equal(write(ends[1], "x", 1), 1);
        }
        assert_int_equal(await_turn(), 0);
    }
}

static void the_others_event(evutil_socket_t fd, short what, void *arg)
{
    struct hog *h = arg;

    (void)fd, (void)what;
    assert_null(loop_current());
    h->enough = true;
}

static void a_task_that_never_waits_leaves_room_for_the_others_events(void **state)
{
    struct hog h = { 0 };
    struct event *event = event_new(base, ends[0], EV_READ, the_others_event, &h);

    (void)state;
    assert_non_null(event);
    assert_int_equal(event_add(event, NULL), 0);
    spawn(hog, &h);
    dispatch();
    assert_true(h.turns > 3);
    event_free(event);
}

static void wait_for_ever(void *arg)
{
    (void)arg;
    assert_int_equal(await_until(DEADLINE_NONE), -ECANCELED);
}

static void cancel_it(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    task_cancel(arg, 1);
}

static void a_callback_of_the_base_may_cancel_a_task(void **state)
{
    struct timeval soon = { .tv_usec = 1000 };

    (void)state;
    struct task *task = spawn(wait_for_ever, NULL);
    assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, cancel_it, task, &soon), 0);
    dispatch();
}

static void a_loop_over_a_base_needs_its_memory(void **state)
{
    struct loop *loop = NULL;

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(loop_create(&(struct loop_options){ .base = base }, &loop), -ENOMEM);
    assert_true(mem_fail_hit());
    mem_fail_at(0, false);
    assert_null(loop);
}

/* ---- loop_run_until ---- */

static void set_done(void *arg)
{
    assert_int_equal(await_turn(), 0);
    *(bool *)arg = true;
}

static void forever(void *arg)
{
    while (!*(bool *)arg) {
        assert_int_equal(await_turn(), 0);
    }
    test_log("f");
}

static void a_run_until_leaves_the_other_tasks_where_they_are(void **state)
{
    bool done = false, enough = false;

    (void)state;
    spawn(forever, &enough);
    spawn(set_done, &done);
    assert_int_equal(loop_run_until(test_loop, &done), 0);
    assert_true(done);
    assert_string_equal(test_log_text(), "");
    assert_int_equal(loop_run_until(test_loop, &done), 0); /* at once */
    enough = true;
    run();
    assert_string_equal(test_log_text(), "f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tasks_run_while_the_base_is_dispatched_and_let_it_end,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(deadlines_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(messages_reach_its_tasks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_that_never_waits_leaves_room_for_the_others_events,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_callback_of_the_base_may_cancel_a_task, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_over_a_base_needs_its_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_until_leaves_the_other_tasks_where_they_are,
                                        loop_setup, loop_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
