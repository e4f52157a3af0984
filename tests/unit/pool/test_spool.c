/* Rows kept in memory and in a file: a reference is what row number n must have. */
#include "pool/spool.h"

#include "base/alloc.h"
#include "pool/tempfile.h"
#include "support_vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void rows_come_back_in_order(void **state)
{
    struct spool spool;
    struct cell cells[5];

    (void)state;
    spool_init(&spool, 0, NULL);
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
        assert_int_equal(spool_get(&spool, cells, 5), 0);
        assert_true(cells[0].kind == CELL_INT && cells[0].i == -i);
        assert_true(cells[1].kind == CELL_REAL && cells[1].r == (double)i / 3);
        assert_true(cells[2].kind == CELL_TEXT &&
                    view_equal(cells[2].bytes, view_of("abcdefghij", (size_t)(i % 11))));
        assert_true(cells[3].kind == CELL_BLOB && cells[3].bytes.len == 0);
        assert_true(cells[4].kind == CELL_NULL);
    }
    assert_int_equal(spool_get(&spool, cells, 5), SPOOL_END);
    spool_finish(&spool);
    spool_finish(&spool);
}

static void a_full_spool_keeps_what_it_has(void **state)
{
    const struct cell row = { .kind = CELL_TEXT, .bytes = view_of("0123456789", 10) };
    struct spool spool;
    struct failure f;
    struct cell cell;
    int rows = 0;

    (void)state;
    spool_init(&spool, 100, NULL);
    while (spool_put(&spool, &row, 1) == 0) {
        rows++;
    }
    assert_int_equal(rows, 3);
    assert_int_equal(spool_put(&spool, &row, 1), BUF_FULL);
    (void)spool_fail(&spool, BUF_FULL, &f);
    assert_string_equal(f.sqlstate, "53200");
    assert_string_equal(failure_get(&f, FIELD_DETAIL),
                        "The rows that an open cursor has left need more than 100 bytes.");
    assert_non_null(strstr(failure_get(&f, FIELD_HINT), "work_mem"));
    for (int i = 0; i < rows; i++) {
        assert_int_equal(spool_get(&spool, &cell, 1), 0);
    }
    assert_int_equal(spool_get(&spool, &cell, 1), SPOOL_END);
    spool_finish(&spool);
}

static void without_memory_nothing_is_put(void **state)
{
    const struct cell row = { .kind = CELL_NULL };
    struct spool spool;
    struct cell cell;

    (void)state;
    spool_init(&spool, 0, NULL);
    mem_fail_at(1, false);
    assert_int_equal(spool_put(&spool, &row, 1), -ENOMEM);
    mem_fail_at(0, false);
    assert_int_equal(spool_get(&spool, &cell, 1), SPOOL_END);
    assert_int_equal(spool_put(&spool, &row, 1), 0);
    assert_int_equal(spool_get(&spool, &cell, 1), 0);
    spool_finish(&spool);
}

static void a_seekable_one_goes_back(void **state)
{
    struct spool spool;
    struct cell cell;

    (void)state;
    spool_init(&spool, 0, NULL);
    spool_set_seekable(&spool);
    spool_seek(&spool, 0);
    assert_int_equal(spool_get(&spool, &cell, 1), SPOOL_END);
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
        assert_int_equal(spool_get(&spool, &cell, 1), 0);
        assert_true(i % 2 == 0 ? cell.i == (int64_t)i : cell.bytes.len == i % 10);
    }
    spool_seek(&spool, 100);
    assert_int_equal(spool_get(&spool, &cell, 1), SPOOL_END);
    spool_finish(&spool);
}

/* ---- with a file ---- */

/* Row n of a random result: a number, and bytes whose length is mostly small. */
static void row_of(uint64_t seed, uint64_t n, uint8_t *bytes, struct cell *ret_cells)
{
    uint64_t random = seed ^ (n * 0x9e3779b97f4a7c15U);
    uint32_t dice = rnd_below(&random, 1000);
    uint32_t len = rnd_below(&random, dice == 0 ? 300000 : dice < 20 ? 20000 : 200);

    memset(bytes, (int)(n % 251), len);
    ret_cells[0] = (struct cell){ .kind = CELL_INT, .i = (int64_t)n };
    ret_cells[1] = (struct cell){ .kind = CELL_BLOB, .bytes = view_of(bytes, len) };
}

enum { row_bytes_most = 300000 };

static void assert_row(uint64_t seed, uint64_t n, const struct cell *cells)
{
    uint8_t *bytes = malloc(row_bytes_most);
    struct cell wanted[2];

    row_of(seed, n, bytes, wanted);
    assert_true(cells[0].kind == CELL_INT && cells[0].i == wanted[0].i);
    assert_true(cells[1].kind == CELL_BLOB && view_equal(cells[1].bytes, wanted[1].bytes));
    free(bytes);
}

static void put_row(struct spool *spool, uint64_t seed)
{
    uint8_t *bytes = malloc(row_bytes_most);
    struct cell cells[2];

    row_of(seed, spool->rows, bytes, cells);
    assert_int_equal(spool_put(spool, cells, 2), 0);
    free(bytes);
}

static void random_steps(uint64_t seed, bool seekable, size_t memory)
{
    struct tempfile_room room = { .limit = 1 << 30 };
    struct spool spool;
    struct cell cells[2];
    uint64_t random = seed;
    uint64_t at = 0;

    spool_init(&spool, memory, &room);
    if (seekable) {
        spool_set_seekable(&spool);
    }
    for (int i = 0; i < 3000; i++) {
        uint32_t dice = rnd_below(&random, 100);

        if (dice < 60) {
            put_row(&spool, seed);
        } else if (dice < 70 && seekable) {
            at = dice < 65 && at > 1 ? at - 2 : rnd_below(&random, (uint32_t)spool.rows + 1);
            spool_seek(&spool, at);
        } else if (at < spool.rows) {
            assert_int_equal(spool_get(&spool, cells, 2), 0);
            assert_row(seed, at++, cells);
        }
        assert_true(spool.tail.cap <= (memory > 262144 ? memory : 262144) + row_bytes_most);
    }
    assert_true(tempfile_bytes(spool.file) > 0 && room.used == tempfile_bytes(spool.file));
    for (; at < spool.rows; at++) {
        assert_int_equal(spool_get(&spool, cells, 2), 0);
        assert_row(seed, at, cells);
    }
    assert_int_equal(spool_get(&spool, cells, 2), SPOOL_END);
    assert_true((spool.file == NULL) == !seekable); /* what was read need not be kept */
    spool_finish(&spool);
    assert_int_equal(room.used, 0);
}

static void random_rows_come_back_from_the_file(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (unsigned i = 0; i < test_rounds(2); i++) {
        random_steps(seed + i, true, 1 + (seed + i) % 1000);
        random_steps(seed + i, true, 100000);
        random_steps(seed + i, false, 1);
        random_steps(seed + i, false, 400000);
    }
}

static void fill(struct spool *spool, uint64_t rows)
{
    while (spool->rows < rows) {
        const struct cell row = { .kind = CELL_INT, .i = (int64_t)spool->rows };

        assert_int_equal(spool_put(spool, &row, 1), 0);
    }
}

static void it_may_be_read_backward(void **state)
{
    struct tempfile_room room = { .limit = 1 << 30 };
    struct spool spool;
    struct cell cell;

    (void)state;
    spool_init(&spool, 4096, &room);
    spool_set_seekable(&spool);
    fill(&spool, 200000);
    assert_true(spool.starts.len <= 4096 * sizeof(uint64_t)); /* however many rows there are */
    for (uint64_t i = spool.rows; i-- > 0;) {
        spool_seek(&spool, i);
        assert_int_equal(spool_get(&spool, &cell, 1), 0);
        assert_int_equal(cell.i, i);
    }
    spool_finish(&spool);
}

static void past_the_limit_it_keeps_what_it_has(void **state)
{
    struct tempfile_room room = { .limit = 10000 };
    struct spool spool;
    struct cell cell = { .kind = CELL_INT };
    uint64_t rows = 0;

    (void)state;
    spool_init(&spool, 1000, &room);
    for (cell.i = 0; spool_put(&spool, &cell, 1) == 0; cell.i++) {
        rows++;
    }
    assert_true(rows > 600 && room.used <= 10000);
    assert_int_equal(spool_put(&spool, &cell, 1), TEMPFILE_FULL);
    for (uint64_t i = 0; i < rows; i++) {
        assert_int_equal(spool_get(&spool, &cell, 1), 0);
        assert_int_equal(cell.i, i);
    }
    assert_int_equal(spool_get(&spool, &cell, 1), SPOOL_END);
    spool_finish(&spool);
}

/* The file begins before the cap where the account says no. */
static void short_of_memory_it_goes_to_the_file(void **state)
{
    struct account account = { .limit = 300000 };
    struct account *was = account_swap(&account);
    struct tempfile_room room = { .limit = 1 << 30 };
    struct spool spool;
    struct cell cell;

    (void)state;
    spool_init(&spool, 4 << 20, &room);
    fill(&spool, 100000);
    assert_true(spool.file != NULL);
    account.limit = 600000; /* a block that is read, beside one that is written */
    for (int64_t i = 0; i < 100000; i++) {
        assert_int_equal(spool_get(&spool, &cell, 1), 0);
        assert_int_equal(cell.i, i);
    }
    spool_finish(&spool);
    account_swap(was);
    account_finish(&account);
}

/* Puts rows and reads them, backward too; each step is tried again when it fails. Gives how often
 * one did. */
static unsigned work_through_faults(struct spool *spool)
{
    struct cell cell = { .kind = CELL_INT };
    unsigned failures = 0;

    for (int64_t i = 0; i < 5000; i++) {
        cell.i = i;
        for (int r; (r = spool_put(spool, &cell, 1)) != 0; failures++) {
            assert_true(r == -ENOMEM || r == -ENOSPC);
        }
    }
    for (int64_t i = 4999; i >= 0; i -= 777) {
        spool_seek(spool, (uint64_t)i);
        for (int r; (r = spool_get(spool, &cell, 1)) != 0; failures++) {
            assert_true(r == -ENOMEM || r == -ENOSPC);
        }
        assert_int_equal(cell.i, i);
    }
    return failures;
}

static void each_fault_once(bool (*inject)(unsigned n))
{
    struct tempfile_room room = { .limit = 1 << 30 };
    bool hit = true;

    for (unsigned n = 1; hit; n++) {
        struct spool spool;

        spool_init(&spool, 5000, &room);
        spool_set_seekable(&spool);
        (void)inject(n);
        unsigned failures = work_through_faults(&spool);
        hit = inject(0);
        assert_true(failures <= hit); /* a growing buffer's is made good by the file */
        assert_true(hit || n > 5);
        spool_finish(&spool);
        assert_int_equal(room.used, 0);
    }
}

static bool memory_fault(unsigned n)
{
    bool hit = mem_fail_hit();

    mem_fail_at(n, false);
    return hit;
}

static bool disk_fault(unsigned n)
{
    return tempfile_fail_at(n, ENOSPC);
}

static void after_each_fault_it_goes_on(void **state)
{
    (void)state;
    each_fault_once(memory_fault);
    each_fault_once(disk_fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_in_order),
        cmocka_unit_test(a_seekable_one_goes_back),
        cmocka_unit_test(a_full_spool_keeps_what_it_has),
        cmocka_unit_test(without_memory_nothing_is_put),
        cmocka_unit_test(random_rows_come_back_from_the_file),
        cmocka_unit_test(it_may_be_read_backward),
        cmocka_unit_test(past_the_limit_it_keeps_what_it_has),
        cmocka_unit_test(short_of_memory_it_goes_to_the_file),
        cmocka_unit_test(after_each_fault_it_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
