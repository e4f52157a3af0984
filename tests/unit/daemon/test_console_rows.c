/* daemon/console_rows.c */
#include "daemon/console_rows.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct console_column columns[] = { { "a", OID_TEXT }, { "b", OID_INT4 } };

static void rows_are_messages(void **state)
{
    static const char expected[] = "D\0\0\0\x0f\0\x02\0\0\0\x01x\xff\xff\xff\xff"
                                   "D\0\0\0\x11\0\x02\0\0\0\x02-7\0\0\0\x01"
                                   "0";
    struct console_rows rows;

    (void)state;
    console_rows_init(&rows, columns, ARRAY_LEN(columns));
    console_row_begin(&rows);
    console_put(&rows, "x");
    console_put(&rows, NULL);
    console_row_end(&rows);
    console_row_begin(&rows);
    console_put_int(&rows, -7);
    console_put_zeros(&rows, 1);
    console_row_end(&rows);
    assert_int_equal(writer_result(&rows.writer), 0);
    assert_int_equal(rows.messages.len, 16 + 18);
    assert_memory_equal(rows.messages.data, expected, 16 + 18);
    console_rows_finish(&rows);
}

static void times_are_printed_as_pgbouncer_does(void **state)
{
    struct console_rows rows;

    (void)state;
    console_rows_init(&rows, columns, 1);
    console_row_begin(&rows);
    console_put_time(&rows, 1700000000999999);
    console_row_end(&rows);
    assert_memory_equal(rows.messages.data + 11, "2023-11-14 22:13:20 UTC", 23);
    console_rows_finish(&rows);
}

static void put_row(struct console_rows *rows)
{
    console_row_begin(rows);
    console_put(rows, "some text that is longer than nothing");
    console_put_uint(rows, UINT64_MAX);
    console_row_end(rows);
}

static void too_many_rows_are_told(void **state)
{
    struct console_rows rows;

    (void)state;
    console_rows_init(&rows, columns, ARRAY_LEN(columns));
    rows.messages.max = 1000;
    for (int i = 0; i < 100; i++) {
        put_row(&rows);
    }
    assert_int_equal(writer_result(&rows.writer), BUF_FULL);
    assert_true(rows.messages.len <= 1000);
    console_rows_finish(&rows);
}

static void no_memory_is_told(void **state)
{
    struct console_rows rows;

    (void)state;
    console_rows_init(&rows, columns, ARRAY_LEN(columns));
    mem_fail_at(1, true);
    put_row(&rows);
    assert_true(mem_fail_hit());
    mem_fail_at(0, false);
    assert_int_equal(writer_result(&rows.writer), -ENOMEM);
    put_row(&rows); /* stays so */
    assert_int_equal(writer_result(&rows.writer), -ENOMEM);
    console_rows_finish(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_messages),
        cmocka_unit_test(times_are_printed_as_pgbouncer_does),
        cmocka_unit_test(too_many_rows_are_told),
        cmocka_unit_test(no_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
