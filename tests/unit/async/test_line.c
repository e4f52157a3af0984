#include "support.h"

#include <stdio.h>
#include <string.h>

static struct line line;

static int setup(void **state)
{
    line = (struct line){ 0 };
    return loop_setup(state);
}

struct waiter {
    const char *name;
    int64_t deadline_us;
    int result;
    struct task *task;
};

static void wait_in_line(void *arg)
{
    struct waiter *w = arg;

    w->result = await_line(&line, w, w->deadline_us);
    test_log(w->result == 0 ? w->name : w->result == -ETIMEDOUT ? "t" : "c");
}

static void wait_for_ever(void *arg)
{
    ((struct waiter *)arg)->deadline_us = DEADLINE_NONE;
    wait_in_line(arg);
}

static void call_all(void *arg)
{
    (void)arg;
    while (line_call_first(&line)) {
    }
    assert_true(line_is_empty(&line));
}

static void zero_bytes_are_an_empty_line(void **state)
{
    (void)state;
    assert_true(line_is_empty(&line));
    assert_false(line_call_first(&line));
}

static void first_come_first_called(void **state)
{
    struct waiter a = { .name = "1" }, b = { .name = "2" }, c = { .name = "3" };

    (void)state;
    spawn(wait_for_ever, &a);
    spawn(wait_for_ever, &b);
    spawn(wait_for_ever, &c);
    spawn(call_all, NULL);
    run();
    assert_string_equal(test_log_text(), "123");
}

static void call_one_per_turn(void *arg)
{
    (void)arg;
    assert_int_equal(line.length, 3);
    assert_true(line_call_first(&line));
    assert_int_equal(line.length, 2);
    test_log("-");
    assert_int_equal(await_turn(), 0);
    assert_true(line_call_first(&line));
    test_log("-");
    assert_int_equal(await_turn(), 0);
    assert_true(line_call_first(&line));
    assert_false(line_call_first(&line));
}

static void one_call_wakes_one(void **state)
{
    struct waiter a = { .name = "1" }, b = { .name = "2" }, c = { .name = "3" };

    (void)state;
    spawn(wait_for_ever, &a);
    spawn(wait_for_ever, &b);
    spawn(wait_for_ever, &c);
    spawn(call_one_per_turn, NULL);
    run();
    assert_string_equal(test_log_text(), "-1-23");
}

/* A time-out, a cancel and a call in the same turn, in every order. */

static void advance(void *arg)
{
    clock_manual_advance(&test_clock, 10);
    assert_int_equal(await_turn(), 0);
    assert_int_equal(line.length, 1);
    assert_true(line_call_first(&line));
    (void)arg;
}

static void one_who_timed_out_does_not_use_up_a_call(void **state)
{
    struct waiter a = { .name = "1", .deadline_us = test_clock.now_us + 10 };
    struct waiter b = { .name = "2", .deadline_us = DEADLINE_NONE };

    (void)state;
    spawn(wait_in_line, &a);
    spawn(wait_in_line, &b);
    spawn(advance, NULL);
    run();
    assert_string_equal(test_log_text(), "t2");
}

static void cancel_then_call(void *arg)
{
    struct waiter *w = arg;

    task_cancel(w->task, 1);
    assert_int_equal(line.length, 1);
    assert_true(line_call_first(&line));
    assert_false(line_call_first(&line));
}

static void one_who_was_cancelled_does_not_use_up_a_call(void **state)
{
    struct waiter a = { .name = "1" }, b = { .name = "2" };

    (void)state;
    a.task = spawn(wait_for_ever, &a);
    spawn(wait_for_ever, &b);
    spawn(cancel_then_call, &a);
    run();
    assert_string_equal(test_log_text(), "c2");
}

static void call_then_cancel(void *arg)
{
    struct waiter *w = arg;

    assert_true(line_call_first(&line));
    task_cancel(w->task, 1);
}

static void one_who_was_called_has_it_even_when_cancelled(void **state)
{
    struct waiter a = { .name = "1" };

    (void)state;
    a.task = spawn(wait_for_ever, &a);
    spawn(call_then_cancel, &a);
    run();
    assert_int_equal(a.result, 0);
    assert_string_equal(test_log_text(), "1");
}

/* Looking through the line */

static void call_the_second(void *arg)
{
    struct line_place *place = TAILQ_NEXT(TAILQ_FIRST(&line.places), entry);

    assert_ptr_equal(place->item, arg);
    line_call(&line, place);
    assert_int_equal(line.length, 2);
    assert_int_equal(await_turn(), 0);
    call_all(NULL);
}

static void a_place_in_the_middle_may_be_called(void **state)
{
    struct waiter a = { .name = "1" }, b = { .name = "2" }, c = { .name = "3" };

    (void)state;
    spawn(wait_for_ever, &a);
    spawn(wait_for_ever, &b);
    spawn(wait_for_ever, &c);
    spawn(call_the_second, &b);
    run();
    assert_string_equal(test_log_text(), "213");
}

/* Many waiters, random ends: nobody is lost, those who stay keep their order. */

static void random_ends(void *arg)
{
    struct waiter *waiters = arg;
    size_t count = rounds(1000);

    for (size_t i = 0; i < count; i++) {
        if (rand() % 3 == 0) {
            task_cancel(waiters[i].task, 1);
        }
    }
    for (size_t i = 0; i < count / 3; i++) {
        line_call_first(&line);
        if (rand() % 4 == 0) {
            clock_manual_advance(&test_clock, 1);
            assert_int_equal(await_turn(), 0);
        }
    }
    struct line_place *place;
    const struct waiter *last = NULL;
    size_t length = 0;
    TAILQ_FOREACH (place, &line.places, entry) {
        assert_true(last == NULL || (const struct waiter *)place->item > last);
        last = place->item;
        length++;
    }
    assert_int_equal(length, line.length);
    call_all(NULL);
}

static void wait_silently(void *arg)
{
    struct waiter *w = arg;

    w->result = await_line(&line, w, w->deadline_us);
    assert_true(w->result == 0 || w->result == -ETIMEDOUT || w->result == -ECANCELED);
}

static void a_long_line_loses_nobody(void **state)
{
    size_t count = rounds(1000);
    struct waiter *waiters = test_calloc(count, sizeof(*waiters));

    (void)state;
    printf("seed 5\n");
    srand(5);
    for (size_t i = 0; i < count; i++) {
        waiters[i].deadline_us = test_clock.now_us + 1 + rand() % 200;
        waiters[i].result = 1;
        waiters[i].task = spawn(wait_silently, &waiters[i]);
    }
    spawn(random_ends, waiters);
    run();
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(waiters[i].result, 1);
    }
    test_free(waiters);
}

#define LINE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINE_TEST(zero_bytes_are_an_empty_line),
        LINE_TEST(first_come_first_called),
        LINE_TEST(one_call_wakes_one),
        LINE_TEST(one_who_timed_out_does_not_use_up_a_call),
        LINE_TEST(one_who_was_cancelled_does_not_use_up_a_call),
        LINE_TEST(one_who_was_called_has_it_even_when_cancelled),
        LINE_TEST(a_place_in_the_middle_may_be_called),
        LINE_TEST(a_long_line_loses_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
