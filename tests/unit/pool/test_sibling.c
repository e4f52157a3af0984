/* Large results that are open while their session goes on: what it does meanwhile, they go on
 * giving what they saw, and no copy of it is made. */
#include "support_session.h"

#include "base/alloc.h"
#include "pool/sibling.h"

#include <stdio.h>
#include <string.h>

enum { big_rows = 20000 };

static void make_big(struct session *session)
{
    char sql[300];

    run(session, "CREATE TABLE big(id INTEGER PRIMARY KEY, n INT, pad TEXT)");
    snprintf(sql, sizeof(sql),
             "INSERT INTO big WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE "
             "x<%d) SELECT x, x * 3, 'the pad of row ' || x FROM c",
             big_rows);
    run(session, sql);
}

static size_t used(struct session *session)
{
    return atomic_load(&session_account(session)->used);
}

static struct cursor *open_with(struct session *session, const char *sql, unsigned flags)
{
    struct failure f;
    struct cursor *cursor = NULL;

    assert_int_equal(cursor_open(session, view_of_str(sql), NULL, 0, flags, &cursor, &f), 0);
    return cursor;
}

/* All of 3, 6, 9 ... that are left. */
static void assert_rest(struct cursor *cursor, int from)
{
    for (int i = from; i <= big_rows; i++) {
        assert_int_equal(next_int(cursor), i * 3);
    }
    assert_int_equal(next_int(cursor), -1);
}

/* ---- what the session does ---- */

/* What the session has in use once it has written that, without cursors. */
static size_t cost_of(struct world *w, const char *sql)
{
    struct session *session = session_on(w->clone, NULL);

    begin(session, TXN_READ_COMMITTED);
    run(session, sql);
    size_t bytes = used(session);
    session_close(session);
    return bytes;
}

static void one_write(struct world *w, const char *sql, size_t cost)
{
    struct session *session = session_on(w->clone, NULL);
    bool block = cost > 0;

    if (block) {
        begin(session, TXN_READ_COMMITTED);
    }
    struct cursor *cursor = open_cursor(session, "SELECT n, pad FROM big ORDER BY id");
    assert_int_equal(next_int(cursor), 3);
    run(session, sql);
    assert_int_equal(session->siblings, 1);
    assert_true(!block || used(session) < cost + (200 << 10)); /* its rows are 1 MiB */
    assert_rest(cursor, 2);
    assert_int_equal(session->siblings, 0);
    cursor_close(cursor);
    session_close(session);
}

static void each_write(struct world *w)
{
    static const char *const writes[] = {
        "UPDATE big SET n = -n",
        "DELETE FROM big",
        "INSERT INTO big SELECT id + 100000, n, pad FROM big",
        "CREATE INDEX big_n ON big(n)",
        "ALTER TABLE big ADD COLUMN more TEXT DEFAULT 'x'",
        "ALTER TABLE big DROP COLUMN pad",
        "ALTER TABLE big RENAME TO made",
        "DROP TABLE big",
        "CREATE TABLE made AS SELECT * FROM big",
        "VACUUM",
    };

    make_big(w->session);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        if (strcmp(writes[i], "VACUUM") != 0) {
            one_write(w, writes[i], cost_of(w, writes[i]));
        }
        one_write(w, writes[i], 0);
        run(w->session, "DROP TABLE IF EXISTS big");
        run(w->session, "DROP TABLE IF EXISTS made");
        make_big(w->session);
    }
}

static void a_large_result_stays_what_it_was_and_is_not_copied(void **state)
{
    in_task(*state, each_write);
}

static void small(struct world *w)
{
    struct cursor *cursor = open_cursor(w->session, "SELECT n FROM t WHERE id <= 200 ORDER BY id");

    assert_int_equal(next_int(cursor), 10);
    run(w->session, "DELETE FROM t");
    assert_int_equal(w->session->siblings, 0);
    for (int i = 2; i <= 200; i++) {
        assert_int_equal(next_int(cursor), i * 10);
    }
    assert_int_equal(next_int(cursor), -1);
    cursor_close(cursor);
}

static void a_small_result_costs_no_connection(void **state)
{
    in_task(*state, small);
}

static void scrolling(struct world *w)
{
    struct session *session = session_on(
        w->clone, &(struct session_options){ .work_mem = 65536, .temp_file_limit = 64 << 20 });

    make_big(session);
    begin(session, TXN_READ_COMMITTED);
    struct cursor *cursor = open_with(session, "SELECT n, pad FROM big ORDER BY id", CURSOR_SCROLL);
    for (int i = 1; i <= 1000; i++) {
        assert_int_equal(next_int(cursor), i * 3);
    }
    run(session, "DELETE FROM big");
    assert_int_equal(session->siblings, 1);
    for (int i = 1000; i > 0; i--) {
        cursor_seek(cursor, (uint64_t)i - 1);
        assert_int_equal(next_int(cursor), i * 3);
    }
    assert_rest(cursor, 2);
    assert_int_equal(session->siblings, 0);
    cursor_seek(cursor, big_rows - 1);
    assert_int_equal(next_int(cursor), big_rows * 3);
    cursor_close(cursor);
    session_close(session);
}

/* It costs nothing until it goes back. */
static void rewinding(struct world *w)
{
    struct session *session = session_on(w->clone, NULL);
    struct failure f;

    make_big(session);
    begin(session, TXN_READ_COMMITTED);
    struct cursor *cursor =
        open_with(session, "SELECT n, pad FROM big ORDER BY id", CURSOR_REWINDS);
    size_t before = used(session);
    assert_rest(cursor, 1);
    assert_true(used(session) < before + (32 << 10));
    run(session, "DELETE FROM big");
    assert_int_equal(session->siblings, 1); /* it would have to be run again */
    assert_int_equal(next_int(cursor), -1);
    assert_int_equal(cursor_keep_rows(cursor, &f), 0);
    for (int i = big_rows; i > 0; i -= 1111) {
        cursor_seek(cursor, (uint64_t)i - 1);
        assert_int_equal(next_int(cursor), i * 3);
    }
    cursor_seek(cursor, 0);
    assert_rest(cursor, 1);
    assert_int_equal(session->siblings, 0);
    cursor_close(cursor);
    rollback(session);

    begin(session, TXN_READ_COMMITTED); /* of few rows all are kept: nothing is in the way */
    cursor = open_with(session, "SELECT n FROM big WHERE id <= 256", CURSOR_REWINDS);
    while (next_int(cursor) != -1) {
    }
    run(session, "DELETE FROM big");
    assert_int_equal(session->siblings, 0);
    assert_int_equal(cursor_keep_rows(cursor, &f), 0);
    cursor_seek(cursor, 100);
    assert_int_equal(next_int(cursor), 303);
    cursor_close(cursor);
    session_close(session);
}

static void one_that_may_have_to_scroll_keeps_its_connection(void **state)
{
    in_task(*state, rewinding);
}

static void one_that_scrolls_goes_back_and_on(void **state)
{
    in_task(*state, scrolling);
}

/* ---- many ---- */

enum { many_cursors = 2 * sibling_most + 3 };

static void many(struct world *w)
{
    struct session *session = session_on(
        w->clone, &(struct session_options){ .work_mem = 65536, .temp_file_limit = 64 << 20 });
    struct cursor *cursors[many_cursors];

    make_big(session);
    begin(session, TXN_READ_COMMITTED);
    for (int i = 0; i < 3; i++) { /* they share one */
        cursors[i] = open_cursor(session, "SELECT n FROM big ORDER BY id");
        assert_int_equal(next_int(cursors[i]), 3);
    }
    rollback(session);
    for (int i = 0; i < 3; i++) {
        cursor_close(cursors[i]);
    }
    for (int i = 0; i < many_cursors; i++) {
        cursors[i] = open_cursor(session, "SELECT n FROM big WHERE n > 0 ORDER BY id");
        assert_int_equal(next_int(cursors[i]), 3);
        run(session,
            i % 2 == 0 ? "UPDATE big SET n = -n WHERE id > 15000" : "UPDATE big SET n = abs(n)");
        assert_true(session->siblings <= sibling_most);
    }
    assert_int_equal(session->siblings, sibling_most);
    for (int i = many_cursors - 1; i >= 0; i--) {
        int last = i % 2 == 0 ? big_rows : 15000;

        for (int row = 2; row <= last; row++) {
            assert_int_equal(next_int(cursors[i]), row * 3);
        }
        assert_int_equal(next_int(cursors[i]), -1);
        cursor_close(cursors[i]);
    }
    assert_int_equal(session->siblings, 0);
    session_close(session);
}

static void of_many_some_are_copied(void **state)
{
    in_task(*state, many);
}

/* ---- transactions ---- */

static void repeatable(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    make_big(w->session);
    begin(w->session, TXN_REPEATABLE_READ);
    struct cursor *cursor = open_cursor(w->session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(next_int(cursor), 3);
    run(w->session, "DELETE FROM big WHERE id > 100");
    assert_int_equal(w->session->siblings, 1);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM big"), 100);
    assert_rest(cursor, 2);
    cursor_close(cursor);
    rollback(w->session);

    begin(w->session, TXN_REPEATABLE_READ);
    cursor = open_cursor(w->session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(next_int(cursor), 3);
    run(other, "DELETE FROM big WHERE id > 200");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM big"), big_rows);
    assert_int_equal(w->session->siblings, 0); /* nothing was in the way */
    struct failure f;
    assert_int_equal(txn_savepoint(w->session, view_of_str("s"), &f), 0);
    fails(w->session, "DELETE FROM big", "40001", NULL);
    assert_int_equal(w->session->siblings, 1);
    assert_int_equal(txn_rollback_to(w->session, view_of_str("s"), &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM big"), big_rows); /* as ever */
    assert_rest(cursor, 2);
    cursor_close(cursor);
    commit(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM big"), 200);
    session_close(other);
}

static void the_transactions_root_goes_on(void **state)
{
    in_task(*state, repeatable);
}

static void committed_by_others(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    make_big(w->session);
    begin(w->session, TXN_READ_COMMITTED);
    struct cursor *cursor = open_cursor(w->session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(next_int(cursor), 3);
    run(other, "DELETE FROM big WHERE id > 200");
    assert_int_equal(w->session->siblings, 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM big"), 200);
    assert_int_equal(w->session->siblings, 1);
    run(other, "DROP TABLE big");
    fails(w->session, "SELECT count(*) FROM big", "42P01", NULL);
    session_close(other);
    rollback(w->session);
    cursor_close(cursor);
    assert_int_equal(w->session->siblings, 0);
}

static void reads_of_the_session_are_not_kept_back(void **state)
{
    in_task(*state, committed_by_others);
}

static void savepoints(struct world *w)
{
    struct failure f;

    make_big(w->session);
    begin(w->session, TXN_READ_COMMITTED);
    struct cursor *old = open_cursor(w->session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(next_int(old), 3);
    assert_int_equal(txn_savepoint(w->session, view_of_str("a"), &f), 0);
    struct cursor *young = open_cursor(w->session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(txn_rollback_to(w->session, view_of_str("a"), &f), 0); /* nothing written */
    assert_true(cursor_is_gone(young));
    cursor_close(young);
    young = open_cursor(w->session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(next_int(young), 3);
    run(w->session, "DELETE FROM big");
    assert_int_equal(w->session->siblings, 1);
    struct cursor *dirty = open_cursor(w->session, "SELECT count(*) FROM big");
    assert_int_equal(txn_rollback_to(w->session, view_of_str("a"), &f), 0);
    assert_true(cursor_is_gone(young) && cursor_is_gone(dirty) && !cursor_is_gone(old));
    assert_int_equal(w->session->siblings, 1);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM big"), big_rows);
    assert_rest(old, 2);
    cursor_close(young);
    cursor_close(dirty);
    cursor_close(old);
    commit(w->session);
}

static void savepoints_pass_them_by(void **state)
{
    in_task(*state, savepoints);
}

static void held(struct world *w)
{
    struct failure f;

    make_big(w->session);
    begin(w->session, TXN_READ_COMMITTED);
    struct cursor *kept = open_with(w->session, "SELECT n FROM big ORDER BY id", CURSOR_PARKED);
    struct cursor *gone = open_cursor(w->session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(cursor_hold(kept, &f), 0);
    run(w->session, "DELETE FROM big");
    commit(w->session);
    assert_true(cursor_is_gone(gone) && !cursor_is_gone(kept));
    cursor_close(gone);
    assert_int_equal(w->session->siblings, 1);
    run(w->session, "DROP TABLE big");
    begin(w->session, TXN_READ_COMMITTED);
    rollback(w->session);
    assert_rest(kept, 1);
    assert_int_equal(w->session->siblings, 0);
    cursor_close(kept);
}

static void a_held_one_keeps_its_connection(void **state)
{
    in_task(*state, held);
}

static void no_spool(struct world *w)
{
    struct session *session = session_on(w->clone, &(struct session_options){ .work_mem = 1 });

    make_big(w->session);
    begin(session, TXN_READ_COMMITTED);
    struct cursor *cursor = open_cursor(session, "SELECT n FROM big ORDER BY id");
    struct cursor *other = open_cursor(session, "SELECT n, pad FROM big ORDER BY id");
    assert_int_equal(next_int(other), 3);
    run(session, "UPDATE big SET n = -n");
    assert_int_equal(session->siblings, 1);
    assert_rest(cursor, 1);
    assert_rest(other, 2);
    cursor_close(cursor);
    cursor_close(other);
    rollback(session);
    session_close(session);
}

static void it_needs_no_room_for_a_single_row(void **state)
{
    in_task(*state, no_spool);
}

/* ---- when there is none to be had ---- */

static void temporary(struct world *w)
{
    struct session *session =
        session_on(w->clone, &(struct session_options){ .temp_file_limit = 64 << 20 });

    make_big(session);
    run(session, "CREATE TEMP TABLE scratch AS SELECT id, n FROM big");
    struct cursor *cursor = open_cursor(session, "SELECT n FROM scratch ORDER BY id");
    assert_int_equal(next_int(cursor), 3);
    run(session, "DELETE FROM scratch");
    assert_int_equal(session->siblings, 0);
    assert_int_equal(query_int(session, "SELECT count(*) FROM scratch"), 0);
    assert_rest(cursor, 2);
    cursor_close(cursor);
    session_close(session);
}

static void temporary_objects_stay_with_the_session(void **state)
{
    in_task(*state, temporary);
}

static void no_memory(struct world *w)
{
    struct session *session = session_on(
        w->clone, &(struct session_options){ .temp_file_limit = 64 << 20, .work_mem = 4096 });

    make_big(session);
    struct cursor *cursor = open_cursor(session, "SELECT n FROM big ORDER BY id");
    assert_int_equal(next_int(cursor), 3);
    session_account(session)->limit = used(session) + (24 << 10);
    run(session, "DELETE FROM big WHERE id = 1");
    assert_int_equal(session->siblings, 0);
    session_account(session)->limit = 0;
    assert_rest(cursor, 2);
    cursor_close(cursor);
    session_close(session);
}

static void without_room_for_a_connection_rows_are_copied(void **state)
{
    in_task(*state, no_memory);
}

/* Fetches, writes and fetches on, with one allocation failing; gives whether all went well. */
static bool work(struct session *session, unsigned flags, struct failure *f)
{
    struct cursor *cursor = NULL;
    const struct cell *c;
    int64_t rows = 0;
    int r = cursor_open(session, view_of_str("SELECT n FROM big ORDER BY id LIMIT 600"), NULL, 0,
                        flags, &cursor, f);

    if (r == 0) {
        r = cursor_next(cursor, &c, f);
        rows++;
    }
    if (r == 0) {
        r = try(session, "UPDATE big SET n = -n WHERE id < 10", f);
    }
    for (; r == 0 && (r = cursor_next(cursor, &c, f)) == 0; rows++) {
        assert_int_equal(c[0].i, (rows + 1) * 3);
    }
    if (r == CURSOR_END && flags == CURSOR_REWINDS) {
        r = cursor_keep_rows(cursor, f);
        if (r == 0) {
            cursor_seek(cursor, 0);
            r = cursor_next(cursor, &c, f);
            assert_true(r != 0 || c[0].i == 3);
        }
    }
    cursor_close(cursor);
    assert_true(r == FAILED || rows == 600);
    return r != FAILED;
}

static void each_allocation_of(struct world *w, unsigned flags)
{
    unsigned failed = 0;
    bool hit = true;

    for (unsigned at = 1; hit; at++) {
        struct session *session =
            session_on(w->clone, &(struct session_options){ .temp_file_limit = 64 << 20 });
        struct failure f = { .sqlstate = "" };

        begin(session, TXN_READ_COMMITTED);
        assert_int_equal(query_int(session, "SELECT count(*) FROM big"), big_rows);
        mem_fail_at(at, false);
        bool fine = work(session, flags, &f);
        hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_true(fine || strcmp(f.sqlstate, "53200") == 0);
        assert_true(fine || hit);
        failed += !fine;
        rollback(session);
        assert_int_equal(session->siblings, 0);
        assert_true(work(session, flags, &f));
        rollback(session);
        run(session, "UPDATE big SET n = abs(n)");
        session_close(session);
    }
    assert_true(failed > 10);
}

static void each_allocation(struct world *w)
{
    make_big(w->session);
    each_allocation_of(w, CURSOR_PARKED);
    each_allocation_of(w, CURSOR_REWINDS);
    each_allocation_of(w, CURSOR_SCROLL);
}

static void each_allocation_may_fail(void **state)
{
    in_task(*state, each_allocation);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_large_result_stays_what_it_was_and_is_not_copied),
        WORLD_TEST(a_small_result_costs_no_connection),
        WORLD_TEST(one_that_scrolls_goes_back_and_on),
        WORLD_TEST(one_that_may_have_to_scroll_keeps_its_connection),
        WORLD_TEST(of_many_some_are_copied),
        WORLD_TEST(the_transactions_root_goes_on),
        WORLD_TEST(reads_of_the_session_are_not_kept_back),
        WORLD_TEST(savepoints_pass_them_by),
        WORLD_TEST(a_held_one_keeps_its_connection),
        WORLD_TEST(it_needs_no_room_for_a_single_row),
        WORLD_TEST(temporary_objects_stay_with_the_session),
        WORLD_TEST(without_room_for_a_connection_rows_are_copied),
        WORLD_TEST(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
