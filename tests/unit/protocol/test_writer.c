#include "protocol/writer.h"

#include "support.h"

#include <errno.h>

static void write_all(struct writer *w)
{
    writer_begin(w, 'D');
    writer_u16(w, 2);
    writer_null(w);
    writer_value_begin(w);
    writer_check(w, buf_append_str(w->out, "abc"));
    writer_value_end(w);
    writer_end(w);
}

static void lengths_are_filled_in_afterwards(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);

    (void)state;
    write_all(&w);
    writer_begin(&w, 0);
    writer_u8(&w, 1);
    writer_u64(&w, UINT64_MAX - 1);
    writer_cstr(&w, "hi");
    writer_cstr(&w, NULL);
    assert_int_equal(writer_end(&w), 0);
    assert_view_equal(buf_view(&out), "D\0\0\0\x11\0\x02\xff\xff\xff\xff\0\0\0\x03"
                                      "abc"
                                      "\0\0\0\x11\x01\xff\xff\xff\xff\xff\xff\xff\xfehi\0\0");
}

static void a_full_buffer_loses_only_the_message_that_was_begun(void **state)
{
    cleanup(finish_buf) struct buf out;
    struct writer w;

    (void)state;
    buf_init(&out, 30);
    w = writer_over(&out);
    write_all(&w);
    assert_int_equal(writer_result(&w), 0);
    assert_int_equal(out.len, 18);
    write_all(&w);
    assert_int_equal(writer_result(&w), BUF_FULL);
    assert_int_equal(out.len, 18);
    writer_begin(&w, 'Z'); /* would fit, but failure is sticky */
    writer_u8(&w, 'I');
    assert_int_equal(writer_end(&w), BUF_FULL);
    assert_int_equal(out.len, 18);
}

static void every_cap_keeps_whole_messages_only(void **state)
{
    (void)state;
    for (size_t max = 1; max < 40; max++) {
        cleanup(finish_buf) struct buf out;

        buf_init(&out, max);
        struct writer w = writer_over(&out);

        write_all(&w);
        write_all(&w);
        assert_int_equal(out.len, max < 18 ? 0 : max < 36 ? 18 : 36);
    }
}

static int write_without_memory(void)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);

    for (int i = 0; i < 20; i++) {
        write_all(&w);
    }
    if (writer_result(&w) != 0) {
        assert_int_equal(out.len % 18, 0);
    }
    return writer_result(&w);
}

static void no_memory_is_answered_once_and_leaves_whole_messages(void **state)
{
    (void)state;
    for_each_failed_allocation(write_without_memory);
}

static void the_failure_of_a_value_fails_the_message(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);

    (void)state;
    writer_begin(&w, 'D');
    writer_value_begin(&w);
    writer_check(&w, -EINVAL);
    writer_value_end(&w);
    assert_int_equal(writer_end(&w), -EINVAL);
    assert_int_equal(out.len, 0);
}

static void a_string_ends_at_its_first_nul(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);

    (void)state;
    writer_begin(&w, 'C');
    writer_cstr_view(&w, BYTES("ab\0cd"));
    assert_int_equal(writer_end(&w), 0);
    assert_view_equal(buf_view(&out), "C\0\0\0\x07"
                                      "ab\0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_filled_in_afterwards),
        cmocka_unit_test(a_full_buffer_loses_only_the_message_that_was_begun),
        cmocka_unit_test(every_cap_keeps_whole_messages_only),
        cmocka_unit_test(no_memory_is_answered_once_and_leaves_whole_messages),
        cmocka_unit_test(the_failure_of_a_value_fails_the_message),
        cmocka_unit_test(a_string_ends_at_its_first_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
