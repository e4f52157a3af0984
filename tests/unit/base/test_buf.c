#include "base/buf.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void finish(struct buf *b)
{
    buf_finish(b);
}

static void zero_bytes_are_an_empty_buffer(void **state)
{
    cleanup(finish) struct buf b = { 0 };

    (void)state;
    assert_int_equal(buf_append(&b, NULL, 0), 0);
    assert_null(b.data);
    assert_int_equal(buf_append_str(&b, "pond"), 0);
    assert_true(view_equal_str(buf_view(&b), "pond"));
    buf_finish(NULL);
}

static void appends_follow_each_other(void **state)
{
    cleanup(finish) struct buf b = { 0 };

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(buf_append_byte(&b, (uint8_t)i), 0);
    }
    assert_int_equal(b.len, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(b.data[i], (uint8_t)i);
    }
}

static void the_cap_is_reached_and_never_passed(void **state)
{
    cleanup(finish) struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_append_str(&b, "0123456789"), 0);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(buf_append(&b, b.data, 0), 0);
        assert_int_equal(buf_append_str(&b, "0123456789"), 0);
    }
    assert_int_equal(b.len, 100);
    assert_int_equal(buf_append_byte(&b, 'x'), BUF_FULL);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), BUF_FULL);
    assert_int_equal(buf_printf(&b, "%d", 1), BUF_FULL);
    assert_int_equal(b.len, 100);
    assert_true(b.cap <= 100);
}

static void a_length_that_would_wrap_is_out_of_memory(void **state)
{
    cleanup(finish) struct buf b = { 0 };

    (void)state;
    assert_int_equal(buf_append_byte(&b, 'x'), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOMEM);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1), -ENOMEM);
    assert_int_equal(b.len, 1);
}

static void out_of_memory_leaves_the_content(void **state)
{
    cleanup(finish) struct buf b = { 0 };
    static const char more[200];

    (void)state;
    assert_int_equal(buf_append_str(&b, "abc"), 0);
    mem_fail_at(1, true);
    assert_int_equal(buf_append(&b, more, sizeof(more)), -ENOMEM);
    assert_int_equal(buf_printf(&b, "%300d", 1), -ENOMEM);
    mem_fail_at(0, false);
    assert_true(view_equal_str(buf_view(&b), "abc"));
}

static void printf_of_every_length_fits(void **state)
{
    (void)state;
    for (int width = 1; width < 600; width++) {
        cleanup(finish) struct buf b;

        buf_init(&b, (size_t)width + 1);
        assert_int_equal(buf_append_byte(&b, '<'), 0);
        assert_int_equal(buf_printf(&b, "%*d", width, 7), 0);
        assert_int_equal(b.len, width + 1);
        assert_int_equal(b.data[width], '7');
    }
}

static void consuming_keeps_the_rest(void **state)
{
    cleanup(finish) struct buf b = { 0 };

    (void)state;
    assert_int_equal(buf_append_str(&b, "abcdef"), 0);
    buf_consume(&b, 0);
    buf_consume(&b, 2);
    assert_true(view_equal_str(buf_view(&b), "cdef"));
    buf_consume(&b, 4);
    assert_int_equal(b.len, 0);
}

static void shrink_gives_back_only_what_is_empty(void **state)
{
    cleanup(finish) struct buf b;

    (void)state;
    buf_init(&b, 50);
    assert_int_equal(buf_append_str(&b, "abc"), 0);
    buf_shrink(&b);
    assert_int_equal(b.len, 3);
    buf_clear(&b);
    assert_non_null(b.data);
    buf_shrink(&b);
    assert_null(b.data);
    assert_int_equal(b.max, 50);
}

static void a_string_is_taken_even_from_a_full_buffer(void **state)
{
    cleanup(finish) struct buf b;
    cleanup(mem_freep) char *s = NULL;

    (void)state;
    buf_init(&b, 4);
    assert_int_equal(buf_append_str(&b, "pond"), 0);
    mem_fail_at(1, false);
    assert_null(buf_take_str(&b));
    mem_fail_at(0, false);
    assert_int_equal(b.len, 4);
    s = buf_take_str(&b);
    assert_string_equal(s, "pond");
    assert_int_equal(b.len, 0);
    assert_null(b.data);
    assert_int_equal(buf_append_str(&b, "ponds"), BUF_FULL);
}

static void an_empty_buffer_gives_an_empty_string(void **state)
{
    struct buf b = { 0 };
    cleanup(mem_freep) char *s = buf_take_str(&b);

    (void)state;
    assert_string_equal(s, "");
}

static void a_wiped_buffer_is_empty_and_usable(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 16);
    buf_wipe(&b);
    assert_int_equal(buf_append_str(&b, "secret"), 0);
    buf_wipe(&b);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    assert_int_equal(buf_append_str(&b, "more"), 0);
    assert_int_equal(b.max, 16);
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_are_an_empty_buffer),
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(the_cap_is_reached_and_never_passed),
        cmocka_unit_test(a_length_that_would_wrap_is_out_of_memory),
        cmocka_unit_test(out_of_memory_leaves_the_content),
        cmocka_unit_test(printf_of_every_length_fits),
        cmocka_unit_test(consuming_keeps_the_rest),
        cmocka_unit_test(shrink_gives_back_only_what_is_empty),
        cmocka_unit_test(a_string_is_taken_even_from_a_full_buffer),
        cmocka_unit_test(an_empty_buffer_gives_an_empty_string),
        cmocka_unit_test(a_wiped_buffer_is_empty_and_usable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
