/* Rows kept in memory. */
#include "pool/spool.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void rows_come_back_in_order(void **state)
{
    struct spool spool;
    struct cell cells[5];

    (void)state;
    spool_init(&spool, 0);
    for (int64_t i = 0; i < 1000; i++) {
        const struct cell row[5] = {
            { .kind = CELL_INT, .i = -i },
            { .kind = CELL_REAL, .r = (double)i / 3 },
            { .kind = CELL_TEXT, .bytes = view_of("abcdefghij", (size_t)(i % 11)) },
            { .kind = CELL_BLOB, .bytes = view_of(NULL, 0) },
            { .kind = CELL_NULL },
        };
        assert_int_equal(spool_put(&spool, row, 5), 0);
    }
    for (int64_t i = 0; i < 1000; i++) {
        assert_true(spool_get(&spool, cells, 5));
        assert_true(cells[0].kind == CELL_INT && cells[0].i == -i);
        assert_true(cells[1].kind == CELL_REAL && cells[1].r == (double)i / 3);
        assert_true(cells[2].kind == CELL_TEXT &&
                    view_equal(cells[2].bytes, view_of("abcdefghij", (size_t)(i % 11))));
        assert_true(cells[3].kind == CELL_BLOB && cells[3].bytes.len == 0);
        assert_true(cells[4].kind == CELL_NULL);
    }
    assert_false(spool_get(&spool, cells, 5));
    spool_finish(&spool);
    spool_finish(&spool);
}

static void a_full_spool_keeps_what_it_has(void **state)
{
    const struct cell row = { .kind = CELL_TEXT, .bytes = view_of("0123456789", 10) };
    struct spool spool;
    struct cell cell;
    int rows = 0;

    (void)state;
    spool_init(&spool, 100);
    while (spool_put(&spool, &row, 1) == 0) {
        rows++;
    }
    assert_int_equal(rows, 5);
    assert_int_equal(spool_put(&spool, &row, 1), BUF_FULL);
    for (int i = 0; i < rows; i++) {
        assert_true(spool_get(&spool, &cell, 1));
    }
    assert_false(spool_get(&spool, &cell, 1));
    spool_finish(&spool);
}

static void without_memory_nothing_is_put(void **state)
{
    const struct cell row = { .kind = CELL_NULL };
    struct spool spool;
    struct cell cell;

    (void)state;
    spool_init(&spool, 0);
    mem_fail_at(1, false);
    assert_int_equal(spool_put(&spool, &row, 1), -ENOMEM);
    mem_fail_at(0, false);
    assert_false(spool_get(&spool, &cell, 1));
    assert_int_equal(spool_put(&spool, &row, 1), 0);
    assert_true(spool_get(&spool, &cell, 1));
    spool_finish(&spool);
}

static void a_seekable_one_goes_back(void **state)
{
    struct spool spool;
    struct cell cell;

    (void)state;
    spool_init(&spool, 0);
    spool_set_seekable(&spool);
    spool_seek(&spool, 0);
    assert_false(spool_get(&spool, &cell, 1));
    for (int64_t i = 0; i < 100; i++) {
        struct cell row = { .kind = i % 2 == 0 ? CELL_INT : CELL_TEXT };

        if (row.kind == CELL_INT) {
            row.i = i;
        } else {
            row.bytes = view_of("0123456789", (size_t)i % 10);
        }
        assert_int_equal(spool_put(&spool, &row, 1), 0);
    }
    assert_int_equal(spool_rows(&spool), 100);
    for (size_t i = 100; i-- > 0;) {
        spool_seek(&spool, i);
        assert_true(spool_get(&spool, &cell, 1));
        assert_true(i % 2 == 0 ? cell.i == (int64_t)i : cell.bytes.len == i % 10);
    }
    spool_seek(&spool, 100);
    assert_false(spool_get(&spool, &cell, 1));
    spool_finish(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_in_order),
        cmocka_unit_test(a_seekable_one_goes_back),
        cmocka_unit_test(a_full_spool_keeps_what_it_has),
        cmocka_unit_test(without_memory_nothing_is_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
