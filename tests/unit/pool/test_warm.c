/* Sessions that are lent again: nothing of one lease is there for the next, and what cannot be
 * taken back ends the session. Each test proves first that the very same session came back. */
#include "support_pool.h"

#include <sqlite3.h>

struct warm {
    struct pool pool;
    struct lease lease;
};

static void warm_begin(struct warm *warm, struct world *w)
{
    const struct database_options options = { .session_memory = 8 << 20, .max_waiters = SIZE_MAX };

    pool_begin(&warm->pool, w, &options, 0);
    take_lease(&warm->pool, &warm->lease);
}

static void warm_end(struct warm *warm)
{
    lease_release(&warm->lease);
    pool_end(&warm->pool);
}

/* Ends the lease and takes the next. */
static void lend_again(struct warm *warm, bool is_same)
{
    struct session *before = warm->lease.session;
    sqlite3 *db = session_sqlite(before);

    lease_release(&warm->lease);
    take_lease(&warm->pool, &warm->lease);
    if (is_same) {
        assert_ptr_equal(warm->lease.session, before);
        assert_ptr_equal(session_sqlite(warm->lease.session), db);
    }
    /* An ended session may have been made anew at the same address: what it sees tells. */
}

static void rows(struct world *w)
{
    struct warm warm = { .lease.session = NULL };

    warm_begin(&warm, w);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM t"), 1000);
        assert_int_equal(run(warm.lease.session, "DELETE FROM t"), 1000);
        assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM t"), 0);
        lend_again(&warm, true);
    }
    warm_end(&warm);
}

static void what_one_lease_wrote_is_gone(void **state)
{
    in_task(*state, rows);
}

static void open_things(struct world *w)
{
    struct warm warm = { .lease.session = NULL };

    warm_begin(&warm, w);
    begin(warm.lease.session, TXN_REPEATABLE_READ);
    run(warm.lease.session, "UPDATE t SET rowid = -rowid");
    struct cursor *half = open_cursor(warm.lease.session, "SELECT rowid FROM t");
    assert_true(next_int(half) != -1);
    lend_again(&warm, true);
    assert_int_equal(txn_status(warm.lease.session), TXN_IDLE);
    assert_int_equal(query_int(warm.lease.session, "SELECT min(rowid) > 0 FROM t"), 1);
    run(warm.lease.session, "DELETE FROM t WHERE rowid = 1");
    assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM t"), 999);
    warm_end(&warm);
}

static void a_transaction_and_a_cursor_left_open_are_gone(void **state)
{
    in_task(*state, open_things);
}

/* What the next lease gets is the connection that the session went on with. */
static void sibling(struct world *w)
{
    struct warm warm = { .lease.session = NULL };

    warm_begin(&warm, w);
    for (int i = 0; i < 3; i++) {
        sqlite3 *first = session_sqlite(warm.lease.session);
        struct cursor *large = open_cursor(warm.lease.session, "SELECT rowid FROM t");
        assert_true(next_int(large) != -1);
        run(warm.lease.session, "DELETE FROM t WHERE rowid > 500");
        assert_true(session_sqlite(warm.lease.session) != first);
        lend_again(&warm, true);
        assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM t"), 1000);
    }
    warm_end(&warm);
}

static void connections_that_cursors_took_are_gone(void **state)
{
    in_task(*state, sibling);
}

static void failed_block(struct world *w)
{
    struct warm warm = { .lease.session = NULL };

    warm_begin(&warm, w);
    begin(warm.lease.session, TXN_READ_COMMITTED);
    run(warm.lease.session, "DELETE FROM t");
    fails(warm.lease.session, "SELECT * FROM nowhere", "42P01", NULL);
    txn_failed(warm.lease.session);
    lend_again(&warm, true);
    assert_int_equal(txn_status(warm.lease.session), TXN_IDLE);
    assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM t"), 1000);
    warm_end(&warm);
}

static void a_failed_block_is_gone(void **state)
{
    in_task(*state, failed_block);
}

static void schema(struct world *w)
{
    struct warm warm = { .lease.session = NULL };

    warm_begin(&warm, w);
    run(warm.lease.session, "CREATE TABLE mine(x)");
    run(warm.lease.session, "DROP TABLE t");
    lend_again(&warm, false);
    fails(warm.lease.session, "SELECT * FROM mine", "42P01", NULL);
    assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM t"), 1000);

    begin(warm.lease.session, TXN_READ_COMMITTED);
    run(warm.lease.session, "CREATE TABLE mine(x)");
    lend_again(&warm, false); /* never published */
    fails(warm.lease.session, "SELECT * FROM mine", "42P01", NULL);
    run(warm.lease.session, "CREATE TABLE mine(y)");
    warm_end(&warm);
}

static void a_changed_schema_is_gone(void **state)
{
    in_task(*state, schema);
}

static void temporary(struct world *w)
{
    static const char *const making[] = {
        "CREATE TEMP TABLE scratch(x)",
        "CREATE TEMP VIEW scratch AS SELECT 1",
        "CREATE TEMP TRIGGER scratch AFTER DELETE ON t BEGIN SELECT 1; END",
    };
    struct warm warm = { .lease.session = NULL };

    warm_begin(&warm, w);
    for (size_t i = 0; i < ARRAY_LEN(making); i++) {
        run(warm.lease.session, making[i]);
        assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM sqlite_temp_schema"),
                         1);
        lend_again(&warm, false);
        assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM sqlite_temp_schema"),
                         0);
    }
    warm_end(&warm);
}

static void temporary_objects_are_gone(void **state)
{
    in_task(*state, temporary);
}

static void counters(struct world *w)
{
    struct warm warm = { .lease.session = NULL };
    size_t idle = 0;

    warm_begin(&warm, w);
    for (int i = 0; i < 4; i++) {
        run(warm.lease.session, "INSERT INTO t(rowid) VALUES (7777)");
        assert_int_equal(sqlite3_last_insert_rowid(session_sqlite(warm.lease.session)), 7777);
        session_set_lock_timeout(warm.lease.session, 1);
        session_stop_statement(warm.lease.session, STOP_CANCEL);
        session_set_user(warm.lease.session, w, NULL);
        lend_again(&warm, true);
        assert_int_equal(sqlite3_last_insert_rowid(session_sqlite(warm.lease.session)), 0);
        assert_int_equal(session_options(warm.lease.session)->lock_timeout_us, 0);
        assert_null(session_user(warm.lease.session));
        assert_int_equal(query_int(warm.lease.session, "SELECT count(*) FROM t"),
                         1000); /* not stopped */
        size_t used = atomic_load(&session_account(warm.lease.session)->used);
        assert_true(i == 0 || used <= idle);
        idle = used;
    }
    warm_end(&warm);
}

static void counters_options_and_memory_are_as_new(void **state)
{
    in_task(*state, counters);
}

static void many(struct world *w)
{
    struct warm warm = { .lease.session = NULL };
    struct lease leases[64];

    warm_begin(&warm, w);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(leases); i++) {
            take_lease(&warm.pool, &leases[i]);
            run(leases[i].session, "UPDATE t SET rowid = rowid + 5000 WHERE rowid = 1");
        }
        for (size_t i = 0; i < ARRAY_LEN(leases); i++) {
            assert_int_equal(
                query_int(leases[i].session, "SELECT count(*) FROM t WHERE rowid > 5000"), 1);
            lease_release(&leases[i]);
        }
    }
    warm_end(&warm);
}

static void more_leases_than_warm_sessions(void **state)
{
    in_task(*state, many);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_one_lease_wrote_is_gone),
        WORLD_TEST(a_transaction_and_a_cursor_left_open_are_gone),
        WORLD_TEST(connections_that_cursors_took_are_gone),
        WORLD_TEST(a_failed_block_is_gone),
        WORLD_TEST(a_changed_schema_is_gone),
        WORLD_TEST(temporary_objects_are_gone),
        WORLD_TEST(counters_options_and_memory_are_as_new),
        WORLD_TEST(more_leases_than_warm_sessions),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
