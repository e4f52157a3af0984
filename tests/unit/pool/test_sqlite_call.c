/* pool/sqlite_call.h: what becomes of a copy when something happens in the middle of it. */
#include "support_vfs.h"

#include "pool/sqlite_call.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { rows = 4000 }; /* a page each: several steps of a copy */

static char dir[] = "/tmp/pond-sqlite-call-XXXXXX";
static char path[64];

/* ---- a file system that does something at one of its reads ---- */

static struct {
    sqlite3_vfs vfs;
    const sqlite3_vfs *real;
    sqlite3_io_methods methods;
    const sqlite3_io_methods *real_methods;
    int reads;
    int at; /* the read before which it is done */
    void (*what)(void);
} watched;

static int read_watched(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
    if (++watched.reads == watched.at) {
        watched.what();
    }
    return watched.real_methods->xRead(file, to, n, offset);
}

static int open_watched(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    int rc =
        watched.real->xOpen((sqlite3_vfs *)(uintptr_t)watched.real, name, file, flags, ret_flags);

    (void)vfs;
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
        watched.real_methods = file->pMethods;
        watched.methods = *file->pMethods;
        watched.methods.xRead = read_watched;
        file->pMethods = &watched.methods;
    }
    return rc;
}

static void nothing(void)
{
}

static void at_read(int number, void (*what)(void))
{
    watched.reads = 0;
    watched.at = number;
    watched.what = what;
}

/* ---- set-up ---- */

static int make_dir(void **state)
{
    if (mkdtemp(dir) == NULL || setup_sqlite(state) != 0) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/from.db", dir);
    watched.real = sqlite3_vfs_find(NULL);
    watched.vfs = *watched.real;
    watched.vfs.zName = "watched";
    watched.vfs.xOpen = open_watched;
    return sqlite3_vfs_register(&watched.vfs, 0);
}

static int drop_dir(void **state maybe_unused)
{
    sqlite3_vfs_unregister(&watched.vfs);
    return rmdir(dir);
}

static sqlite3 *open_file(const char *vfs)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                     SQLITE_OK);
    return db;
}

static sqlite3 *open_empty(void)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    return db;
}

/* Somebody else's connection to the file, whose reads are not watched. */
static sqlite3 *other;
static sqlite3 *from;
static sqlite3 *to;

static int begin(void **state maybe_unused)
{
    at_read(INT_MAX, nothing);
    other = open_file(NULL);
    db_exec(other, "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, x)");
    db_execf(other,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
             "INSERT INTO t SELECT i, zeroblob(3500) FROM n; PRAGMA wal_checkpoint(TRUNCATE)",
             rows);
    from = open_file("watched");
    db_exec(from, "PRAGMA mmap_size=0"); /* else nothing is read */
    to = open_empty();
    db_exec(to, "CREATE TABLE was(x); INSERT INTO was VALUES(42)");
    return 0;
}

static int end(void **state maybe_unused)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

    sqlite3_close(to);
    sqlite3_close(from);
    sqlite3_close(other);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char name[80];

        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return 0;
}

/* ---- copies ---- */

static void test_a_copy_of_many_steps_is_whole(void **state maybe_unused)
{
    assert_int_equal(sqlite_copy(to, from, NULL), SQLITE_OK);
    assert_integrity(to);
    assert_int_equal(db_int(to, "SELECT count(*) FROM t"), rows);
    assert_int_equal(db_int(to, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_true(watched.reads > rows);
}

static _Atomic bool stop;

static void set_stop(void)
{
    atomic_store(&stop, true);
}

static void test_a_copy_ends_soon_when_it_is_told_to_and_nothing_was_copied(
    void **state maybe_unused)
{
    atomic_store(&stop, false);
    at_read(rows / 2, set_stop);
    assert_int_equal(sqlite_copy(to, from, &stop), SQLITE_INTERRUPT);
    assert_true(watched.reads >= rows / 2);
    assert_true(watched.reads < rows * 3 / 4);
    assert_integrity(to);
    assert_int_equal(db_int(to, "SELECT x FROM was"), 42);
    atomic_store(&stop, false);
    assert_int_equal(sqlite_copy(to, from, &stop), SQLITE_OK); /* both can be used again */
    assert_int_equal(db_int(to, "SELECT count(*) FROM t"), rows);
}

static void write_beside(void)
{
    db_exec(other, "INSERT INTO t VALUES(0, 'new')");
}

/* One who always wrote would have it begin anew for ever. */
static void test_a_copy_is_of_one_moment_whoever_writes_meanwhile(void **state maybe_unused)
{
    at_read(rows / 2, write_beside);
    assert_int_equal(sqlite_copy(to, from, NULL), SQLITE_OK);
    assert_integrity(to);
    assert_int_equal(db_int(to, "SELECT count(*) FROM t"), rows);
    assert_int_equal(db_int(other, "SELECT count(*) FROM t"), rows + 1);
    assert_int_equal(db_int(from, "SELECT count(*) FROM t"), rows + 1); /* it has let go */
}

/* SQLite's sqlite3_backup_finish() takes it for no error. */
static void test_a_file_that_is_locked_is_not_taken_for_copied(void **state maybe_unused)
{
    db_exec(other, "PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE");
    assert_int_equal(sqlite_copy(to, from, NULL), SQLITE_BUSY);
    assert_int_equal(db_int(to, "SELECT x FROM was"), 42);
    db_exec(other, "COMMIT");
    assert_int_equal(sqlite_copy(to, from, NULL), SQLITE_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_a_copy_of_many_steps_is_whole),
        TEST(test_a_copy_ends_soon_when_it_is_told_to_and_nothing_was_copied),
        TEST(test_a_copy_is_of_one_moment_whoever_writes_meanwhile),
        TEST(test_a_file_that_is_locked_is_not_taken_for_copied),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
