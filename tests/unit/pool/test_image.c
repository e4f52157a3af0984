/* The image of what a connection sees: SQLite opens it as a file, and it is what the connection
 * sees, also in the middle of its transaction, which does not notice. */
#include "support_session.h"

#include "pool/clone.h"
#include "pool/image.h"

#include <stdio.h>
#include <string.h>

static struct image take(struct session *session)
{
    struct image image = { 0 };
    struct failure f = { .sqlstate = "" };

    if (image_take(session, session_sqlite(session), &image, &f) != 0) {
        fail_msg("%s %s", f.sqlstate, failure_get(&f, FIELD_MESSAGE));
    }
    return image;
}

/* The image as a database of its own. */
static sqlite3 *db_of(const struct image *image)
{
    uint32_t page_bytes = image_page_bytes(image);
    sqlite3_int64 bytes = (sqlite3_int64)image_pages(image) * page_bytes;
    uint8_t *file = sqlite3_malloc64((sqlite3_uint64)bytes);
    sqlite3 *db = NULL;

    assert_non_null(file);
    for (uint32_t number = 1; number <= image_pages(image); number++) {
        const uint8_t *page = image_page(image, number);
        uint8_t *to = file + (size_t)(number - 1) * page_bytes;

        page == NULL ? memset(to, 0, page_bytes) : memcpy(to, page, page_bytes);
    }
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_deserialize(db, "main", file, bytes, bytes, SQLITE_DESERIALIZE_FREEONCLOSE),
        SQLITE_OK);
    return db;
}

static char *dump_of(const struct image *image)
{
    sqlite3 *db = db_of(image);
    char *dump = db_dump(db);

    assert_integrity(db);
    sqlite3_close(db);
    return dump;
}

static int64_t count_in(const struct image *image)
{
    sqlite3 *db = db_of(image);
    int64_t count = db_int(db, "SELECT count(*) FROM t");

    assert_integrity(db);
    sqlite3_close(db);
    return count;
}

/* ---- which moment ---- */

static void moments(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);
    struct image first = take(w->session);

    run(other, "DELETE FROM t WHERE id > 600");
    begin(w->session, TXN_REPEATABLE_READ);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 600);
    run(other, "DELETE FROM t WHERE id > 500");
    struct image held = take(w->session);
    struct image newest = take(other);
    commit(w->session);
    run(other, "DROP TABLE t");
    assert_int_equal(count_in(&first), 1000);
    assert_int_equal(count_in(&held), 600);
    assert_int_equal(count_in(&newest), 500);
    image_finish(&first);
    image_finish(&held);
    image_finish(&newest);
    image_finish(&newest);
    session_close(other);
}

static void it_is_that_of_the_sessions_root(void **state)
{
    in_task(*state, moments);
}

static void outlive(struct world *w)
{
    struct clone *clone = clone_of(w->template_, 0);
    struct session *session = session_on(clone, NULL);

    run(session, "DELETE FROM t WHERE id > 10");
    struct image image = take(session);
    session_close(session);
    clone_unref(clone);
    assert_int_equal(count_in(&image), 10);
    image_finish(&image);
}

static void it_outlives_session_and_clone(void **state)
{
    in_task(*state, outlive);
}

/* ---- inside a transaction ---- */

static void own_writes(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "CREATE TABLE made(x)");
    run(w->session, "DELETE FROM t WHERE id > 700");
    struct image image = take(w->session);
    run(w->session, "DELETE FROM t WHERE id > 300");
    struct image later = take(w->session);
    assert_int_equal(count_in(&image), 700);
    assert_int_equal(count_in(&later), 300);
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 1000);
    rollback(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM sqlite_schema WHERE name='made'"),
                     0);
    assert_int_equal(count_in(&image), 700);
    image_finish(&image);
    image_finish(&later);
    session_close(other);
}

static void it_has_what_the_transaction_wrote(void **state)
{
    in_task(*state, own_writes);
}

/* A place is taken, and no page was written yet: nothing must be committed by that. */
static void without_a_change(struct world *w)
{
    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "DELETE FROM t WHERE id > 5000");
    struct image image = take(w->session);
    assert_int_equal(sqlite3_get_autocommit(session_sqlite(w->session)), 0);
    run(w->session, "DELETE FROM t");
    rollback(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(count_in(&image), 1000);
    image_finish(&image);
}

static void a_transaction_that_changed_nothing_stays_open(void **state)
{
    in_task(*state, without_a_change);
}

static void refuse(struct session *session, const char *sqlstate)
{
    struct image image;
    struct failure f;

    assert_int_equal(image_take(session, session_sqlite(session), &image, &f), FAILED);
    assert_string_equal(f.sqlstate, sqlstate);
    assert_int_equal(sqlite3_get_autocommit(session_sqlite(session)), 0);
}

static void refusals(struct world *w)
{
    sqlite3 *db = session_sqlite(w->session);
    sqlite3_stmt *stmt = NULL;

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "INSERT INTO child VALUES(1, 99)");
    refuse(w->session, "23503");
    run(w->session, "INSERT INTO parent VALUES(99)");
    struct image image = take(w->session);
    image_finish(&image);
    assert_int_equal(sqlite3_prepare_v2(db, "DELETE FROM t RETURNING id", -1, &stmt, NULL), 0);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    refuse(w->session, "0A000");
    sqlite3_finalize(stmt);
    commit(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM child"), 1);
}

static void what_no_commit_could_write_is_refused(void **state)
{
    in_task(*state, refusals);
}

/* ---- all together ---- */

static char *random_sql(uint64_t *seed)
{
    static const char *const recipes[] = {
        "INSERT OR REPLACE INTO t VALUES(%u, %u, hex(zeroblob(%u)))",
        "UPDATE t SET n = n + %u WHERE id BETWEEN %u AND %u",
        "DELETE FROM t WHERE id %% 50 = %u %% 50 OR id = %u OR id = %u",
        "CREATE TABLE IF NOT EXISTS extra(x DEFAULT %u, y DEFAULT %u, z DEFAULT %u)",
        "INSERT INTO extra SELECT id, n, s FROM t WHERE id > %u AND id < %u AND n > %u",
        "CREATE INDEX IF NOT EXISTS i ON t(n, s) WHERE id > %u AND id < %u AND n <> %u",
        "DROP TABLE IF EXISTS extra",
        "DROP INDEX IF EXISTS i",
        "BEGIN IMMEDIATE",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "RELEASE a",
        "ROLLBACK TO a",
        "PRAGMA cache_size=%u",
    };
    const char *recipe = recipes[rnd_below(seed, ARRAY_LEN(recipes))];

    return sqlite3_mprintf(recipe, rnd_below(seed, 2000), rnd_below(seed, 2000),
                           rnd_below(seed, 6000));
}

static void assert_same(const char *a, char *b, const char *sql)
{
    if (strcmp(a, b) != 0) {
        fail_msg("another image after %s", sql);
    }
    sqlite3_free(b);
}

/* The session's connection, of which images are taken, and one that nobody looks at. */
static void compare_for_a_while(struct world *w, uint64_t *seed)
{
    struct clone *clone = clone_of(w->template_, 0);
    struct clone *plain_clone = clone_of(w->template_, 0);
    struct session *session = session_on(clone, NULL);
    struct session *plain = session_on(plain_clone, NULL);

    for (unsigned i = 0; i < 40; i++) {
        char *sql = random_sql(seed);
        int rc = db_try(session_sqlite(session), sql);

        assert_int_equal(db_try(session_sqlite(plain), sql), rc);
        if (rnd_below(seed, 3) == 0) {
            struct image image = take(session);
            char *dump = dump_of(&image);

            image_finish(&image);
            assert_same(dump, db_dump(session_sqlite(session)), sql);
            assert_same(dump, db_dump(session_sqlite(plain)), sql);
            sqlite3_free(dump);
        }
        sqlite3_free(sql);
    }
    session_close(session);
    session_close(plain);
    clone_unref(clone);
    clone_unref(plain_clone);
}

static void random_statements(struct world *w)
{
    uint64_t seed = test_seed();

    for (unsigned i = 0; i < test_rounds(15); i++) {
        compare_for_a_while(w, &seed);
    }
}

static void random_transactions_do_not_notice(void **state)
{
    in_task(*state, random_statements);
}

/* ---- no room ---- */

static void at_the_cap(struct world *w)
{
    struct clone *clone = clone_of(w->template_, 64 * 1024);
    struct session *session = session_on(clone, NULL);
    struct image image;
    struct failure f;

    begin(session, TXN_READ_COMMITTED);
    run(session, "UPDATE t SET s = hex(zeroblob(40))");
    assert_int_equal(image_take(session, session_sqlite(session), &image, &f), FAILED);
    assert_string_equal(f.sqlstate, "53100");
    txn_failed(session);
    rollback(session);
    assert_int_equal(query_int(session, "SELECT count(*) FROM t WHERE s LIKE 'row %'"), 1000);
    session_close(session);
    clone_unref(clone);
}

static void a_full_clone_has_no_image(void **state)
{
    in_task(*state, at_the_cap);
}

static void each_allocation(struct world *w)
{
    int r = FAILED;

    for (uint64_t site = 1; r != 0; site++) {
        struct clone *clone = clone_of(w->template_, 0);
        struct session *session = session_on(clone, NULL);
        struct image image = { 0 };
        struct failure f;

        begin(session, TXN_READ_COMMITTED);
        run(session, "UPDATE t SET n = 1 WHERE id % 100 = 0");
        mem_fail_at(site, false);
        r = image_take(session, session_sqlite(session), &image, &f);
        mem_fail_at(0, false);
        if (r != 0) {
            assert_string_equal(f.sqlstate, "53200");
            txn_failed(session);
        }
        image_finish(&image);
        rollback(session);
        assert_int_equal(query_int(session, "SELECT count(*) FROM t WHERE n = 1"), 0);
        session_close(session);
        clone_unref(clone);
    }
}

static void each_allocation_may_fail(void **state)
{
    in_task(*state, each_allocation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_that_of_the_sessions_root, setup_world,
                                        teardown_world),
        cmocka_unit_test_setup_teardown(it_outlives_session_and_clone, setup_world, teardown_world),
        cmocka_unit_test_setup_teardown(it_has_what_the_transaction_wrote, setup_world,
                                        teardown_world),
        cmocka_unit_test_setup_teardown(a_transaction_that_changed_nothing_stays_open, setup_world,
                                        teardown_world),
        cmocka_unit_test_setup_teardown(what_no_commit_could_write_is_refused, setup_world,
                                        teardown_world),
        cmocka_unit_test_setup_teardown(random_transactions_do_not_notice, setup_world,
                                        teardown_world),
        cmocka_unit_test_setup_teardown(a_full_clone_has_no_image, setup_world, teardown_world),
        cmocka_unit_test_setup_teardown(each_allocation_may_fail, setup_world, teardown_world),
    };
    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
