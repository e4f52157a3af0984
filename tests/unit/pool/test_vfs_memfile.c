/* pool/vfs_memfile.h */
#include "support_vfs.h"

#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "pool/vfs_memfile.h"

#include <stdlib.h>
#include <string.h>

enum { model_bytes = 300000 };

static sqlite3_file *open_memfile(struct vfs_memfile *file)
{
    vfs_memfile_open(file, false);
    return &file->base;
}

static void test_what_was_written_is_read(void **state maybe_unused)
{
    struct vfs_memfile memfile;
    sqlite3_file *file = open_memfile(&memfile);
    sqlite3_int64 size = -1;
    char back[8];

    assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    assert_int_equal(size, 0);
    assert_int_equal(file->pMethods->xWrite(file, "hello", 5, 99998), SQLITE_OK);
    assert_int_equal(file->pMethods->xRead(file, back, 7, 99996), SQLITE_OK);
    assert_memory_equal(back, "\0\0hello", 7);
    assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    assert_int_equal(size, 100003);
    assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
}

static void test_a_read_past_the_end_is_short_and_zeroed(void **state maybe_unused)
{
    struct vfs_memfile memfile;
    sqlite3_file *file = open_memfile(&memfile);
    char back[6] = "xxxxx";

    assert_int_equal(file->pMethods->xWrite(file, "abc", 3, 0), SQLITE_OK);
    assert_int_equal(file->pMethods->xRead(file, back, 5, 1), SQLITE_IOERR_SHORT_READ);
    assert_memory_equal(back, "bc\0\0\0", 5);
    assert_int_equal(file->pMethods->xRead(file, back, 5, 1000000), SQLITE_IOERR_SHORT_READ);
    assert_memory_equal(back, "\0\0\0\0\0", 5);
    file->pMethods->xClose(file);
}

static void test_no_memory_is_said_and_nothing_is_lost(void **state maybe_unused)
{
    struct account account = { 0 };
    struct account *was = account_swap(&account);
    struct vfs_memfile memfile;
    sqlite3_file *file = open_memfile(&memfile);
    uint64_t site = 0;
    sqlite3_int64 size = 0;
    char back[3];
    int rc;

    assert_int_equal(file->pMethods->xWrite(file, "abc", 3, 0), SQLITE_OK);
    do {
        mem_fail_at(++site, false);
        rc = file->pMethods->xWrite(file, "far", 3, 1000000);
        mem_fail_at(0, false);
        file->pMethods->xFileSize(file, &size);
        assert_int_equal(size, rc == SQLITE_OK ? 1000003 : 3);
        assert_int_equal(file->pMethods->xRead(file, back, 3, 0), SQLITE_OK);
        assert_memory_equal(back, "abc", 3);
    } while (rc == SQLITE_IOERR_NOMEM);
    assert_int_equal(rc, SQLITE_OK);
    assert_true(site > 2);
    file->pMethods->xClose(file);
    account_swap(was);
    assert_int_equal(atomic_load(&account.used), 0);
}

static void test_random_writes_agree_with_plain_bytes(void **state maybe_unused)
{
    uint64_t seed = test_seed();
    unsigned rounds = test_rounds(2000);
    struct vfs_memfile memfile;
    sqlite3_file *file = open_memfile(&memfile);
    uint8_t *model = mem_zalloc(model_bytes);
    uint8_t *back = mem_alloc(model_bytes);
    size_t size = 0;

    for (unsigned round = 0; round < rounds; round++) {
        size_t at = rnd_below(&seed, model_bytes);
        size_t len = rnd_below(&seed, (uint32_t)(model_bytes - at) % 70000 + 1);

        if (rnd_below(&seed, 10) == 0) {
            assert_int_equal(file->pMethods->xTruncate(file, (sqlite3_int64)at), SQLITE_OK);
            size = at < size ? at : size;
            memset(model + size, 0, model_bytes - size);
        } else {
            memset(back, (int)round | 1, len);
            memcpy(model + at, back, len);
            assert_int_equal(file->pMethods->xWrite(file, back, (int)len, (sqlite3_int64)at),
                             SQLITE_OK);
            size = len > 0 && at + len > size ? at + len : size;
        }
        at = rnd_below(&seed, model_bytes);
        len = rnd_below(&seed, (uint32_t)(model_bytes - at) + 1);
        int rc = file->pMethods->xRead(file, back, (int)len, (sqlite3_int64)at);
        assert_int_equal(rc, len == 0 || at + len <= size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
        assert_memory_equal(back, model + at, len);
    }
    file->pMethods->xClose(file);
    mem_free(model);
    mem_free(back);
}

struct long_writer {
    struct clock_manual *clock;
    struct vfs_memfile file;
    char log[8]; /* who ran */
    size_t logged;
};

static void write_past_the_slice(void *arg)
{
    struct long_writer *w = arg;

    assert_int_equal(w->file.base.pMethods->xWrite(&w->file.base, "a", 1, 0), SQLITE_OK);
    w->log[w->logged++] = 'a';
    clock_manual_advance(w->clock, 2000);
    assert_int_equal(w->file.base.pMethods->xWrite(&w->file.base, "b", 1, 1), SQLITE_OK);
    w->log[w->logged++] = 'b';
}

static void note_other(void *arg)
{
    struct long_writer *w = arg;

    w->log[w->logged++] = 'o';
}

/* Which order a writer and another task run in. */
static void run_beside(bool gives_turn, const char *want)
{
    struct clock_manual clock;
    struct long_writer w = { .clock = &clock };
    struct loop *loop;

    clock_manual_init(&clock, 1000);
    assert_int_equal(
        loop_create(&(struct loop_options){ .clock = &clock.clock, .time_slice_us = 1000 }, &loop),
        0);
    vfs_memfile_open(&w.file, gives_turn);
    assert_int_equal(task_spawn(loop, "writer", write_past_the_slice, &w, NULL), 0);
    assert_int_equal(task_spawn(loop, "other", note_other, &w, NULL), 0);
    assert_int_equal(loop_run_until_idle(loop), 0);
    assert_string_equal(w.log, want);
    w.file.base.pMethods->xClose(&w.file.base);
    loop_destroy(loop);
}

static void test_a_write_past_the_slice_gives_up_the_turn(void **state maybe_unused)
{
    run_beside(true, "aob");
    run_beside(false, "abo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_a_read_past_the_end_is_short_and_zeroed),
        cmocka_unit_test(test_no_memory_is_said_and_nothing_is_lost),
        cmocka_unit_test(test_a_write_past_the_slice_gives_up_the_turn),
        cmocka_unit_test(test_random_writes_agree_with_plain_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
