/* daemon/heartbeat.c */
#include "daemon/heartbeat.h"

#include "async/await.h"
#include "async/task.h"
#include "async/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { other = 1, loop_count = 2 };

/* Two loops: that of the test, which it turns by hand, and one that runs on a thread. */
struct fixture {
    struct loop *loops[loop_count];
    struct thread *thread;
    struct heartbeat heartbeat;
    int pipe[2];
    unsigned silent;
    int64_t silent_us;
};

static void run_other(void *arg)
{
    assert_int_equal(loop_run(arg), 0);
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){ 0 };
    for (unsigned i = 0; i < loop_count; i++) {
        const struct loop_options options = { .number = i };
        assert_int_equal(loop_create(&options, &f->loops[i]), 0);
    }
    assert_int_equal(pipe(f->pipe), 0);
    assert_int_equal(thread_start("other", run_other, f->loops[other], &f->thread), 0);
    heartbeat_init(&f->heartbeat, f->loops, loop_count);
}

static void tear_down(struct fixture *f)
{
    loop_stop(f->loops[other]);
    thread_join(f->thread);
    for (unsigned i = 0; i < loop_count; i++) {
        loop_destroy(f->loops[i]);
    }
    close(f->pipe[0]);
    close(f->pipe[1]);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* The messages that were sent to the other loop before have been answered. */
static void settle_task(void *arg)
{
    struct fixture *f = arg;

    await_call(f->loops[other], nothing, NULL);
}

static void settle(struct fixture *f)
{
    assert_int_equal(task_spawn(f->loops[0], "settle", settle_task, f, NULL), 0);
    assert_int_equal(loop_run_until_idle(f->loops[0]), 0);
}

static bool ask(struct fixture *f, int64_t now_us)
{
    return heartbeat_ask(&f->heartbeat, now_us, &f->silent, &f->silent_us);
}

/* A message that does not come to its end before somebody writes. */
struct hang {
    struct loop_message message;
    struct fixture *f;
};

static void hang(struct loop *loop, struct loop_message *message)
{
    const struct hang *hang = container_of(message, struct hang, message);
    char byte;

    (void)loop;
    assert_int_equal(read(hang->f->pipe[0], &byte, 1), 1);
}

static void loops_that_turn_answer_each_time(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    for (int64_t at_us = 0; at_us < 5000000; at_us += 1000000) {
        assert_true(ask(&f, at_us));
        settle(&f);
    }
    tear_down(&f);
}

static void a_loop_that_hangs_is_named_with_its_time_until_it_turns_again(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    struct hang hangs = { .message.run = hang, .f = &f };
    loop_send(f.loops[other], &hangs.message);
    assert_true(ask(&f, 1000000));
    assert_int_equal(loop_run_until_idle(f.loops[0]), 0);
    assert_false(ask(&f, 4000000));
    assert_int_equal(f.silent, other);
    assert_int_equal(f.silent_us, 3000000);
    assert_false(ask(&f, 9000000)); /* it is asked no more, and still waited for */
    assert_int_equal(f.silent_us, 8000000);

    assert_int_equal(write(f.pipe[1], "x", 1), 1);
    settle(&f);
    assert_true(ask(&f, 10000000));
    settle(&f);
    tear_down(&f);
}

static void without_loops_all_hearts_beat(void **state)
{
    static struct heartbeat none;
    unsigned silent;
    int64_t silent_us;

    (void)state;
    assert_true(heartbeat_ask(&none, 5, &silent, &silent_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_that_turn_answer_each_time),
        cmocka_unit_test(a_loop_that_hangs_is_named_with_its_time_until_it_turns_again),
        cmocka_unit_test(without_loops_all_hearts_beat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
