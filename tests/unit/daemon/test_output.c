/* What goes to a client, over a socketpair, on a loop. */
#include "daemon/output.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "daemon/server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PENDING = 1, buffer = 4096, high_water = buffer - buffer / 16, much = 4 * 1024 * 1024 };

struct fixture {
    struct clock_manual clock; /* else a machine that is kept waiting gives clients up */
    struct server server;
    struct worker worker;
    struct conf conf;
    struct output out;
    int peer;
    int result;
    size_t received;
};

static struct fixture f;

static int set_up(void **state)
{
    const int sndbuf = 100000; /* far below `much`, whatever is usual on this machine */
    int fds[2];

    (void)state;
    f = (struct fixture){ .conf = { .output_buffer = buffer, .client_stall_timeout_us = 20000 } };
    f.worker.conf = &f.conf;
    f.worker.server = &f.server;
    clock_manual_init(&f.clock, 1000000);
    assert_int_equal(loop_create(&(struct loop_options){ .clock = &f.clock.clock }, &f.worker.loop),
                     0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
    f.peer = fds[0];
    output_init(&f.out, &f.worker, fds[1]);
    assert_int_equal(output_begin(&f.out), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(f.out.fd);
    output_finish(&f.out);
    if (f.peer >= 0) {
        close(f.peer);
    }
    output_spares_finish(&f.worker.spares);
    loop_destroy(f.worker.loop);
    return 0;
}

static void in_task(task_fn *fn)
{
    assert_int_equal(task_spawn(f.worker.loop, "test", fn, &f, NULL), 0);
    assert_int_equal(loop_run_until_idle(f.worker.loop), 0);
}

static void append(size_t len, char byte)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(buf_append_byte(&f.out.buf, (uint8_t)byte), 0);
    }
}

static void relieve_task(void *arg)
{
    (void)arg;
    f.result = output_relieve(&f.out);
}

static void nothing_leaves_below_the_high_water_mark(void **state)
{
    char got[2 * high_water];

    (void)state;
    append(high_water - 1, 'a');
    in_task(relieve_task);
    assert_int_equal(f.result, 0);
    assert_int_equal(recv(f.peer, got, sizeof(got), 0), -1);
    append(1, 'b');
    in_task(relieve_task);
    assert_int_equal(f.result, 0);
    assert_int_equal(recv(f.peer, got, sizeof(got), 0), high_water);
    assert_int_equal(got[high_water - 1], 'b');
    assert_int_equal(f.out.buf.len, 0);
}

static void flush_task(void *arg)
{
    (void)arg;
    f.result = output_flush(&f.out);
}

static void drain_task(void *arg)
{
    static char got[65536];
    ssize_t n;

    (void)arg;
    while (f.received < much) {
        assert_int_equal(await_readable(f.peer, DEADLINE_NONE), 0);
        while ((n = recv(f.peer, got, sizeof(got), 0)) > 0) {
            f.received += (size_t)n;
        }
    }
}

static void a_full_socket_is_awaited(void **state)
{
    (void)state;
    append(much, 'a');
    assert_int_equal(task_spawn(f.worker.loop, "drain", drain_task, NULL, NULL), 0);
    in_task(flush_task);
    assert_int_equal(f.result, 0);
    assert_int_equal(f.received, much);
}

/* A millisecond a turn, until somebody has a result. */
static void pass_time_task(void *arg)
{
    (void)arg;
    while (f.result == PENDING) {
        clock_manual_advance(&f.clock, 1000);
        assert_int_equal(await_turn(), 0);
    }
}

static void a_client_that_never_reads_is_given_up(void **state)
{
    int64_t start_us = f.clock.now_us;

    (void)state;
    append(much, 'a');
    f.result = PENDING;
    assert_int_equal(task_spawn(f.worker.loop, "time", pass_time_task, NULL, NULL), 0);
    in_task(flush_task);
    assert_int_equal(f.result, -ETIMEDOUT);
    assert_in_range(f.clock.now_us - start_us, 20000, 25000);
    append(1, 'a');
    in_task(flush_task); /* once broken, always broken, and at once */
    assert_int_equal(f.result, -ETIMEDOUT);
    assert_int_equal(f.out.buf.len, 0);
}

/* Takes much less between two looks than makes the socket writable again. */
static void sip_task(void *arg)
{
    static char got[8192];

    (void)arg;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(await_readable(f.peer, DEADLINE_NONE), 0);
        ssize_t n = recv(f.peer, got, sizeof(got), 0);

        f.received += n > 0 ? (size_t)n : 0;
        clock_manual_advance(&f.clock, 10000);
        assert_int_equal(await_turn(), 0);
    }
    close(f.peer);
    f.peer = -1;
}

static void a_slow_reader_is_not_given_up(void **state)
{
    int sndbuf = 1 << 20; /* as much as the kernel gives */

    (void)state;
    f.conf.client_stall_timeout_us = 250000;
    assert_int_equal(setsockopt(f.out.fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
    append(much, 'a');
    assert_int_equal(task_spawn(f.worker.loop, "sip", sip_task, NULL, NULL), 0);
    in_task(flush_task);
    assert_int_equal(f.received, 100 * 8192);
    assert_true(f.result == -EPIPE || f.result == -ECONNRESET); /* and no time-out */
}

static void a_client_that_hung_up_is_an_error_without_a_signal(void **state)
{
    (void)state;
    close(f.peer);
    f.peer = -1;
    append(10, 'a');
    in_task(flush_task);
    assert_int_equal(f.result, -EPIPE);
}

static void an_idle_output_keeps_no_memory_and_lends_it_on(void **state)
{
    (void)state;
    const uint8_t *data = f.out.buf.data;
    output_end(&f.out);
    assert_null(f.out.buf.data);
    assert_int_equal(f.worker.spares.count, 1);
    assert_int_equal(output_begin(&f.out), 0);
    assert_ptr_equal(f.out.buf.data, data);
    append(3 * buffer, 'a');
    append(much, 'a');
    output_end(&f.out); /* too big to be kept */
    assert_int_equal(f.worker.spares.count, 0);
}

static void a_broken_output_sends_nothing_more(void **state)
{
    char got[high_water];

    (void)state;
    append(10, 'a');
    output_break(&f.out);
    in_task(relieve_task);
    assert_int_equal(f.result, -ENOMEM);
    in_task(flush_task);
    assert_int_equal(f.result, -ENOMEM);
    assert_int_equal(recv(f.peer, got, sizeof(got), 0), -1);
}

static void no_memory_for_a_buffer_is_said(void **state)
{
    (void)state;
    output_finish(&f.out);
    mem_fail_at(1, false);
    int r = output_begin(&f.out);
    mem_fail_at(0, false);
    assert_int_equal(r, -ENOMEM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_leaves_below_the_high_water_mark),
        TEST(a_full_socket_is_awaited),
        TEST(a_client_that_never_reads_is_given_up),
        TEST(a_slow_reader_is_not_given_up),
        TEST(a_client_that_hung_up_is_an_error_without_a_signal),
        TEST(an_idle_output_keeps_no_memory_and_lends_it_on),
        TEST(a_broken_output_sends_nothing_more),
        TEST(no_memory_for_a_buffer_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
