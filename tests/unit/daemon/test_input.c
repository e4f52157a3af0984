/* What comes from a client, over a socketpair. */
#include "daemon/input.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    int peer;
    struct input in;
    uint8_t scratch[input_scratch_bytes];
};

static struct fixture f;

static int set_up(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    f.peer = fds[0];
    input_init(&f.in, fds[1]);
    input_begin(&f.in, f.scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (f.peer >= 0) {
        close(f.peer);
    }
    close(f.in.fd);
    input_finish(&f.in);
    return 0;
}

static void send_bytes(const char *bytes, size_t len)
{
    assert_int_equal(send(f.peer, bytes, len, 0), (ssize_t)len);
}

static void what_comes_whole_stays_in_the_scratch_buffer(void **state)
{
    (void)state;
    send_bytes("hello", 5);
    assert_int_equal(input_fill(&f.in, 5), 0);
    assert_true(view_equal_str(f.in.ahead, "hello"));
    assert_ptr_equal(f.in.ahead.data, f.scratch);
    assert_false(f.in.more);
    view_advance(&f.in.ahead, 5);
    assert_int_equal(input_fill(&f.in, 5), INPUT_NOTHING);
    assert_int_equal(input_end(&f.in), 0);
    assert_null(f.in.rest.data);
}

static void an_incomplete_rest_outlives_the_task(void **state)
{
    uint8_t other[input_scratch_bytes];

    (void)state;
    send_bytes("abcdef", 6);
    assert_int_equal(input_fill(&f.in, 5), 0);
    view_advance(&f.in.ahead, 4);
    assert_int_equal(input_end(&f.in), 0);
    memset(f.scratch, 'x', sizeof(f.scratch));

    input_begin(&f.in, other);
    assert_true(view_equal_str(f.in.ahead, "ef"));
    send_bytes("gh", 2);
    assert_int_equal(input_fill(&f.in, 4), 0);
    assert_true(view_equal_str(f.in.ahead, "efgh"));
    view_advance(&f.in.ahead, 3);
    send_bytes("ij", 2);
    assert_int_equal(input_fill(&f.in, 4), 0);
    assert_true(view_equal_str(f.in.ahead, "hij"));
}

static void a_long_message_grows_by_what_came_not_by_what_it_promises(void **state)
{
    enum { promised = 100 * 1024 * 1024 };
    char block[1000];
    size_t used = mem_used_total();

    (void)state;
    memset(block, 'q', sizeof(block));
    for (int i = 0; i < 100; i++) {
        send_bytes(block, sizeof(block));
        assert_int_equal(input_fill(&f.in, promised), 0);
    }
    assert_int_equal(f.in.ahead.len, 100 * sizeof(block));
    assert_true(mem_used_total() - used < 512 * 1024);
}

static void a_full_scratch_buffer_says_that_there_may_be_more(void **state)
{
    char block[input_scratch_bytes + 10];

    (void)state;
    memset(block, 'q', sizeof(block));
    send_bytes(block, sizeof(block));
    assert_int_equal(input_fill(&f.in, 5), 0);
    assert_int_equal(f.in.ahead.len, input_scratch_bytes);
    assert_true(f.in.more);
    view_advance(&f.in.ahead, input_scratch_bytes);
    assert_int_equal(input_fill(&f.in, 5), 0);
    assert_int_equal(f.in.ahead.len, 10);
    assert_false(f.in.more);
}

static void the_end_of_the_stream_is_told(void **state)
{
    (void)state;
    send_bytes("ab", 2);
    close(f.peer);
    f.peer = -1;
    assert_int_equal(input_fill(&f.in, 5), 0);
    assert_int_equal(input_fill(&f.in, 5), INPUT_EOF);
    assert_true(f.in.eof);
    assert_true(view_equal_str(f.in.ahead, "ab"));
}

static void no_memory_for_the_rest_is_an_error_that_loses_nothing_else(void **state)
{
    (void)state;
    send_bytes("abc", 3);
    assert_int_equal(input_fill(&f.in, 5), 0);
    mem_fail_at(1, true);
    int r = input_fill(&f.in, 5);
    mem_fail_at(0, false);
    assert_int_equal(r, -ENOMEM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_comes_whole_stays_in_the_scratch_buffer),
        TEST(an_incomplete_rest_outlives_the_task),
        TEST(a_long_message_grows_by_what_came_not_by_what_it_promises),
        TEST(a_full_scratch_buffer_says_that_there_may_be_more),
        TEST(the_end_of_the_stream_is_told),
        TEST(no_memory_for_the_rest_is_an_error_that_loses_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
