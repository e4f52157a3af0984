/* DECLARE, FETCH, MOVE, CLOSE: positions, lifetimes, what a cursor goes on seeing. The answers were
 * PostgreSQL 15's. */
#include "sql/portal.h"

#include "base/alloc.h"
#include "base/defs.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "support_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct test_session *t)
{
    raw(t, "CREATE TABLE n (i integer COLLATE int4 PRIMARY KEY)");
    raw(t, "INSERT INTO n VALUES (1), (2), (3), (4), (5)");
}

static void expect_all(struct test_session *t, const char *const pairs[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows(t, pairs[i][0]), pairs[i][1]) != 0) {
            print_error("%s: got %s instead of %s\n", pairs[i][0], t->rows, pairs[i][1]);
            fail();
        }
    }
}

static void expect_tag(struct test_session *t, const char *text, const char *tag)
{
    assert_true(run(t, text));
    assert_string_equal(t->tag, tag);
}

/* ---- all directions, on the numbers from 1 to 5 ---- */

static const char *const directions[][2] = {
    { "FETCH c", "1\n" },
    { "FETCH 2 FROM c", "2\n3\n" },
    { "FETCH PRIOR c", "2\n" },
    { "FETCH FIRST c", "1\n" },
    { "FETCH LAST c", "5\n" },
    { "FETCH NEXT c", "" },
    { "FETCH PRIOR c", "5\n" },
    { "FETCH ABSOLUTE 2 c", "2\n" },
    { "FETCH ABSOLUTE -2 c", "4\n" },
    { "FETCH RELATIVE -1 c", "3\n" },
    { "FETCH RELATIVE 0 c", "3\n" },
    { "FETCH 0 c", "3\n" },
    { "FETCH BACKWARD ALL c", "2\n1\n" },
    { "FETCH ALL c", "1\n2\n3\n4\n5\n" },
    { "FETCH BACKWARD 2 c", "5\n4\n" },
    { "FETCH FORWARD -1 c", "3\n" },
    { "FETCH ABSOLUTE 0 c", "" },
    { "FETCH ABSOLUTE 99 c", "" },
    { "FETCH ABSOLUTE -99 c", "" },
    { "FETCH c", "1\n" },
};

static void go_everywhere(struct test_session *t, const char *declare)
{
    expect_tag(t, declare, "DECLARE CURSOR");
    expect_all(t, directions, ARRAY_LEN(directions));
    expect_tag(t, "FETCH 2 c", "FETCH 2");
    expect_tag(t, "MOVE 0 c", "MOVE 1");
    expect_tag(t, "MOVE ALL c", "MOVE 2");
    expect_tag(t, "MOVE 0 c", "MOVE 0");
    expect_tag(t, "MOVE BACKWARD ALL c", "MOVE 5");
    expect_tag(t, "MOVE ABSOLUTE 3 c", "MOVE 1");
    expect_tag(t, "MOVE RELATIVE -2 c", "MOVE 1");
    expect_tag(t, "MOVE LAST c", "MOVE 1");
    expect_tag(t, "CLOSE c", "CLOSE CURSOR");
    assert_string_equal(state(t, "FETCH c"), "34000");
}

static void scroll_body(struct test_session *t)
{
    fill(t);
    rows(t, "BEGIN");
    go_everywhere(t, "DECLARE c SCROLL CURSOR FOR SELECT i FROM n ORDER BY i");
}

static void a_scrollable_cursor_goes_everywhere(void **state)
{
    (void)state;
    with_session(scroll_body);
}

/* PostgreSQL's plan for it can. */
static void plain_body(struct test_session *t)
{
    fill(t);
    rows(t, "BEGIN");
    go_everywhere(t, "DECLARE c CURSOR FOR SELECT i FROM n ORDER BY i");
    rows(t, "ROLLBACK; BEGIN; UPDATE n SET i = i"); /* sees what is not committed */
    go_everywhere(t, "DECLARE c CURSOR FOR SELECT i FROM n");
    rows(t, "ROLLBACK; BEGIN; DECLARE c CURSOR WITH HOLD FOR VALUES (1), (2), (3), (4), (5);"
            "MOVE 3 c; COMMIT; DELETE FROM n");
    assert_string_equal(rows(t, "FETCH BACKWARD ALL c"), "2\n1\n");
    rows(t, "CLOSE c");
}

static void another_does_where_its_plan_can(void **state)
{
    (void)state;
    with_session(plain_body);
}

/* So many rows that none is kept: it is run again. */
static void back_and_forth(struct test_session *t, bool written, bool at_end, const char *between)
{
    rows(t, written ? "BEGIN; UPDATE big SET i = -1 WHERE i = 3000" : "BEGIN");
    rows(t, "DECLARE c CURSOR FOR SELECT i FROM big WHERE i > 0 ORDER BY i");
    rows(t, at_end ? "MOVE ALL c" : "MOVE 2000 c");
    rows(t, between);
    assert_string_equal(rows(t, "FETCH PRIOR c"), !at_end    ? "1999\n"
                                                  : !written ? "3000\n"
                                                             : "2999\n");
    assert_string_equal(rows(t, "FETCH FIRST c"), "1\n");
    assert_string_equal(rows(t, "FETCH ABSOLUTE 2500 c"), "2500\n");
    assert_string_equal(rows(t, "FETCH BACKWARD 2 c"), "2499\n2498\n");
    assert_string_equal(rows(t, "FETCH LAST c"), written ? "2999\n" : "3000\n");
    expect_tag(t, "MOVE BACKWARD ALL c", written ? "MOVE 2998" : "MOVE 2999");
    rows(t, "ROLLBACK");
}

static void rerun_body(struct test_session *t)
{
    static const char *const between[] = { "SELECT 1", "DELETE FROM big", "TRUNCATE big",
                                           "DROP TABLE big" };

    rows(t, "CREATE TABLE big AS SELECT i FROM generate_series(1, 3000) AS g(i)");
    for (size_t i = 0; i < 4 * ARRAY_LEN(between); i++) {
        back_and_forth(t, i % 2 == 1, i / 2 % 2 == 1, between[i / 4]);
    }
}

static void a_long_one_is_run_again(void **state)
{
    (void)state;
    with_session(rerun_body);
}

static void forward_body(struct test_session *t)
{
    static const char *const refused[] = { "FETCH PRIOR c",       "FETCH 0 c",
                                           "FETCH ABSOLUTE 1 c",  "FETCH LAST c",
                                           "MOVE BACKWARD ALL c", "MOVE ABSOLUTE 0 c" };

    fill(t);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        rows(t, "BEGIN; DECLARE c CURSOR FOR SELECT i FROM n GROUP BY i ORDER BY i; FETCH 2 c;"
                "MOVE 0 c; SAVEPOINT s");
        assert_string_equal(state(t, refused[i]), "55000");
        assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                            "cursor can only scan forward");
        assert_string_equal(failure_get(&t->failure, FIELD_HINT),
                            "Declare it with SCROLL option to enable backward scan.");
        rows(t, "ROLLBACK TO s");
        assert_string_equal(state(t, "FETCH c"), "55000"); /* such a failure ends it */
        rows(t, "ROLLBACK");
    }
    rows(t, "BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT i FROM n ORDER BY i");
    assert_string_equal(rows(t, "FETCH ABSOLUTE 3 c"), "3\n");
    assert_string_equal(rows(t, "FETCH RELATIVE 2 c"), "5\n");
    assert_string_equal(rows(t, "FETCH ALL c"), "");
}

static void another_goes_forward_only(void **state)
{
    (void)state;
    with_session(forward_body);
}

static void seen_body(struct test_session *t)
{
    fill(t);
    rows(t, "BEGIN; DECLARE c CURSOR FOR SELECT i FROM n ORDER BY i; FETCH c; DELETE FROM n");
    assert_string_equal(rows(t, "FETCH 2 c"), "2\n3\n");
    rows(t, "DROP TABLE n");
    assert_string_equal(rows(t, "FETCH ALL c"), "4\n5\n");
    rows(t, "ROLLBACK");
}

static void a_cursor_keeps_what_it_saw(void **state)
{
    (void)state;
    with_session(seen_body);
}

/* The session goes on with a fresh connection, on which there must be all that it uses. */
static void large_body(struct test_session *t)
{
    static const char *const writes[] = {
        "TRUNCATE big",
        "DELETE FROM big",
        "UPDATE big SET label = upper(label) || md5(label)",
        "DROP TABLE big",
        "ALTER TABLE big ADD COLUMN c int DEFAULT 7",
        "ALTER TABLE big RENAME label TO named",
        "INSERT INTO big (label) SELECT 'x' FROM generate_series(1, 9)",
        "CREATE INDEX ON big (label)",
    };

    rows(t, "CREATE TABLE big (i serial PRIMARY KEY, label text, at timestamp);"
            "INSERT INTO big (label, at) SELECT 'row ' || i, '2024-02-29' FROM "
            "generate_series(1, 3000) AS g(i)");
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        const void *connection = session_sqlite(t->session);

        rows(t, "BEGIN; DECLARE c CURSOR FOR SELECT i, initcap(label), at + interval '1 day' FROM "
                "big ORDER BY i");
        assert_string_equal(rows(t, "FETCH c"), "1|Row 1|2024-03-01 00:00:00\n");
        rows(t, writes[i]);
        assert_true(session_sqlite(t->session) != connection);
        assert_string_equal(rows(t,
                                 "SELECT initcap('ab') || md5('x'), '7'::int4 + 1, lastval() > 0,"
                                 " date '2024-02-28' + 1, sum(a), count(*) FROM "
                                 "generate_series(1, 3) AS g(a)"),
                            "Ab9dd4e461268c8034f5c8564e155c67a6|8|t|2024-02-29|6|3\n");
        expect_tag(t, "MOVE 2997 c", "MOVE 2997");
        assert_string_equal(rows(t, "FETCH ALL c"), "2999|Row 2999|2024-03-01 00:00:00\n"
                                                    "3000|Row 3000|2024-03-01 00:00:00\n");
        rows(t, "ROLLBACK");
        assert_string_equal(rows(t, "SELECT count(*), max(label) FROM big"), "3000|row 999\n");
    }
}

static void a_large_result_stays_as_it_was(void **state)
{
    (void)state;
    with_session(large_body);
}

static void savepoints_body(struct test_session *t)
{
    fill(t);
    rows(t, "BEGIN; INSERT INTO n VALUES (6); DECLARE old CURSOR FOR SELECT i FROM n ORDER BY i;"
            "FETCH old; SAVEPOINT a; DECLARE young CURSOR FOR SELECT i FROM n; DELETE FROM n;"
            "SAVEPOINT b; DECLARE kept CURSOR FOR SELECT 7; RELEASE b; FETCH 2 old; ROLLBACK TO a");
    assert_string_equal(rows(t, "FETCH ALL old"), "4\n5\n6\n");
    rows(t, "SAVEPOINT c");
    assert_string_equal(state(t, "FETCH young"), "34000");
    rows(t, "ROLLBACK TO c");
    assert_string_equal(state(t, "FETCH kept"), "34000");        /* RELEASE gave it to a */
    rows(t, "ROLLBACK TO c; DECLARE young CURSOR FOR SELECT 8"); /* its name is free again */
    rows(t, "RELEASE c");
    assert_string_equal(rows(t, "FETCH young"), "8\n");
    rows(t, "ROLLBACK");
}

static void savepoints_end_what_was_opened_since(void **state)
{
    (void)state;
    with_session(savepoints_body);
}

static void hold_body(struct test_session *t)
{
    fill(t);
    rows(t, "BEGIN; DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT i FROM n ORDER BY i; FETCH 2 h;"
            "DECLARE gone CURSOR FOR SELECT 1; DELETE FROM n; COMMIT");
    assert_string_equal(rows(t, "FETCH 2 h"), "3\n4\n");
    assert_string_equal(rows(t, "FETCH BACKWARD ALL h"), "3\n2\n1\n");
    assert_string_equal(state(t, "FETCH gone"), "34000");
    rows(t, "BEGIN; FETCH h; ROLLBACK");
    assert_string_equal(rows(t, "FETCH h"), "2\n");
    assert_string_equal(rows(t, "SELECT count(*) FROM n"), "0\n");
    assert_string_equal(state(t, "DECLARE h CURSOR WITH HOLD FOR SELECT 1"), "42P03");
    rows(t, "BEGIN; DECLARE r CURSOR WITH HOLD FOR SELECT 1; ROLLBACK");
    assert_string_equal(state(t, "FETCH r"), "34000");
    assert_true(run(t, "DISCARD ALL"));
    assert_string_equal(state(t, "FETCH h"), "34000");
}

static void a_held_cursor_outlives_its_commit_only(void **state)
{
    (void)state;
    with_session(hold_body);
}

static void hold_fails_body(struct test_session *t)
{
    fill(t);
    session_lend(t->session, &(struct session_options){ .work_mem = 4096 });
    rows(t, "BEGIN; INSERT INTO n VALUES (77);"
            "DECLARE h CURSOR WITH HOLD FOR SELECT i FROM generate_series(1, 10000) g(i)");
    assert_string_equal(rows(t, "FETCH h"), "1\n");
    assert_string_equal(state(t, "COMMIT"), "53200");
    assert_int_equal(txn_status(t->session), TXN_IDLE);
    assert_string_equal(state(t, "FETCH h"), "34000");
    assert_string_equal(rows(t, "SELECT count(*) FROM n"), "5\n"); /* it was no commit */
}

static void too_many_rows_to_hold_are_no_commit(void **state)
{
    (void)state;
    with_session(hold_fails_body);
}

static void full_body(struct test_session *t)
{
    session_lend(t->session, &(struct session_options){ .work_mem = 4096 });
    rows(t, "BEGIN; DECLARE s SCROLL CURSOR FOR SELECT i FROM generate_series(1, 10000) g(i);"
            "DECLARE f CURSOR FOR SELECT i FROM generate_series(1, 10000) g(i); FETCH 10 s");
    expect_tag(t, "MOVE ALL f", "MOVE 10000"); /* keeps nothing */
    assert_string_equal(state(t, "MOVE ALL s"), "53200");
    rows(t, "ROLLBACK");
}

static void rows_kept_have_a_cap(void **state)
{
    (void)state;
    with_session(full_body);
}

static void work_mem_body(struct test_session *t)
{
    static const char text[] =
        "BEGIN; DECLARE s SCROLL CURSOR FOR SELECT i FROM generate_series(1, 10000) g(i)";

    assert_string_equal(rows(t, "SHOW work_mem"), "4MB\n");
    rows(t, "SET work_mem = '64kB'");
    rows(t, text);
    assert_string_equal(state(t, "MOVE ALL s"), "53200");
    assert_non_null(strstr(failure_get(&t->failure, FIELD_HINT), "work_mem"));
    rows(t, "ROLLBACK; SET work_mem TO DEFAULT");
    rows(t, text);
    expect_tag(t, "MOVE ALL s", "MOVE 10000");
    rows(t, "ROLLBACK");
}

static void a_session_has_its_own_work_mem(void **state)
{
    (void)state;
    with_session(work_mem_body);
}

static int count_row(struct row_sink *sink, const struct cell *cells, size_t count,
                     struct failure *f)
{
    (void)sink;
    (void)cells;
    (void)count;
    (void)f;
    return 0;
}

static struct portal *bound(struct test_session *t, const char *name, const char *text)
{
    struct plan *plan = NULL;
    struct portal *portal = NULL;

    failure_clear(&t->failure);
    assert_int_equal(sql_prepare(t->sql, view_of_str(text), NULL, 0, &plan, &t->failure), 0);
    assert_int_equal(sql_bind(t->sql, view_of_str(name), plan, NULL, 0, &portal, &t->failure), 0);
    sql_plan_unref(plan);
    return portal;
}

static void run_bound(struct test_session *t, const char *text, int64_t max_rows, int result,
                      const char *tag)
{
    struct row_sink sink = { .row = count_row };
    struct portal *portal = bound(t, "", text);

    assert_int_equal(sql_run(portal, &sink, max_rows, &t->failure), result);
    if (result == 0) {
        assert_string_equal(sql_tag(portal), tag);
    }
}

static void one_namespace_body(struct test_session *t)
{
    struct row_sink sink = { .row = count_row };
    struct portal *portal;
    struct portal *declared;
    const struct column *columns;

    fill(t);
    txn_implicit_begin_several(t->session);
    portal = bound(t, "p", "SELECT i FROM n ORDER BY i");
    run_bound(t, "MOVE FORWARD 2 p", 0, 0, "MOVE 2");
    assert_int_equal(sql_run(portal, &sink, 1, &t->failure), SQL_SUSPENDED);
    run_bound(t, "FETCH ALL p", 0, 0, "FETCH 2");
    assert_int_equal(sql_run(portal, &sink, 0, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "SELECT 0");
    run_bound(t, "DECLARE d CURSOR FOR SELECT i, 'x' AS x FROM n", 0, 0, "DECLARE CURSOR");
    assert_int_equal(sql_portal_get(t->sql, view_of_str("d"), &declared, &t->failure), 0);
    assert_int_equal(sql_plan_columns(sql_portal_plan(declared), &columns), 2);
    assert_int_equal(sql_run(declared, &sink, 2, &t->failure), SQL_SUSPENDED);
    run_bound(t, "FETCH 9 d", 0, 0, "FETCH 3");
    run_bound(t, "DECLARE p CURSOR FOR SELECT 1", 0, FAILED, NULL);
    assert_string_equal(t->failure.sqlstate, "42P03");
}

static void cursors_and_portals_are_one(void **state)
{
    (void)state;
    with_session(one_namespace_body);
}

static void pages_body(struct test_session *t)
{
    struct row_sink sink = { .row = count_row };
    struct portal *portal;

    fill(t);
    rows(t, "BEGIN; DECLARE c CURSOR FOR SELECT i FROM n ORDER BY i");
    portal = bound(t, "f", "FETCH 3 c");
    assert_int_equal(sql_run(portal, &sink, 2, &t->failure), SQL_SUSPENDED);
    assert_int_equal(sql_run(portal, &sink, 2, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "FETCH 1"); /* the rows of this page */
    assert_int_equal(sql_run(portal, &sink, 2, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "FETCH 0");
    assert_string_equal(rows(t, "FETCH ALL c"), "4\n5\n"); /* it had moved by all three at once */
    portal = bound(t, "self", "FETCH 1 FROM self");
    assert_int_equal(sql_run(portal, &sink, 0, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "55000");
}

static void a_fetch_gives_its_rows_in_pages(void **state)
{
    (void)state;
    with_session(pages_body);
}

static void refused_body(struct test_session *t)
{
    static const char *const pairs[][2] = {
        { "DECLARE c SCROLL CURSOR FOR SELECT i FROM n FOR UPDATE", "0A000" },
        { "DECLARE c CURSOR WITH HOLD FOR SELECT i FROM n FOR SHARE", "0A000" },
        { "DECLARE c INSENSITIVE CURSOR FOR SELECT i FROM n FOR UPDATE", "42P11" },
        { "DECLARE c SCROLL NO SCROLL CURSOR FOR SELECT 1", "42P11" },
        { "DECLARE c CURSOR FOR SELECT * FROM missing", "42P01" },
        { "DECLARE c CURSOR FOR INSERT INTO n VALUES (9)", "42601" },
        { "FETCH c", "34000" },
        { "MOVE c", "34000" },
        { "CLOSE c", "34000" },
    };
    struct row_sink sink = { .row = count_row };

    fill(t);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        rows(t, "BEGIN");
        assert_string_equal(state(t, pairs[i][0]), pairs[i][1]);
        rows(t, "ROLLBACK");
    }
    assert_int_equal(sql_run(bound(t, "", "DECLARE c CURSOR FOR SELECT 1"), &sink, 0, &t->failure),
                     FAILED);
    assert_string_equal(t->failure.sqlstate, "25P01");
    assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                        "DECLARE CURSOR can only be used in transaction blocks");
}

static void bad_cursors_are_refused(void **state)
{
    (void)state;
    with_session(refused_body);
}

static void listed_body(struct test_session *t)
{
    rows(t, "BEGIN; DECLARE \"q\"\"\\\" SCROLL CURSOR FOR SELECT 'a\nb'");
    assert_string_equal(rows(t, "SELECT name, statement FROM pg_cursors"),
                        "q\"\\|DECLARE \"q\"\"\\\" SCROLL CURSOR FOR SELECT 'a\nb'\n");
    rows(t, "CLOSE ALL; DECLARE b BINARY CURSOR WITH HOLD FOR SELECT 1; COMMIT");
    assert_string_equal(
        rows(t, "SELECT x.name, is_holdable, is_binary, is_scrollable, creation_time > '2000-01-01'"
                " FROM pg_catalog.pg_cursors AS x"),
        "b|t|t|f|t\n");
    assert_string_equal(rows(t, "SELECT 1 FROM pg_catalog.pg_cursors WHERE name = 'none'"), "");
}

static void cursors_are_listed(void **state)
{
    (void)state;
    with_session(listed_body);
}

static void nomem_body(struct test_session *t)
{
    rows(t, "BEGIN");
    for (unsigned at = 1; at < 400; at++) {
        rows(t, "SAVEPOINT s");
        mem_fail_at(at, false);
        bool ok =
            run(t, "DECLARE c SCROLL CURSOR FOR SELECT 1 AS a UNION ALL SELECT 2; FETCH ALL c");
        mem_fail_at(0, false);
        assert_true(ok || strcmp(t->failure.sqlstate, "53200") == 0);
        rows(t, ok ? "CLOSE c" : "ROLLBACK TO s");
        if (ok) {
            rows(t, "COMMIT");
            return;
        }
    }
    fail();
}

static void memory_may_fail_anywhere(void **state)
{
    (void)state;
    with_session(nomem_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scrollable_cursor_goes_everywhere),
        cmocka_unit_test(another_does_where_its_plan_can),
        cmocka_unit_test(a_long_one_is_run_again),
        cmocka_unit_test(another_goes_forward_only),
        cmocka_unit_test(a_cursor_keeps_what_it_saw),
        cmocka_unit_test(a_large_result_stays_as_it_was),
        cmocka_unit_test(savepoints_end_what_was_opened_since),
        cmocka_unit_test(a_held_cursor_outlives_its_commit_only),
        cmocka_unit_test(too_many_rows_to_hold_are_no_commit),
        cmocka_unit_test(rows_kept_have_a_cap),
        cmocka_unit_test(a_session_has_its_own_work_mem),
        cmocka_unit_test(cursors_and_portals_are_one),
        cmocka_unit_test(a_fetch_gives_its_rows_in_pages),
        cmocka_unit_test(bad_cursors_are_refused),
        cmocka_unit_test(cursors_are_listed),
        cmocka_unit_test(memory_may_fail_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
