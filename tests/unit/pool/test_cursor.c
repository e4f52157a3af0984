/* Cursors: rows one by one, parameters, what happens to half-run ones when the session goes on. */
#include "support_session.h"

#include "async/await.h"
#include "base/alloc.h"
#include "pool/tempfile.h"

#include <errno.h>
#include <string.h>

static void kinds(struct world *w)
{
    struct failure f;
    struct cursor *cursor;
    const struct cell *c;
    const struct cell params[] = {
        { .kind = CELL_INT, .i = INT64_MIN },
        { .kind = CELL_REAL, .r = 0.5 },
        { .kind = CELL_TEXT, .bytes = view_of("ab\0c", 4) },
        { .kind = CELL_BLOB, .bytes = view_of("\0\1", 2) },
        { .kind = CELL_NULL },
        { .kind = CELL_TEXT, .bytes = view_of(NULL, 0) },
        { .kind = CELL_BLOB, .bytes = view_of(NULL, 0) },
        { .kind = CELL_INT, .i = 1 }, /* more than the statement names */
    };

    assert_int_equal(cursor_open(w->session, view_of_str("SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7"),
                                 params, 8, 0, &cursor, &f),
                     0);
    assert_int_equal(cursor_columns(cursor), 7);
    assert_int_equal(cursor_next(cursor, &c, &f), 0);
    assert_true(c[0].kind == CELL_INT && c[0].i == INT64_MIN);
    assert_true(c[1].kind == CELL_REAL && c[1].r == 0.5);
    assert_true(c[2].kind == CELL_TEXT && view_equal(c[2].bytes, params[2].bytes));
    assert_true(c[3].kind == CELL_BLOB && view_equal(c[3].bytes, params[3].bytes));
    assert_true(c[4].kind == CELL_NULL);
    assert_true(c[5].kind == CELL_TEXT && c[5].bytes.len == 0);
    assert_true(c[6].kind == CELL_BLOB && c[6].bytes.len == 0);
    assert_int_equal(cursor_next(cursor, &c, &f), CURSOR_END);
    assert_int_equal(cursor_next(cursor, &c, &f), CURSOR_END);
    cursor_close(cursor);
}

static void cells_come_as_they_were_bound(void **state)
{
    in_task(*state, kinds);
}

static size_t half_run(struct session *session)
{
    size_t busy = 0;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(session_sqlite(session), s)) != NULL;) {
        busy += sqlite3_stmt_busy(s) != 0;
    }
    return busy;
}

/* Rows that the session itself changes later are seen as they were. */
static void parked(struct world *w)
{
    begin(w->session, TXN_READ_COMMITTED);
    struct cursor *before = open_cursor(w->session, "SELECT n FROM t ORDER BY id");
    struct cursor *unstarted = open_cursor(w->session, "SELECT s FROM t ORDER BY id DESC");
    assert_int_equal(next_int(before), 10);
    assert_int_equal(run(w->session, "UPDATE t SET n = -7"), 1000);
    assert_int_equal(half_run(w->session), 0);
    struct cursor *after = open_cursor(w->session, "SELECT n FROM t ORDER BY id");
    assert_int_equal(next_int(after), -7);
    run(w->session, "DELETE FROM t");
    assert_int_equal(half_run(w->session), 0);
    for (int i = 2; i <= 1000; i++) {
        assert_int_equal(next_int(before), i * 10);
    }
    assert_int_equal(next_int(before), -1);
    struct failure f;
    const struct cell *c;
    assert_int_equal(cursor_next(unstarted, &c, &f), 0);
    assert_true(view_equal_str(c[0].bytes, "row 1000"));
    assert_int_equal(next_int(after), -7);
    cursor_close(before);
    cursor_close(unstarted);
    cursor_close(after);
    commit(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 0);
}

static void writes_of_the_session_do_not_reach_parked_cursors(void **state)
{
    in_task(*state, parked);
}

static void not_stale(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    begin(w->session, TXN_READ_COMMITTED);
    struct cursor *cursor = open_cursor(w->session, "SELECT id FROM t");
    assert_int_equal(next_int(cursor), 1);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(half_run(w->session), 1); /* nothing has changed: it stays where it is */
    run(other, "DELETE FROM t WHERE id > 500");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 500);
    assert_int_equal(half_run(w->session), 0);
    int64_t rows = 1;
    while (next_int(cursor) != -1) {
        rows++;
    }
    assert_int_equal(rows, 1000);
    cursor_close(cursor);
    commit(w->session);
    session_close(other);
}

static void a_parked_cursor_does_not_make_reads_stale(void **state)
{
    in_task(*state, not_stale);
}

static void returning(struct world *w)
{
    struct cursor *cursor =
        open_cursor(w->session, "UPDATE t SET n = id WHERE id <= 5 RETURNING n");

    assert_int_equal(cursor_changes(cursor), 5);
    assert_int_equal(half_run(w->session), 0);
    assert_false(clone_has_writer(w->clone, w->session));
    assert_int_equal(query_int(w->session, "SELECT sum(n) FROM t WHERE id <= 5"), 15);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(next_int(cursor), i);
    }
    assert_int_equal(next_int(cursor), -1);
    cursor_close(cursor);
    cursor = open_cursor(w->session, "DELETE FROM t RETURNING id");
    assert_int_equal(next_int(cursor), 1);
    cursor_close(cursor); /* half-way: all is deleted nevertheless */
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 0);
}

static void returning_runs_to_its_end_at_once(void **state)
{
    in_task(*state, returning);
}

static void spool_full(struct world *w)
{
    struct session *session = session_on(w->clone, &(struct session_options){ .work_mem = 4096 });
    struct failure f;
    const struct cell *c;

    begin(session, TXN_READ_COMMITTED);
    run(session, "UPDATE t SET n = 0 WHERE id = 1");
    struct cursor *cursor = open_cursor(session, "SELECT * FROM t");
    assert_int_equal(next_int(cursor), 1);
    fails(session, "DELETE FROM t", "53200", NULL);
    rollback(session);
    assert_int_equal(cursor_next(cursor, &c, &f), FAILED);
    cursor_close(cursor);
    assert_int_equal(run(session, "DELETE FROM t"), 1000);
    fails(session,
          "INSERT INTO t SELECT value, 0, '' FROM json_each('[' || replace(hex(zeroblob(3000)), "
          "'00', '1,') || '1]') WHERE 0 RETURNING nosuch",
          "42703", NULL);
    session_close(session);
}

static void a_cursor_too_large_to_leave_fails_the_write(void **state)
{
    in_task(*state, spool_full);
}

static void returning_full(struct world *w)
{
    struct session *session = session_on(w->clone, &(struct session_options){ .work_mem = 4096 });

    fails(session, "UPDATE t SET n = 1 RETURNING *", "53200", NULL);
    assert_int_equal(query_int(session, "SELECT count(*) FROM t WHERE n = 1"), 0);
    assert_false(clone_has_writer(w->clone, session));
    session_close(session);
}

static void a_returning_too_large_to_keep_changes_nothing(void **state)
{
    in_task(*state, returning_full);
}

/* ---- what it sees ---- */

static struct cursor *open_parked(struct session *session, const char *sql, unsigned flags)
{
    struct failure f;
    struct cursor *cursor = NULL;

    assert_int_equal(
        cursor_open(session, view_of_str(sql), NULL, 0, flags | CURSOR_PARKED, &cursor, &f), 0);
    return cursor;
}

static int64_t count_rows(struct cursor *cursor)
{
    int64_t rows = 0;

    while (next_int(cursor) != -1) {
        rows++;
    }
    cursor_close(cursor);
    return rows;
}

static void parked_root(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    for (int isolation = TXN_READ_COMMITTED; isolation <= TXN_REPEATABLE_READ; isolation++) {
        begin(w->session, (enum txn_isolation)isolation);
        int64_t before = query_int(w->session, "SELECT count(*) FROM t");
        struct cursor *one = open_parked(w->session, "SELECT id FROM t", 0);
        struct cursor *two = open_parked(w->session, "SELECT id FROM t", 0);
        run(other, "DELETE FROM t WHERE id % 2 = 0 OR id > 900");
        assert_int_equal(count_rows(one), before);
        assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"),
                         isolation == TXN_READ_COMMITTED ? 450 : before);
        run(other, "DELETE FROM t WHERE id < 500");
        assert_int_equal(count_rows(two), before);
        commit(w->session);
        assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 200);
    }
    session_close(other);
}

static void one_that_is_not_read_yet_sees_what_was_there(void **state)
{
    in_task(*state, parked_root);
}

static void foreign_schema(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    begin(w->session, TXN_READ_COMMITTED);
    struct cursor *cursor = open_cursor(w->session, "SELECT id FROM t");
    assert_int_equal(next_int(cursor), 1);
    run(other, "CREATE TABLE made(x)");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM made"), 0);
    run(other, "DROP TABLE t");
    assert_int_equal(run(w->session, "INSERT INTO made VALUES (1)"), 1);
    assert_int_equal(count_rows(cursor), 999);
    rollback(w->session);
    session_close(other);
}

static void a_half_run_one_hides_no_new_table(void **state)
{
    in_task(*state, foreign_schema);
}

static void late_failure(struct world *w)
{
    const char *sql = "SELECT iif(id = 4, abs(-9223372036854775807 - 1), id) FROM t";
    struct failure f;
    const struct cell *c;

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "UPDATE t SET n = 0 WHERE id = 1");
    struct cursor *cursor = open_cursor(w->session, sql);
    assert_int_equal(next_int(cursor), 1);
    assert_int_equal(run(w->session, "DELETE FROM t"), 1000); /* it is none of its business */
    assert_int_equal(next_int(cursor), 2);
    assert_int_equal(next_int(cursor), 3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cursor_next(cursor, &c, &f), FAILED);
        assert_string_equal(f.sqlstate, "22003");
    }
    cursor_close(cursor);
    rollback(w->session);
}

static void a_row_that_fails_is_told_to_who_reads_it(void **state)
{
    in_task(*state, late_failure);
}

static void held(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);
    struct failure f;

    begin(w->session, TXN_REPEATABLE_READ);
    struct cursor *half = open_parked(w->session, "SELECT id FROM t", CURSOR_SCROLL);
    struct cursor *fresh = open_parked(w->session, "SELECT id FROM t", 0);
    assert_int_equal(cursor_hold(half, &f), 0);
    assert_int_equal(cursor_hold(fresh, &f), 0);
    assert_int_equal(next_int(half), 1);
    commit(w->session);
    run(other, "DELETE FROM t WHERE id > 10");
    begin(w->session, TXN_REPEATABLE_READ); /* its root is not theirs */
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 10);
    run(w->session, "DELETE FROM t");
    rollback(w->session);
    run(w->session, "DELETE FROM t");
    assert_int_equal(count_rows(fresh), 1000);
    assert_int_equal(count_rows(half), 999);
    struct cursor *outside = open_parked(w->session, "SELECT id FROM t", 0);
    assert_int_equal(cursor_hold(outside, &f), 0);
    run(other, "INSERT INTO t(id) VALUES (7)");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1);
    assert_int_equal(count_rows(outside), 0);
    session_close(other);
}

static void held_ones_go_on_with_their_root(void **state)
{
    in_task(*state, held);
}

/* ---- in a file ---- */

static struct session *with_file(struct world *w, uint64_t limit)
{
    return session_on(w->clone,
                      &(struct session_options){ .work_mem = 4096, .temp_file_limit = limit });
}

static struct cursor *open_scroll(struct session *session, const char *sql)
{
    struct failure f;
    struct cursor *cursor = NULL;

    assert_int_equal(cursor_open(session, view_of_str(sql), NULL, 0, CURSOR_SCROLL, &cursor, &f),
                     0);
    return cursor;
}

/* A transaction that has written has nowhere but the spool for its cursors. */
static void to_file(struct world *w)
{
    struct session *session = with_file(w, 1 << 20);

    begin(session, TXN_READ_COMMITTED);
    run(session, "UPDATE t SET n = n + 1 WHERE id = 1000");
    struct cursor *plain = open_cursor(session, "SELECT n, s FROM t ORDER BY id");
    struct cursor *scroll = open_scroll(session, "SELECT id, s FROM t ORDER BY id");
    assert_int_equal(next_int(plain), 10);
    for (int i = 1; i <= 500; i++) {
        assert_int_equal(next_int(scroll), i);
    }
    assert_int_equal(run(session, "DELETE FROM t"), 1000);
    assert_int_equal(half_run(session), 0);
    for (int i = 2; i < 1000; i++) {
        assert_int_equal(next_int(plain), i * 10);
    }
    assert_int_equal(next_int(plain), 10001);
    assert_int_equal(next_int(plain), -1);
    assert_int_equal(next_int(scroll), 501);
    for (int i = 1000; i > 0; i--) {
        cursor_seek(scroll, (uint64_t)i - 1);
        assert_int_equal(next_int(scroll), i);
    }
    cursor_close(plain);
    cursor_close(scroll);
    session_close(session);
}

static void what_does_not_fit_goes_to_a_file(void **state)
{
    in_task(*state, to_file);
}

static void returning_to_file(struct world *w)
{
    struct session *session = with_file(w, 1 << 20);
    struct cursor *cursor = open_cursor(session, "UPDATE t SET n = -id RETURNING n, s");

    assert_int_equal(cursor_changes(cursor), 1000);
    assert_false(clone_has_writer(w->clone, session));
    for (int i = 1; i <= 1000; i++) {
        assert_int_equal(next_int(cursor), -i);
    }
    cursor_close(cursor);
    session_close(session);
}

static void rows_of_returning_go_to_a_file(void **state)
{
    in_task(*state, returning_to_file);
}

static void no_room(struct world *w, struct session *session, const char *sqlstate)
{
    struct failure f;
    const struct cell *c;

    begin(session, TXN_READ_COMMITTED);
    run(session, "UPDATE t SET n = 0 WHERE id = 1");
    assert_int_equal(txn_savepoint(session, view_of_str("s"), &f), 0);
    struct cursor *cursor = open_cursor(session, "SELECT * FROM t");
    assert_int_equal(next_int(cursor), 1);
    fails(session, "DELETE FROM t", sqlstate, NULL);
    rollback(session);
    assert_int_equal(cursor_next(cursor, &c, &f), FAILED);
    cursor_close(cursor);
    fails(session, "UPDATE t SET n = 1 RETURNING *", sqlstate, NULL);
    assert_int_equal(query_int(session, "SELECT count(*) FROM t WHERE n = 1"), 0);
    assert_false(clone_has_writer(w->clone, session));
    session_close(session);
}

static void full(struct world *w)
{
    no_room(w, with_file(w, 8000), "53100");
    no_room(w,
            session_on(w->clone, &(struct session_options){ .work_mem = 4096,
                                                            .temp_file_limit = 1 << 20,
                                                            .temp_dir = "/nowhere" }),
            "58P01");
}

static void a_full_or_missing_disk_fails_the_write(void **state)
{
    in_task(*state, full);
}

/* Each thing that the disk is asked for fails once: the statement fails, nothing is changed, and
 * the next one works. */
static void disk_faults(struct world *w)
{
    struct session *session = with_file(w, 1 << 20);
    bool hit = true;

    for (unsigned n = 1; hit; n++) {
        struct failure f = { .sqlstate = "" };
        (void)tempfile_fail_at(n, ENOSPC);
        struct cursor *cursor = NULL;
        int r = cursor_open(session, view_of_str("UPDATE t SET n = -1 RETURNING *"), NULL, 0,
                            CURSOR_WRITES, &cursor, &f);
        hit = tempfile_fail_at(0, 0);
        cursor_close(cursor);
        assert_int_equal(r, hit ? FAILED : 0);
        assert_string_equal(f.sqlstate, hit ? "53100" : "");
        assert_int_equal(query_int(session, "SELECT count(*) FROM t WHERE n < 0"), hit ? 0 : 1000);
        assert_true(hit || n > 3);
    }
    session_close(session);
}

static void each_fault_of_the_disk_fails_its_statement_only(void **state)
{
    in_task(*state, disk_faults);
}

static void count_turns(void *arg)
{
    unsigned *turns = arg;

    while (*turns < 10) {
        ++*turns;
        assert_int_equal(await_turn(), 0);
    }
}

/* The clock stands still, so that no time slice ever ends: only the disk gives up the turn. */
static void others_run(struct world *w)
{
    struct session *session = with_file(w, 1 << 20);
    unsigned turns = 0;

    start(w, count_turns, &turns);
    struct cursor *cursor = open_cursor(session, "UPDATE t SET n = -id RETURNING n, s");
    struct account *outside = account_current();
    while (next_int(cursor) != -1) {
        assert_ptr_equal(account_current(), outside);
    }
    cursor_close(cursor);
    assert_int_equal(turns, 10);
    session_close(session);
}

static void others_run_while_the_disk_works(void **state)
{
    in_task(*state, others_run);
}

static void reshaped(struct world *w)
{
    struct failure f;
    const struct cell *c;

    run(w->session, "CREATE TABLE shape(a)");
    run(w->session, "INSERT INTO shape VALUES(1)");
    struct cursor *cursor = open_cursor(w->session, "SELECT * FROM shape");
    struct session *other = session_on(w->clone, NULL);
    run(other, "ALTER TABLE shape ADD COLUMN b");
    session_close(other);
    assert_int_equal(cursor_next(cursor, &c, &f), FAILED);
    assert_string_equal(f.sqlstate, "0A000");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "cached plan must not change result type");
    assert_int_equal(cursor_next(cursor, &c, &f), CURSOR_END);
    cursor_close(cursor);
}

static void a_plan_that_gives_other_columns_is_refused(void **state)
{
    in_task(*state, reshaped);
}

static void two_of_a_text(struct world *w)
{
    struct cursor *a = open_cursor(w->session, "SELECT id FROM t");
    struct cursor *b = open_cursor(w->session, "SELECT id FROM t");

    assert_int_equal(next_int(a), 1);
    assert_int_equal(next_int(a), 2);
    assert_int_equal(next_int(b), 1);
    assert_int_equal(next_int(a), 3);
    cursor_close(a);
    assert_int_equal(next_int(b), 2);
    cursor_close(b);
}

static void two_cursors_of_one_text_are_apart(void **state)
{
    in_task(*state, two_of_a_text);
}

static void multiple(struct world *w)
{
    fails(w->session, "SELECT 1; SELECT 2", "42601",
          "cannot insert multiple commands into a prepared statement");
    fails(w->session, "", "42601", NULL);
    fails(w->session, "-- nothing", "42601", NULL);
    fails(w->session, "SELECT 'abc", "42601", NULL);
    fails(w->session, "SELECT (1", "42601", "syntax error at end of input");
    assert_int_equal(query_int(w->session, "SELECT 3; -- the end"), 3);
}

static void texts_that_are_not_one_statement_are_refused(void **state)
{
    in_task(*state, multiple);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(cells_come_as_they_were_bound),
        WORLD_TEST(writes_of_the_session_do_not_reach_parked_cursors),
        WORLD_TEST(a_parked_cursor_does_not_make_reads_stale),
        WORLD_TEST(returning_runs_to_its_end_at_once),
        WORLD_TEST(a_cursor_too_large_to_leave_fails_the_write),
        WORLD_TEST(a_returning_too_large_to_keep_changes_nothing),
        WORLD_TEST(one_that_is_not_read_yet_sees_what_was_there),
        WORLD_TEST(a_half_run_one_hides_no_new_table),
        WORLD_TEST(a_row_that_fails_is_told_to_who_reads_it),
        WORLD_TEST(held_ones_go_on_with_their_root),
        WORLD_TEST(what_does_not_fit_goes_to_a_file),
        WORLD_TEST(rows_of_returning_go_to_a_file),
        WORLD_TEST(a_full_or_missing_disk_fails_the_write),
        WORLD_TEST(each_fault_of_the_disk_fails_its_statement_only),
        WORLD_TEST(others_run_while_the_disk_works),
        WORLD_TEST(a_plan_that_gives_other_columns_is_refused),
        WORLD_TEST(two_cursors_of_one_text_are_apart),
        WORLD_TEST(texts_that_are_not_one_statement_are_refused),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
