/* pool/clone.h: the writer's line, and roots that were not published: reset, mark, rewind. */
#include "support_vfs.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/vfs.h"

#include <errno.h>
#include <string.h>

static struct template *base;

static int make_base(void **state)
{
    int rc = setup_sqlite(state);

    base = rc == SQLITE_OK ? template_of("CREATE TABLE a(x); INSERT INTO a VALUES('template');"
                                         "CREATE TABLE b(y); INSERT INTO b VALUES('other');")
                           : NULL;
    return rc;
}

static int drop_base(void **state maybe_unused)
{
    template_unref(base);
    return 0;
}

static void assert_rows(sqlite3 *db, const char *sql, const char *expected)
{
    char *rows = db_rows(db, sql);

    assert_string_equal(rows, expected);
    sqlite3_free(rows);
}

/* ---- life ---- */

static void test_a_clone_without_memory_leaves_nothing(void **state maybe_unused)
{
    size_t before = mem_used_total();
    struct clone *clone = NULL;
    uint64_t site = 0;
    int rc;

    do {
        mem_fail_at(++site, false);
        rc = clone_create(base, NULL, &clone);
        mem_fail_at(0, false);
        if (rc < 0) {
            assert_int_equal(rc, -ENOMEM);
            assert_int_equal(mem_used_total(), before);
        }
    } while (rc < 0);
    assert_int_equal(site, 3);
    clone_unref(clone);
    clone_unref(NULL);
    assert_int_equal(mem_used_total(), before);
}

static void test_own_pages_are_charged_to_the_parent(void **state maybe_unused)
{
    struct account daemon = { 0 };
    struct clone_limits limits = { .parent = &daemon };
    struct clone *clone = NULL;

    assert_int_equal(clone_create(base, &limits, &clone), 0);
    size_t empty = atomic_load(&daemon.used);
    sqlite3 *db = db_open(clone);
    db_exec(db, "INSERT INTO a VALUES(1)");
    assert_int_equal(atomic_load(&daemon.used), empty + clone_own_bytes(clone));
    sqlite3_close(db);
    clone_unref(clone);
    assert_int_equal(atomic_load(&daemon.used), 0);
}

/* ---- the writer's place ---- */

struct waiter {
    struct clone *clone;
    int64_t deadline_us;
    struct task *task;
    int rc;
    int place;                  /* in which order they had it */
    const struct waiter *until; /* how long the holder holds it */
};
static int places_given;

static void wait_and_release(void *arg)
{
    struct waiter *w = arg;

    w->rc = clone_await_writer(w->clone, w, w->deadline_us);
    if (w->rc == 0) {
        w->place = ++places_given;
        /* Others try meanwhile. */
        assert_int_equal(await_turn(), 0);
        assert_true(clone_has_writer(w->clone, w));
        clone_release_writer(w->clone, w);
    }
}

static void test_the_writers_place_is_given_first_come_first_served(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    struct loop *loop = NULL;
    struct waiter waiters[5];

    assert_int_equal(loop_create(NULL, &loop), 0);
    places_given = 0;
    for (size_t i = 0; i < ARRAY_LEN(waiters); i++) {
        waiters[i] = (struct waiter){ .clone = clone, .deadline_us = DEADLINE_NONE, .rc = 1 };
        assert_int_equal(task_spawn(loop, "waiter", wait_and_release, &waiters[i], NULL), 0);
    }
    assert_int_equal(loop_run_until_idle(loop), 0);
    for (size_t i = 0; i < ARRAY_LEN(waiters); i++) {
        assert_int_equal(waiters[i].rc, 0);
        assert_int_equal(waiters[i].place, i + 1);
    }
    assert_true(line_is_empty(clone_writers(clone)));
    loop_destroy(loop);
    clone_unref(clone);
}

static void hold_for_a_while(void *arg)
{
    struct waiter *w = arg;

    assert_int_equal(clone_await_writer(w->clone, w, DEADLINE_NONE), 0);
    assert_int_equal(clone_await_writer(w->clone, w, DEADLINE_NONE), 0); /* has it already */
    while (w->until->rc == 1) { /* whatever the machine does meanwhile */
        assert_int_equal(await_turn(), 0);
    }
    clone_release_writer(w->clone, NULL);
    clone_release_writer(w->clone, "nobody");
    assert_true(clone_has_writer(w->clone, w));
    clone_release_writer(w->clone, w);
    assert_false(clone_has_writer(w->clone, w));
    w->rc = 0;
}

static void test_a_waiter_leaves_at_his_deadline_without_a_trace(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    struct loop *loop = NULL;

    assert_int_equal(loop_create(NULL, &loop), 0);
    int64_t now = loop_now_us(loop);
    struct waiter late = { .clone = clone, .deadline_us = now + 1000, .rc = 1 };
    struct waiter holder = { .clone = clone, .until = &late, .rc = 1 };
    struct waiter patient = { .clone = clone, .deadline_us = DEADLINE_NONE, .rc = 1 };
    assert_int_equal(task_spawn(loop, "holder", hold_for_a_while, &holder, NULL), 0);
    assert_int_equal(task_spawn(loop, "late", wait_and_release, &late, NULL), 0);
    assert_int_equal(task_spawn(loop, "patient", wait_and_release, &patient, NULL), 0);
    assert_int_equal(loop_run_until_idle(loop), 0);
    assert_int_equal(holder.rc, 0);
    assert_int_equal(late.rc, -ETIMEDOUT);
    assert_int_equal(patient.rc, 0);
    assert_null(clone->holder);
    loop_destroy(loop);
    clone_unref(clone);
}

/* ---- reset, mark, rewind ---- */

static void test_a_reset_clone_is_the_template_again(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);

    db_exec(db, "INSERT INTO a VALUES('mine'); CREATE TABLE c(z); CREATE INDEX i ON a(x)");
    assert_false(clone_schema_is_templates(clone));
    assert_int_equal(clone_reset(clone), 0);
    assert_true(clone_schema_is_templates(clone));
    assert_rows(db, "SELECT * FROM a", "template\n");
    assert_int_equal(db_try(db, "SELECT * FROM c"), SQLITE_ERROR);
    assert_integrity(db);
    db_exec(db, "CREATE TABLE c(other)");
    assert_false(clone_schema_is_templates(clone));
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_resetting_an_untouched_clone_costs_nothing(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);

    db_int(db, "SELECT count(*) FROM a");
    mem_fail_at(1, true);
    assert_int_equal(clone_reset(clone), 0);
    mem_fail_at(0, false);
    assert_int_equal(clone->version, 0);
    assert_int_equal(clone_own_bytes(clone), 0);
    sqlite3_close(db);
    clone_unref(clone);
}

/* Unpatched, a cached statement on a dropped table returns another table's rows. */
static void test_a_cached_statement_never_reads_another_roots_pages(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);
    sqlite3 *other = db_open(clone);
    sqlite3_stmt *cached = NULL;

    db_exec(db, "CREATE TABLE one(v); INSERT INTO one VALUES('one')");
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT v FROM one", -1, &cached, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(cached), SQLITE_ROW);
    sqlite3_reset(cached);
    assert_int_equal(clone_reset(clone), 0);
    db_exec(other, "CREATE TABLE two(v); INSERT INTO two VALUES('two')");
    assert_int_equal(sqlite3_step(cached), SQLITE_ERROR); /* no such table */
    sqlite3_finalize(cached);
    assert_rows(db, "SELECT * FROM two", "two\n");
    sqlite3_close(db);
    sqlite3_close(other);
    clone_unref(clone);
}

static int reprepared(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    assert_int_equal(rc, SQLITE_ROW);
    sqlite3_reset(stmt);
    return sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 1);
}

static void test_a_reset_without_a_schema_change_keeps_parsed_schemas(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_prepare_v2(db, "SELECT max(rowid) FROM a", -1, &stmt, NULL), 0);
    for (int i = 0; i < 3; i++) {
        db_exec(db, "INSERT INTO a VALUES('mine')");
        assert_int_equal(clone_reset(clone), 0);
        assert_int_equal(reprepared(stmt), 0);
        assert_int_equal(db_int(db, "SELECT count(*) FROM a"), 1);
    }
    /* Once more after a change, and then never again until the next. */
    db_exec(db, "CREATE TABLE c(z)");
    reprepared(stmt);
    assert_int_equal(clone_reset(clone), 0);
    assert_int_equal(reprepared(stmt), 1);
    for (int i = 0; i < 3; i++) {
        db_exec(db, "INSERT INTO a VALUES('mine')");
        assert_int_equal(clone_reset(clone), 0);
        assert_int_equal(reprepared(stmt), 0);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_the_two_counters_of_page_1_stay_equal(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);

    db_exec(db, "INSERT INTO a VALUES(1); INSERT INTO a VALUES(2)");
    uint32_t published = clone->counter_max;
    assert_int_equal(clone_reset(clone), 0);
    const uint8_t *page1 = pagemap_get(&clone->root, 1)->data;
    assert_int_equal(page1_get(page1, page1_counter), published + 1);
    assert_int_equal(page1_get(page1, page1_valid_for), published + 1);
    db_exec(db, "INSERT INTO a VALUES(3)");
    page1 = pagemap_get(&clone->root, 1)->data;
    assert_int_equal(page1_get(page1, page1_counter), published + 2);
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_a_mark_can_be_rewound_to_again_and_again(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);
    struct clone_mark *mark = NULL;

    db_exec(db, "INSERT INTO a VALUES('marked'); CREATE TABLE c(z)");
    assert_int_equal(clone_mark(clone, &mark), 0);
    for (int i = 0; i < 3; i++) {
        db_exec(db, "DELETE FROM a; DROP TABLE c; CREATE TABLE d(z)");
        assert_int_equal(clone_rewind(clone, mark), 0);
        assert_rows(db, "SELECT * FROM a", "template\nmarked\n");
        assert_rows(db, "SELECT count(*) FROM c", "0\n");
        assert_integrity(db);
    }
    assert_int_equal(clone_reset(clone), 0);
    assert_rows(db, "SELECT * FROM a", "template\n");
    clone_mark_destroy(mark);
    clone_mark_destroy(NULL);
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_a_reader_keeps_his_pin_over_a_reset(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);
    sqlite3_stmt *stmt = NULL;

    db_exec(db, "INSERT INTO a VALUES('mine')");
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT x FROM a", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(clone_reset(clone), 0);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "mine");
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    assert_rows(db, "SELECT x FROM a", "template\n");
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_no_root_is_replaced_under_a_writer(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);
    struct clone_mark *mark = NULL;

    assert_int_equal(clone_mark(clone, &mark), 0);
    db_exec(db, "INSERT INTO a VALUES(1); BEGIN IMMEDIATE; INSERT INTO a VALUES(2)");
    assert_int_equal(clone_reset(clone), -EBUSY);
    assert_int_equal(clone_rewind(clone, mark), -EBUSY);
    db_exec(db, "COMMIT");
    assert_int_equal(clone_rewind(clone, mark), 0);
    assert_rows(db, "SELECT * FROM a", "template\n");
    clone_mark_destroy(mark);
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_a_reset_without_memory_changes_nothing(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 0);
    sqlite3 *db = db_open(clone);
    uint64_t site = 0;
    int rc;

    db_exec(db, "INSERT INTO a VALUES('mine')");
    do {
        mem_fail_at(++site, false);
        rc = clone_reset(clone);
        mem_fail_at(0, false);
        assert_rows(db, "SELECT * FROM a", rc == 0 ? "template\n" : "template\nmine\n");
    } while (rc == -ENOMEM);
    assert_int_equal(rc, 0);
    assert_true(site > 1);
    sqlite3_close(db);
    clone_unref(clone);
}

static void test_a_full_clone_can_be_reset(void **state maybe_unused)
{
    struct clone *clone = clone_of(base, 1); /* not even one page */
    sqlite3 *db = db_open(clone);

    assert_int_equal(db_try(db, "INSERT INTO a VALUES(1)"), SQLITE_FULL);
    assert_int_equal(clone_reset(clone), 0);
    assert_rows(db, "SELECT * FROM a", "template\n");
    sqlite3_close(db);
    clone_unref(clone);
}

/* ---- random: connections with caches and prepared statements, schema changes, marks, rewinds,
 * resets ---- */

enum { connections = 4, marks = 3, tables = 3, shapes = 3 };

/* What the database must say, by plain means: which shape each table has (0: it is not there) and
 * its one value. */
struct truth {
    uint32_t shape[tables];
    uint32_t value[tables];
};

struct world {
    struct clone *clone;
    sqlite3 *db[connections];
    sqlite3_stmt *stmt[connections][tables][shapes];
    struct truth now, start;
    struct clone_mark *mark[marks];
    struct truth marked[marks];
    uint64_t seed;
};

/* Each shape has columns of its own, so that a stale schema shows. */
static char *table_sql(uint32_t table, uint32_t shape, uint32_t value)
{
    static const char *const columns[] = { "v, p, q", "p, v, q", "p, q, v" };
    static const char *const values[] = { "%u, 'p', 'q'", "'p', %u, 'q'", "'p', 'q', %u" };
    char *row = sqlite3_mprintf(values[shape - 1], value);
    char *sql = sqlite3_mprintf("DROP TABLE IF EXISTS t%u; CREATE TABLE t%u(%s);"
                                "INSERT INTO t%u VALUES(%s)",
                                table, table, columns[shape - 1], table, row);

    sqlite3_free(row);
    return sql;
}

static void change_world(struct world *w)
{
    sqlite3 *db = w->db[rnd_below(&w->seed, connections)];
    uint32_t t = rnd_below(&w->seed, tables);
    uint32_t m = rnd_below(&w->seed, marks);
    uint32_t value = rnd_below(&w->seed, 1000);
    uint32_t shape = 1 + rnd_below(&w->seed, shapes);
    char *sql;

    switch (rnd_below(&w->seed, 12)) {
    case 0:
        assert_int_equal(clone_reset(w->clone), 0);
        w->now = w->start;
        break;
    case 1:
        if (w->mark[m] != NULL) {
            assert_int_equal(clone_rewind(w->clone, w->mark[m]), 0);
            w->now = w->marked[m];
        }
        break;
    case 2:
        clone_mark_destroy(w->mark[m]);
        assert_int_equal(clone_mark(w->clone, &w->mark[m]), 0);
        w->marked[m] = w->now;
        break;
    case 3:
        sql = table_sql(t, shape, value);
        db_exec(db, "BEGIN");
        db_exec(db, sql);
        db_exec(db, value % 3 == 0 ? "ROLLBACK" : "COMMIT");
        sqlite3_free(sql);
        if (value % 3 != 0) {
            w->now.shape[t] = shape;
            w->now.value[t] = value;
        }
        break;
    case 4:
        db_execf(db, "DROP TABLE IF EXISTS t%u", t);
        w->now.shape[t] = 0;
        break;
    case 5:
        db_exec(db, "VACUUM");
        break;
    default:
        if (w->now.shape[t] != 0) {
            db_execf(db, "UPDATE t%u SET v=%u", t, value);
            w->now.value[t] = value;
        }
    }
}

/* By a statement that may have been prepared many roots ago. */
static void check_world(struct world *w)
{
    uint32_t c = rnd_below(&w->seed, connections);
    uint32_t t = rnd_below(&w->seed, tables);
    sqlite3_stmt **stmt = &w->stmt[c][t][rnd_below(&w->seed, shapes)];

    if (*stmt == NULL) {
        char *sql = sqlite3_mprintf("SELECT v FROM t%u", t);
        int rc = sqlite3_prepare_v2(w->db[c], sql, -1, stmt, NULL);
        sqlite3_free(sql);
        /* A stale schema may say yes; the step looks again. */
        if (rc != SQLITE_OK) {
            assert_int_equal(w->now.shape[t], 0);
            return;
        }
    }
    int rc = sqlite3_step(*stmt);
    if (w->now.shape[t] == 0) {
        assert_int_equal(rc, SQLITE_ERROR);
    } else {
        assert_int_equal(rc, SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(*stmt, 0), w->now.value[t]);
    }
    sqlite3_reset(*stmt);
}

static void test_random_rewinds_never_show_another_roots_rows(void **state maybe_unused)
{
    struct world w = { .seed = test_seed(), .clone = clone_of(base, 0) };
    unsigned rounds = test_rounds(600);

    for (size_t c = 0; c < connections; c++) {
        w.db[c] = db_open(w.clone);
    }
    for (unsigned round = 0; round < rounds; round++) {
        change_world(&w);
        check_world(&w);
        check_world(&w);
        if (round % 100 == 0) {
            assert_integrity(w.db[rnd_below(&w.seed, connections)]);
        }
    }
    for (size_t c = 0; c < connections; c++) {
        for (size_t i = 0; i < tables * shapes; i++) {
            sqlite3_finalize(w.stmt[c][i / shapes][i % shapes]);
        }
        assert_integrity(w.db[c]);
        sqlite3_close(w.db[c]);
    }
    for (size_t m = 0; m < marks; m++) {
        clone_mark_destroy(w.mark[m]);
    }
    clone_unref(w.clone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clone_without_memory_leaves_nothing),
        cmocka_unit_test(test_own_pages_are_charged_to_the_parent),
        cmocka_unit_test(test_the_writers_place_is_given_first_come_first_served),
        cmocka_unit_test(test_a_waiter_leaves_at_his_deadline_without_a_trace),
        cmocka_unit_test(test_a_reset_clone_is_the_template_again),
        cmocka_unit_test(test_resetting_an_untouched_clone_costs_nothing),
        cmocka_unit_test(test_a_cached_statement_never_reads_another_roots_pages),
        cmocka_unit_test(test_a_reset_without_a_schema_change_keeps_parsed_schemas),
        cmocka_unit_test(test_the_two_counters_of_page_1_stay_equal),
        cmocka_unit_test(test_a_mark_can_be_rewound_to_again_and_again),
        cmocka_unit_test(test_a_reader_keeps_his_pin_over_a_reset),
        cmocka_unit_test(test_no_root_is_replaced_under_a_writer),
        cmocka_unit_test(test_a_reset_without_memory_changes_nothing),
        cmocka_unit_test(test_a_full_clone_can_be_reset),
        cmocka_unit_test(test_random_rewinds_never_show_another_roots_rows),
    };
    return cmocka_run_group_tests(tests, make_base, drop_base);
}
