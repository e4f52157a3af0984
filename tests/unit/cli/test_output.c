/* Output through a buffer. */
#include "support.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "client/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct output out;

static void what_is_written_comes_out_in_order(void **state)
{
    struct buf got = { 0 };
    static char large[output_bytes + 1000];

    (void)state;
    memset(large, 'x', sizeof(large));
    output_init_memory(&out, &got);
    output_str(&out, "begin");
    output_write(&out, large, sizeof(large));
    output_printf(&out, "%d%s", 17, "end");
    for (size_t i = 0; i < output_bytes; i++) {
        output_byte(&out, 'y');
    }
    output_flush(&out);
    assert_int_equal(got.len, 5 + sizeof(large) + 5 + output_bytes);
    assert_memory_equal(got.data, "beginx", 6);
    assert_memory_equal(got.data + 5 + sizeof(large) - 1, "x17endy", 7);
    assert_true(output_is_fine(&out));
    buf_finish(&got);
}

static void the_first_failure_is_kept_and_told_at_the_end(void **state)
{
    (void)state;
    output_init(&out, open("/dev/full", O_WRONLY | O_CLOEXEC), "here");
    output_str(&out, "text");
    assert_true(output_is_fine(&out)); /* it is in the buffer */
    output_flush(&out);
    assert_false(output_is_fine(&out));
    assert_int_equal(out.error, ENOSPC);
    close(out.fd);
    output_str(&out, "more");
    output_flush(&out); /* goes nowhere, and changes nothing */
    assert_int_equal(out.error, ENOSPC);
    assert_int_equal(output_end(&out), CLI_FAILED);
}

static void a_pipe_takes_all_however_slowly(void **state)
{
    int ends[2];
    char got[100];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    output_init(&out, ends[1], "a pipe");
    output_str(&out, "hello");
    assert_int_equal(output_end(&out), CLI_OK);
    assert_int_equal(read(ends[0], got, sizeof(got)), 5);
    close(ends[0]);
    close(ends[1]);
}

static void memory_may_run_out(void **state)
{
    struct buf got = { 0 };

    (void)state;
    output_init_memory(&out, &got);
    output_str(&out, "text");
    mem_fail_at(1, true);
    output_flush(&out);
    mem_fail_at(0, false);
    assert_int_equal(out.error, ENOMEM);
    buf_finish(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_out_in_order),
        cmocka_unit_test(the_first_failure_is_kept_and_told_at_the_end),
        cmocka_unit_test(a_pipe_takes_all_however_slowly),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
