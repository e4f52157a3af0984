/* Each rule of what SQLite sees of a clone (pool/vfs.h) has its test here. */
#include "support_vfs.h"

#include "async/loop.h"
#include "async/task.h"
#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/vfs.h"
#include "pool/vfs_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char shop[] = "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, pad BLOB);"
                           "CREATE INDEX item_name ON item(name);"
                           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 500)"
                           "INSERT INTO item SELECT i, 'name ' || i, zeroblob(100) FROM n;";

enum { item_rows = 500, page_bytes = 4096 };

static struct template *shop_template;

static int make_shop(void **state)
{
    int rc = setup_sqlite(state);

    shop_template = rc == SQLITE_OK ? template_of(shop) : NULL;
    return rc;
}

static int drop_shop(void **state maybe_unused)
{
    template_unref(shop_template);
    return 0;
}

/* Two connections on one clone. */
struct pair {
    struct clone *clone;
    sqlite3 *a;
    sqlite3 *b;
};

static struct pair pair_open(size_t memory)
{
    struct pair p = { .clone = clone_of(shop_template, memory) };

    p.a = db_open(p.clone);
    p.b = db_open(p.clone);
    return p;
}

static void pair_close(struct pair *p)
{
    assert_integrity(p->a);
    assert_integrity(p->b);
    assert_int_equal(sqlite3_close(p->a), SQLITE_OK);
    assert_int_equal(sqlite3_close(p->b), SQLITE_OK);
    assert_int_equal(p->clone->files, 0);
    clone_unref(p->clone);
}

static sqlite3_file *file_below(sqlite3 *db)
{
    sqlite3_file *file = NULL;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    assert_non_null(file);
    return file;
}

/* ---- copies ---- */

static void test_a_clone_reads_its_template(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    assert_int_equal(db_int(p.a, "SELECT count(*) FROM item"), item_rows);
    assert_int_equal(clone_own_bytes(p.clone), 0);
    pair_close(&p);
}

static void test_what_a_clone_writes_no_other_sees(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    struct clone *other = clone_of(shop_template, 0);
    sqlite3 *db = db_open(other);

    db_exec(p.a, "UPDATE item SET name='changed'; CREATE TABLE mine(x)");
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='changed'"), item_rows);
    assert_int_equal(db_int(db, "SELECT count(*) FROM item WHERE name='changed'"), 0);
    assert_int_equal(db_try(db, "SELECT * FROM mine"), SQLITE_ERROR);
    assert_true(clone_own_bytes(p.clone) > 0);
    assert_int_equal(clone_own_bytes(other), 0);
    sqlite3_close(db);
    clone_unref(other);
    pair_close(&p);
}

static void test_a_clone_costs_the_same_whatever_the_templates_size(void **state maybe_unused)
{
    struct template *small = template_of("CREATE TABLE t(x)");
    size_t before = mem_used_total();
    struct clone *a = clone_of(small, 0);
    size_t first = mem_used_total() - before;
    struct clone *b = clone_of(shop_template, 0);

    assert_int_equal(mem_used_total() - before - first, first);
    clone_unref(a);
    clone_unref(b);
    template_unref(small);
}

/* ---- publishing ---- */

static void test_nothing_is_published_without_phase_two(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_file *file = file_below(p.a);
    uint8_t page[page_bytes];
    uint64_t version = p.clone->version;

    assert_int_equal(file->pMethods->xLock(file, SQLITE_LOCK_SHARED), SQLITE_OK);
    assert_int_equal(file->pMethods->xLock(file, SQLITE_LOCK_RESERVED), SQLITE_OK);
    memset(page, 0xee, sizeof(page));
    assert_int_equal(file->pMethods->xWrite(file, page, page_bytes, page_bytes), SQLITE_OK);
    assert_int_equal(file->pMethods->xUnlock(file, SQLITE_LOCK_NONE), SQLITE_OK);
    assert_int_equal(p.clone->version, version);
    assert_int_equal(clone_own_bytes(p.clone), 0);
    pair_close(&p);
}

static void test_phase_two_outside_a_write_publishes_nothing_later(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_file *file = file_below(p.a);
    uint8_t page[page_bytes] = { 0 };

    file->pMethods->xFileControl(file, SQLITE_FCNTL_COMMIT_PHASETWO, NULL);
    file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
    file->pMethods->xLock(file, SQLITE_LOCK_RESERVED);
    assert_int_equal(file->pMethods->xWrite(file, page, page_bytes, page_bytes), SQLITE_OK);
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    assert_int_equal(p.clone->version, 0);
    pair_close(&p);
}

static void test_a_commit_is_published_and_a_rollback_is_not(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    db_exec(p.a, "PRAGMA cache_size=1; BEGIN; UPDATE item SET name='x'; ROLLBACK");
    assert_int_equal(p.clone->version, 0);
    assert_int_equal(clone_own_bytes(p.clone), 0);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='x'"), 0);
    db_exec(p.a, "BEGIN; UPDATE item SET name='x'; COMMIT");
    assert_int_equal(p.clone->version, 1);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='x'"), item_rows);
    pair_close(&p);
}

static void test_a_transaction_without_a_write_publishes_nothing(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    db_exec(p.a, "BEGIN IMMEDIATE; SELECT count(*) FROM item; COMMIT");
    db_exec(p.a, "BEGIN EXCLUSIVE; COMMIT");
    assert_int_equal(p.clone->version, 0);
    pair_close(&p);
}

/* SQLite's own rollback needs pages too, and gets none: what it left behind must never be seen. */
static void test_a_failed_rollback_at_the_cap_loses_nothing(void **state maybe_unused)
{
    for (size_t pages = 1; pages < 40; pages++) {
        struct pair p = pair_open(pages * (page_bytes + 200));

        db_exec(p.a, "PRAGMA cache_size=1");
        int rc = db_try(p.a, "BEGIN; UPDATE item SET pad=zeroblob(300); COMMIT");
        if (rc != SQLITE_OK) {
            assert_int_equal(rc, SQLITE_FULL);
            db_try(p.a, "ROLLBACK");
            assert_int_equal(clone_own_bytes(p.clone), 0);
        }
        int64_t changed = rc == SQLITE_OK ? item_rows : 0;
        assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE length(pad)=300"), changed);
        assert_int_equal(db_int(p.a, "SELECT count(*) FROM item WHERE length(pad)=300"), changed);
        assert_int_equal(db_int(p.a, "SELECT count(*) FROM item"), item_rows);
        pair_close(&p);
    }
}

static void test_a_full_clone_takes_writes_again_once_there_is_room(void **state maybe_unused)
{
    struct pair p = pair_open(page_bytes * 30);

    db_exec(p.a, "CREATE TABLE log(t)");
    int rc = SQLITE_OK;
    for (int i = 0; i < 1000 && rc == SQLITE_OK; i++) {
        rc = db_try(p.a, "INSERT INTO log VALUES(zeroblob(3000))");
    }
    assert_int_equal(rc, SQLITE_FULL);
    assert_int_equal(clone_reset(p.clone), 0);
    db_exec(p.a, "CREATE TABLE log(t); INSERT INTO log VALUES(1)");
    pair_close(&p);
}

/* ---- locks ---- */

static void test_a_reader_never_waits_and_never_sees_half(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_stmt *reader = NULL;
    int rows = 0;

    assert_int_equal(sqlite3_prepare_v2(p.b, "SELECT name FROM item", -1, &reader, NULL), 0);
    assert_int_equal(sqlite3_step(reader), SQLITE_ROW);
    db_exec(p.a, "PRAGMA cache_size=1; BEGIN; UPDATE item SET name='x', pad=zeroblob(500)");
    db_exec(p.a, "COMMIT; DELETE FROM item WHERE id > 10; VACUUM");
    do {
        assert_memory_equal(sqlite3_column_text(reader, 0), "name ", 5);
        rows++;
    } while (sqlite3_step(reader) == SQLITE_ROW);
    assert_int_equal(rows, item_rows);
    assert_int_equal(sqlite3_finalize(reader), SQLITE_OK);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item"), 10);
    pair_close(&p);
}

static void test_a_second_writer_is_busy(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    db_exec(p.a, "BEGIN IMMEDIATE");
    assert_int_equal(db_try(p.b, "BEGIN IMMEDIATE"), SQLITE_BUSY);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item"), item_rows);
    db_exec(p.a, "ROLLBACK");
    db_exec(p.b, "BEGIN IMMEDIATE; UPDATE item SET name='b'; COMMIT");
    pair_close(&p);
}

static void test_a_stale_writer_is_told_so(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    db_exec(p.b, "BEGIN; SELECT count(*) FROM item");
    assert_true(vfs_root_is_newest(p.b));
    db_exec(p.a, "UPDATE item SET name='a'");
    assert_false(vfs_root_is_newest(p.b));
    assert_int_equal(db_try(p.b, "UPDATE item SET name='b'"), SQLITE_BUSY_SNAPSHOT);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='a'"), 0);
    db_exec(p.b, "ROLLBACK; UPDATE item SET name='b' WHERE name='a'");
    assert_int_equal(sqlite3_changes(p.b), item_rows);
    pair_close(&p);
}

static void test_an_idle_connection_pins_nothing(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    db_int(p.b, "SELECT count(*) FROM item");
    db_exec(p.a, "UPDATE item SET name='1'");
    size_t once = clone_own_bytes(p.clone);
    for (int i = 0; i < 5; i++) {
        db_exec(p.a, "UPDATE item SET name='1'");
    }
    assert_true(clone_own_bytes(p.clone) <= once);
    pair_close(&p);
}

static void test_a_held_root_stays_until_it_is_dropped(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    vfs_hold_root(p.b);
    db_exec(p.a, "UPDATE item SET name='a'");
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='a'"), 0);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='a'"), 0);
    assert_false(vfs_root_is_newest(p.b));
    db_exec(p.b, "BEGIN; SELECT count(*) FROM item");
    assert_int_equal(db_try(p.b, "DELETE FROM item"), SQLITE_BUSY_SNAPSHOT);
    db_exec(p.b, "ROLLBACK");
    assert_int_equal(db_try(p.b, "DELETE FROM item"), SQLITE_BUSY);
    vfs_drop_root(p.b);
    assert_true(vfs_root_is_newest(p.b));
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='a'"), item_rows);
    pair_close(&p);
}

static void test_a_held_root_follows_its_own_writes(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    vfs_hold_root(p.b);
    db_exec(p.b, "UPDATE item SET name='b' WHERE id=1");
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name='b'"), 1);
    assert_int_equal(db_int(p.a, "SELECT count(*) FROM item WHERE name='b'"), 1);
    db_exec(p.b, "UPDATE item SET name='b' WHERE id=2");
    vfs_drop_root(p.b);
    pair_close(&p);
}

static void test_a_hold_in_the_middle_of_a_read_keeps_what_it_sees(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    db_exec(p.b, "BEGIN; SELECT count(*) FROM item");
    db_exec(p.a, "DELETE FROM item");
    vfs_hold_root(p.b);
    db_exec(p.b, "COMMIT");
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item"), item_rows);
    vfs_drop_root(p.b);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item"), 0);
    pair_close(&p);
}

static void test_closing_in_the_middle_of_a_write_throws_it_away(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3 *db = db_open(p.clone);

    db_exec(db, "PRAGMA cache_size=1; BEGIN; UPDATE item SET name='gone'");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_null(p.clone->writer);
    assert_int_equal(clone_own_bytes(p.clone), 0);
    db_exec(p.a, "UPDATE item SET name='here' WHERE id=1");
    pair_close(&p);
}

/* ---- lending ---- */

static uint8_t *fetch(sqlite3_file *file, sqlite3_int64 offset, int amount)
{
    void *page = NULL;

    assert_int_equal(file->pMethods->xFetch(file, offset, amount, &page), SQLITE_OK);
    return page;
}

static void write_page(sqlite3_file *file, uint32_t number, uint8_t with)
{
    uint8_t page[page_bytes];

    memset(page, with, sizeof(page));
    assert_int_equal(
        file->pMethods->xWrite(file, page, page_bytes, (sqlite3_int64)(number - 1) * page_bytes),
        SQLITE_OK);
}

static void test_only_whole_pages_inside_the_image_are_lent(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_file *file = file_below(p.a);
    sqlite3_int64 size = 0;

    assert_null(fetch(file, 0, page_bytes)); /* no lock, no pin */
    file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
    file->pMethods->xFileSize(file, &size);
    assert_null(fetch(file, 512, page_bytes));
    assert_null(fetch(file, 0, 512));
    assert_null(fetch(file, 0, 2 * page_bytes));
    assert_null(fetch(file, size, page_bytes));
    uint8_t *last = fetch(file, size - page_bytes, page_bytes);
    assert_non_null(last);
    file->pMethods->xUnfetch(file, 0, NULL); /* drops mappings, ends no lend */
    assert_int_equal(((struct vfs_file *)file)->lent, 1);
    file->pMethods->xUnfetch(file, size - page_bytes, last);
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    pair_close(&p);
}

static void test_a_templates_page_is_lent_itself(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_file *file = file_below(p.a);

    file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
    uint8_t *page = fetch(file, page_bytes, page_bytes);
    assert_ptr_equal(page_of_data(page), pagemap_get(&p.clone->root, 2));
    assert_true(page_is_private(page_of_data(page))); /* and counts nothing */
    file->pMethods->xUnfetch(file, page_bytes, page);
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    pair_close(&p);
}

static void test_a_writer_is_lent_his_own_page_first_and_it_is_published_unmoved(
    void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_file *file = file_below(p.a);
    uint32_t last = p.clone->root.pages + 1;
    sqlite3_int64 at = (sqlite3_int64)(last - 1) * page_bytes;

    file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
    file->pMethods->xLock(file, SQLITE_LOCK_EXCLUSIVE);
    write_page(file, last, 0x11);
    uint8_t *page = fetch(file, at, page_bytes);
    assert_int_equal(page[77], 0x11);
    file->pMethods->xFileControl(file, SQLITE_FCNTL_COMMIT_PHASETWO, NULL);
    file->pMethods->xUnlock(file, SQLITE_LOCK_SHARED);
    assert_ptr_equal(pagemap_get(&p.clone->root, last)->data, page);
    file->pMethods->xUnfetch(file, at, page);
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    /* The page belongs to nothing: give the image its old size back. */
    assert_int_equal(clone_reset(p.clone), 0);
    pair_close(&p);
}

static void test_a_lent_page_outlives_publishing_discarding_and_truncating(
    void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_file *file = file_below(p.a);

    file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
    file->pMethods->xLock(file, SQLITE_LOCK_RESERVED);
    write_page(file, 2, 0x11);
    uint8_t *first = fetch(file, page_bytes, page_bytes);
    write_page(file, 2, 0x22); /* what is lent is never written to */
    assert_int_equal(first[5], 0x11);
    uint8_t *second = fetch(file, page_bytes, page_bytes);
    assert_int_equal(second[5], 0x22);
    assert_int_equal(file->pMethods->xTruncate(file, page_bytes), SQLITE_OK);
    assert_int_equal(second[5], 0x22);
    file->pMethods->xUnlock(file, SQLITE_LOCK_SHARED); /* discarded */
    assert_int_equal(first[5], 0x11);
    assert_int_equal(second[5], 0x22);
    file->pMethods->xUnfetch(file, page_bytes, first);
    file->pMethods->xUnfetch(file, page_bytes, second);
    assert_int_equal(clone_own_bytes(p.clone), 0);
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    pair_close(&p);
}

static void test_queries_are_served_by_lending(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    int highest = 0;
    int used = 0;

    db_int(p.a, "SELECT sum(length(pad)) FROM item");
    sqlite3_db_status(p.a, SQLITE_DBSTATUS_CACHE_USED, &used, &highest, 0);
    /* Page 1 is never lent; the twenty others are not in the cache. */
    assert_true(used < 3 * page_bytes);
    pair_close(&p);
}

static void test_no_page_is_lent_after_a_connection_let_go(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_stmt *reader = NULL;
    struct vfs_file *file = (struct vfs_file *)file_below(p.b);

    assert_int_equal(sqlite3_prepare_v2(p.b, "SELECT pad FROM item", -1, &reader, NULL), 0);
    assert_int_equal(sqlite3_step(reader), SQLITE_ROW);
    assert_true(file->lent > 0);
    sqlite3_reset(reader);
    assert_int_equal(file->lent, 0);
    assert_false(file->pinned);
    sqlite3_finalize(reader);
    pair_close(&p);
}

/* Lends that cross the session's own publish. */
static void test_a_half_run_select_survives_its_own_connections_commits(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3_stmt *reader = NULL;
    int rows = 0;

    assert_int_equal(
        sqlite3_prepare_v2(p.a, "SELECT name, pad FROM item ORDER BY id", -1, &reader, NULL), 0);
    while (sqlite3_step(reader) == SQLITE_ROW) {
        assert_memory_equal(sqlite3_column_text(reader, 0), "name ", 5);
        if (++rows % 50 == 0) {
            db_execf(p.a, "INSERT INTO item VALUES(%d, 'name later', zeroblob(4000))", 1000 + rows);
        }
    }
    assert_true(rows >= item_rows);
    assert_int_equal(sqlite3_finalize(reader), SQLITE_OK);
    pair_close(&p);
}

/* ---- files ---- */

static void test_no_other_file_can_be_opened(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3 *db = NULL;

    assert_int_equal(db_try(p.a, "ATTACH 'clone' AS other"), SQLITE_CANTOPEN);
    assert_int_equal(db_try(p.a, "ATTACH '/tmp/pond-test.db' AS other"), SQLITE_CANTOPEN);
    assert_int_equal(db_try(p.a, "VACUUM INTO '/tmp/pond-test.db'"), SQLITE_CANTOPEN);
    assert_int_equal(sqlite3_open_v2("clone", &db, SQLITE_OPEN_READWRITE, "pond"), SQLITE_CANTOPEN);
    sqlite3_close(db);
    assert_int_not_equal(access("/tmp/pond-test.db", F_OK), 0);
    pair_close(&p);
}

static void test_vacuum_shrinks_the_image(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    db_exec(p.a, "CREATE TABLE big AS SELECT zeroblob(2000) AS z FROM item; DROP TABLE big");
    int64_t before = db_int(p.a, "PRAGMA page_count");
    db_exec(p.a, "VACUUM");
    assert_true(db_int(p.b, "PRAGMA page_count") < before);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item"), item_rows);
    pair_close(&p);
}

static void test_the_page_size_never_changes(void **state maybe_unused)
{
    struct pair p = pair_open(0);

    /* The guard refuses the pragma; without it the image stays whole all the same. */
    db_exec(p.a, "PRAGMA page_size=8192");
    assert_int_not_equal(db_try(p.a, "VACUUM"), SQLITE_OK);
    assert_int_equal(db_int(p.b, "PRAGMA page_size"), page_bytes);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item"), item_rows);
    sqlite3_close(p.a);
    p.a = db_open(p.clone);
    pair_close(&p);
}

/* In which what is written stays: what was committed is there for all in the end. */
static void test_there_is_no_wal(void **state maybe_unused)
{
    struct pair p = pair_open(0);
    sqlite3 *db = db_open(p.clone);

    db_try(db, "PRAGMA locking_mode=exclusive; PRAGMA journal_mode=wal");
    db_exec(db, "UPDATE item SET name='seen'");
    sqlite3_close(db); /* gives up the exclusive lock */
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM item WHERE name<>'seen'"), 0);
    pair_close(&p);
}

/* Whatever kind of journal a connection has, nobody else takes it for one that was left behind. */
static void test_a_journal_is_its_connections_alone(void **state maybe_unused)
{
    static const char *const modes[] = { "delete", "truncate", "persist", "memory" };
    struct pair p = pair_open(0);
    char text[200];

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        sqlite3 *db = db_open(p.clone);
        int64_t before = db_int(p.b, "SELECT sum(length(name)) FROM item");

        db_execf(db, "PRAGMA cache_size=1; PRAGMA journal_mode=%s", modes[i]);
        db_exec(db, "BEGIN; UPDATE item SET name=name||'!'; SAVEPOINT s; DELETE FROM item");
        assert_int_equal(db_int(p.b, "SELECT sum(length(name)) FROM item"), before);
        db_exec(db, "ROLLBACK TO s");
        assert_int_equal(db_int(p.b, "SELECT sum(length(name)) FROM item"), before);
        db_exec(db, "COMMIT; BEGIN; DELETE FROM item; ROLLBACK");
        snprintf(text, sizeof(text), "SELECT sum(length(name)) - count(*) - %lld FROM item",
                 (long long)before);
        assert_int_equal(db_int(p.b, text), 0);
        assert_integrity(db);
        sqlite3_close(db);
    }
    pair_close(&p);
}

static void test_temporary_files_live_in_memory_charged_to_the_current_account(
    void **state maybe_unused)
{
    struct account session = { 0 };
    struct account *was = account_swap(&session);
    struct clone *clone = clone_of(shop_template, 0);
    sqlite3 *db = db_open(clone);

    db_exec(db, "PRAGMA cache_size=1; PRAGMA temp.cache_size=1;"
                "CREATE TEMP TABLE t(i INTEGER PRIMARY KEY, z)");
    size_t before = atomic_load(&session.used);
    db_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 400)"
                "INSERT INTO t SELECT i, randomblob(3000) FROM n");
    assert_true(atomic_load(&session.used) - before > 400 * 3000);
    assert_int_equal(clone_own_bytes(clone), 0);
    assert_int_equal(db_int(db, "SELECT sum(length(z)) FROM t"), 400 * 3000);
    db_exec(db, "DROP TABLE t");
    sqlite3_close(db);
    account_swap(was);
    assert_int_equal(atomic_load(&session.used), 0);
    clone_unref(clone);
}

static void test_a_session_over_its_memory_fails_alone(void **state maybe_unused)
{
    struct account session = { .limit = 4096 * 1024 };
    struct pair p = pair_open(0);
    struct account *was = account_swap(&session);
    sqlite3 *db = db_open(p.clone);

    db_exec(db, "CREATE TEMP TABLE t(z)");
    int rc = db_try(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 4000)"
                        "INSERT INTO t SELECT randomblob(3000) FROM n");
    assert_true((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM);
    sqlite3_db_release_memory(db); /* what SQLite still caches */
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 0);
    db_exec(db, "INSERT INTO t VALUES(1)");
    sqlite3_close(db);
    account_swap(was);
    assert_int_equal(atomic_load(&session.used), 0);
    pair_close(&p);
}

static void test_a_big_sort_spills_and_gives_all_back(void **state maybe_unused)
{
    struct account session = { 0 };
    struct pair p = pair_open(0);
    struct account *was = account_swap(&session);
    sqlite3 *db = db_open(p.clone);

    db_exec(db, "PRAGMA cache_size=2");
    int64_t sum =
        db_int(db, "SELECT count(*) FROM (SELECT a.id*b.id AS k, a.pad FROM item a, item b "
                   "WHERE b.id<=20 ORDER BY k DESC, a.name LIMIT -1 OFFSET 1)");
    assert_int_equal(sum, item_rows * 20 - 1);
    sqlite3_close(db);
    account_swap(was);
    assert_int_equal(atomic_load(&session.used), 0);
    pair_close(&p);
}

/* ---- memory of an idle connection: its parsed schema, and not much more ---- */

static void test_an_idle_connection_is_small(void **state maybe_unused)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    for (int i = 0; i < 10; i++) {
        sqlite3_str_appendf(sql, "CREATE TABLE t%d(id INTEGER PRIMARY KEY, a INT, b TEXT);", i);
    }
    char *text = sqlite3_str_finish(sql);
    struct template *ten = template_of(text);
    struct clone *clone = clone_of(ten, 0);
    struct account session = { 0 };
    struct account *was = account_swap(&session);
    sqlite3 *db = db_open(clone);

    db_int(db, "SELECT count(*) FROM t1");
    assert_in_range(atomic_load(&session.used), 1000, 40 * 1024);
    sqlite3_close(db);
    account_swap(was);
    clone_unref(clone);
    template_unref(ten);
    sqlite3_free(text);
}

/* ---- SQLite's sleep ---- */

static int order;

static void sleep_in_sqlite(void *arg)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find("pond");

    order = 1;
    assert_int_equal(vfs->xSleep(vfs, 2000), 2000);
    *(int *)arg = order;
}

static void run_meanwhile(void *arg maybe_unused)
{
    assert_int_equal(order, 1);
    order = 2;
}

static void test_sleeping_gives_up_the_turn(void **state maybe_unused)
{
    struct loop *loop = NULL;
    int woke = 0;

    assert_int_equal(loop_create(NULL, &loop), 0);
    assert_int_equal(task_spawn(loop, "sleeper", sleep_in_sqlite, &woke, NULL), 0);
    assert_int_equal(task_spawn(loop, "other", run_meanwhile, NULL, NULL), 0);
    assert_int_equal(loop_run_until_idle(loop), 0);
    assert_int_equal(woke, 2);
    loop_destroy(loop);
}

static void test_an_out_of_memory_open_leaves_nothing(void **state maybe_unused)
{
    struct clone *clone = clone_of(shop_template, 0);
    size_t before = mem_used_total();
    uint64_t site = 0;
    sqlite3 *db = NULL;
    int rc;

    do {
        mem_fail_at(++site, true);
        rc = vfs_open_clone(clone, &db);
        mem_fail_at(0, false);
        assert_true(rc == SQLITE_OK || (rc & 0xff) == SQLITE_NOMEM);
        if (rc != SQLITE_OK) {
            assert_int_equal(clone->files, 0);
            assert_int_equal(mem_used_total(), before);
        }
    } while (rc != SQLITE_OK);
    assert_true(site > 20);
    sqlite3_close(db);
    clone_unref(clone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clone_reads_its_template),
        cmocka_unit_test(test_what_a_clone_writes_no_other_sees),
        cmocka_unit_test(test_a_clone_costs_the_same_whatever_the_templates_size),
        cmocka_unit_test(test_nothing_is_published_without_phase_two),
        cmocka_unit_test(test_phase_two_outside_a_write_publishes_nothing_later),
        cmocka_unit_test(test_a_commit_is_published_and_a_rollback_is_not),
        cmocka_unit_test(test_a_transaction_without_a_write_publishes_nothing),
        cmocka_unit_test(test_a_failed_rollback_at_the_cap_loses_nothing),
        cmocka_unit_test(test_a_full_clone_takes_writes_again_once_there_is_room),
        cmocka_unit_test(test_a_reader_never_waits_and_never_sees_half),
        cmocka_unit_test(test_a_second_writer_is_busy),
        cmocka_unit_test(test_a_stale_writer_is_told_so),
        cmocka_unit_test(test_an_idle_connection_pins_nothing),
        cmocka_unit_test(test_a_held_root_stays_until_it_is_dropped),
        cmocka_unit_test(test_a_held_root_follows_its_own_writes),
        cmocka_unit_test(test_a_hold_in_the_middle_of_a_read_keeps_what_it_sees),
        cmocka_unit_test(test_closing_in_the_middle_of_a_write_throws_it_away),
        cmocka_unit_test(test_only_whole_pages_inside_the_image_are_lent),
        cmocka_unit_test(test_a_templates_page_is_lent_itself),
        cmocka_unit_test(test_a_writer_is_lent_his_own_page_first_and_it_is_published_unmoved),
        cmocka_unit_test(test_a_lent_page_outlives_publishing_discarding_and_truncating),
        cmocka_unit_test(test_queries_are_served_by_lending),
        cmocka_unit_test(test_no_page_is_lent_after_a_connection_let_go),
        cmocka_unit_test(test_a_half_run_select_survives_its_own_connections_commits),
        cmocka_unit_test(test_no_other_file_can_be_opened),
        cmocka_unit_test(test_vacuum_shrinks_the_image),
        cmocka_unit_test(test_the_page_size_never_changes),
        cmocka_unit_test(test_there_is_no_wal),
        cmocka_unit_test(test_a_journal_is_its_connections_alone),
        cmocka_unit_test(test_temporary_files_live_in_memory_charged_to_the_current_account),
        cmocka_unit_test(test_a_session_over_its_memory_fails_alone),
        cmocka_unit_test(test_a_big_sort_spills_and_gives_all_back),
        cmocka_unit_test(test_an_idle_connection_is_small),
        cmocka_unit_test(test_sleeping_gives_up_the_turn),
        cmocka_unit_test(test_an_out_of_memory_open_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_shop, drop_shop);
}
