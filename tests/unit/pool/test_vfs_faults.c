/* Every allocation that a piece of work asks for is failed once, alone and with all that follow;
 * and the clone is full at each page in turn. Each time: nothing leaks, nothing is lost, another
 * connection sees the same, and the image is whole. The sites are counted by running until none is
 * hit any more. */
#include "support_vfs.h"

#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/vfs.h"

#include <string.h>

/* Each step commits at once, or not at all; the cache is tiny, so that pages are spilled in the
 * middle. */
static const char *const steps[] = {
    "UPDATE item SET pad=zeroblob(200) WHERE id<=20",
    "CREATE TABLE made(x PRIMARY KEY, y) WITHOUT ROWID",
    "INSERT INTO made SELECT id, pad FROM item WHERE id<=30",
    "BEGIN; SAVEPOINT s; DELETE FROM item; ROLLBACK TO s; DELETE FROM item WHERE id>50; COMMIT",
    "DROP TABLE made",
    "VACUUM",
};
enum { step_count = ARRAY_LEN(steps), memory_step = 1024 };

static struct template *base;
static char *expected[step_count + 1]; /* dumps: before the first step, after each */

static int make_base(void **state)
{
    if (setup_sqlite(state) != SQLITE_OK) {
        return -1;
    }
    base = template_of("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, pad BLOB);"
                       "CREATE INDEX item_name ON item(name);"
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 60)"
                       "INSERT INTO item SELECT i, 'name ' || i, zeroblob(100) FROM n;");
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);
    expected[0] = db_dump(db);
    for (size_t i = 0; i < step_count; i++) {
        db_exec(db, steps[i]);
        expected[i + 1] = db_dump(db);
    }
    sqlite3_close(db);
    clone_unref(clone);
    return 0;
}

static int drop_base(void **state maybe_unused)
{
    for (size_t i = 0; i <= step_count; i++) {
        sqlite3_free(expected[i]);
    }
    template_unref(base);
    return 0;
}

static void assert_before_or_after(sqlite3 *db, size_t step)
{
    char *dump = db_dump(db);

    if (strcmp(dump, expected[step]) != 0 && strcmp(dump, expected[step + 1]) != 0) {
        fail_msg("neither before nor after step %zu:\n%s", step, dump);
    }
    sqlite3_free(dump);
}

static void assert_full_or_no_memory(int rc)
{
    assert_true((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM || rc == SQLITE_FULL);
}

/* A clone, a connection that works and one that looks on, each with an account of its own. */
struct stage {
    struct account daemon, worker;
    struct clone *clone;
    sqlite3 *onlooker;
    sqlite3 *db;
};

static void stage_make(struct stage *s, size_t memory)
{
    struct clone_limits limits = { .memory = memory, .parent = &s->daemon };

    assert_int_equal(clone_create(base, &limits, &s->clone), 0);
    s->onlooker = db_open(s->clone);
    assert_int_equal(db_int(s->onlooker, "SELECT count(*) FROM item"), 60);
}

/* 0 or SQLite's code: opens and runs all steps; *ret_step is the one that was not finished. */
static int stage_work(struct stage *s, size_t *ret_step)
{
    struct account *was = account_swap(&s->worker);
    int rc = vfs_open_clone(s->clone, &s->db);

    *ret_step = 0;
    rc = rc == SQLITE_OK ? db_try(s->db, "PRAGMA cache_size=1") : rc;
    while (rc == SQLITE_OK && *ret_step < step_count) {
        rc = db_try(s->db, steps[*ret_step]);
        *ret_step += rc == SQLITE_OK;
    }
    account_swap(was);
    return rc;
}

/* Whatever happened: both connections say the same, work goes on, and all is given back at the end.
 */
static void stage_check(struct stage *s, int rc, size_t step)
{
    if (rc != SQLITE_OK) {
        assert_full_or_no_memory(rc);
        if (s->db != NULL) {
            db_try(s->db, "ROLLBACK");
            assert_true(sqlite3_get_autocommit(s->db));
        }
        assert_null(s->clone->writer);
        assert_before_or_after(s->onlooker, step);
        if (s->db != NULL) {
            char *dump = db_dump(s->onlooker);
            char *own = db_dump(s->db);
            assert_string_equal(own, dump);
            sqlite3_free(own);
            sqlite3_free(dump);
        }
    } else {
        assert_int_equal(step, step_count);
        assert_before_or_after(s->onlooker, step - 1);
    }
}

static void stage_drop(struct stage *s)
{
    assert_int_equal(sqlite3_close(s->db), SQLITE_OK);
    assert_int_equal(sqlite3_close(s->onlooker), SQLITE_OK);
    clone_unref(s->clone);
    assert_int_equal(atomic_load(&s->worker.used), 0);
    assert_int_equal(atomic_load(&s->daemon.used), 0);
}

static void fail_every_allocation(bool forever)
{
    size_t before = mem_used_total();
    uint64_t site = 0;
    bool hit;

    do {
        struct stage s = { 0 };
        size_t step = 0;

        stage_make(&s, 0);
        mem_fail_at(++site, forever);
        int rc = stage_work(&s, &step);
        hit = mem_fail_hit();
        mem_fail_at(0, false);
        stage_check(&s, rc, step);
        stage_drop(&s);
        assert_int_equal(mem_used_total(), before);
    } while (hit);
    print_message("%llu allocation sites\n", (unsigned long long)site - 1);
    assert_true(site > 500);
}

static void test_every_allocation_fails_once(void **state maybe_unused)
{
    fail_every_allocation(false);
}

static void test_every_allocation_fails_once_and_all_after_it(void **state maybe_unused)
{
    fail_every_allocation(true);
}

static void test_the_clone_is_full_at_every_page(void **state maybe_unused)
{
    size_t before = mem_used_total();
    size_t memory = 0;
    unsigned met = 0;
    int rc;

    do {
        struct stage s = { 0 };
        size_t step = 0;

        memory += memory_step;
        stage_make(&s, memory);
        rc = stage_work(&s, &step);
        assert_true(rc == SQLITE_OK || rc == SQLITE_FULL);
        met += rc == SQLITE_FULL;
        stage_check(&s, rc, step);
        stage_drop(&s);
        assert_int_equal(mem_used_total(), before);
    } while (rc != SQLITE_OK);
    print_message("full at %u sizes\n", met);
    assert_true(met > 20);
}

/* The page itself, its nodes and the session's memory are three accounts: each may be the one that
 * is over. */
static void test_a_daemon_over_its_memory_fails_the_statement_only(void **state maybe_unused)
{
    size_t limit = 0;
    int rc;

    do {
        struct stage s = { 0 };
        size_t step = 0;

        limit += memory_step;
        stage_make(&s, 0);
        s.daemon.limit = atomic_load(&s.daemon.used) + limit;
        rc = stage_work(&s, &step);
        assert_true(rc == SQLITE_OK || (rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM);
        s.daemon.limit = 0;
        stage_check(&s, rc, step);
        stage_drop(&s);
    } while (rc != SQLITE_OK);
    assert_true(limit > 20 * memory_step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_once),
        cmocka_unit_test(test_every_allocation_fails_once_and_all_after_it),
        cmocka_unit_test(test_the_clone_is_full_at_every_page),
        cmocka_unit_test(test_a_daemon_over_its_memory_fails_the_statement_only),
    };
    return cmocka_run_group_tests(tests, make_base, drop_base);
}
