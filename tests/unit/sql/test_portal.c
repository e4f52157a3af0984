/* Portals: pages, tags, running again, ends with the transaction. */
#include "sql/portal.h"

#include "base/alloc.h"
#include "base/defs.h"
#include "pool/txn.h"
#include "tests/unit/sql/support_session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char schema[] =
    "CREATE TABLE t (id integer COLLATE int4 PRIMARY KEY AUTOINCREMENT, b text)";

struct counting_sink {
    struct row_sink sink;
    size_t rows;
    size_t fail_after; /* 0: never */
};

static int count_row(struct row_sink *sink, const struct cell *cells, size_t count,
                     struct failure *f)
{
    struct counting_sink *counting = (struct counting_sink *)sink;

    (void)cells;
    (void)count;
    (void)f;
    counting->rows++;
    return counting->rows == counting->fail_after ? -EPIPE : 0;
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

static void fill(struct test_session *t)
{
    raw(t, schema);
    raw(t, "INSERT INTO t (b) VALUES ('a'), ('b'), ('c'), ('d'), ('e')");
}

static void check_pages(struct test_session *t)
{
    struct counting_sink sink = { .sink.row = count_row };
    struct portal *portal;

    fill(t);
    txn_implicit_begin(t->session);
    portal = bound(t, "p", "SELECT * FROM t ORDER BY id");
    assert_int_equal(sql_run(portal, &sink.sink, 2, &t->failure), SQL_SUSPENDED);
    assert_int_equal(sink.rows, 2);
    assert_int_equal(sql_run(portal, &sink.sink, 3, &t->failure),
                     SQL_SUSPENDED); /* as PostgreSQL: not known to be the end */
    assert_int_equal(sink.rows, 5);
    assert_int_equal(sql_run(portal, &sink.sink, 3, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "SELECT 0");
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "SELECT 0");
    portal = bound(t, "q", "SELECT * FROM t");
    assert_int_equal(sql_run(portal, &sink.sink, 100, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "SELECT 5");
    assert_int_equal(txn_implicit_end(t->session, &t->failure), 0);
    sql_transaction_ended(t->sql);
    assert_int_equal(sql_portal_get(t->sql, view_of_str("q"), &portal, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "34000");
}

static void pages_suspend_and_end_with_the_transaction(void **state)
{
    (void)state;
    with_session(check_pages);
}

static void check_tags(struct test_session *t)
{
    static const char *const cases[][2] = {
        { "SELECT * FROM t WHERE id < 3", "SELECT 2" },
        { "VALUES (1), (2)", "SELECT 2" },
        { "INSERT INTO t (b) VALUES ('x'), ('y')", "INSERT 0 2" },
        { "INSERT INTO t (b) SELECT b FROM t WHERE false", "INSERT 0 0" },
        { "INSERT INTO t (b) VALUES ('x') RETURNING id", "INSERT 0 1" },
        { "UPDATE t SET b = 'z' WHERE id > 3", "UPDATE 5" },
        { "DELETE FROM t WHERE id = 1", "DELETE 1" },
        { "BEGIN", "BEGIN" },
        { "DELETE FROM t", "DELETE 7" },
        { "ROLLBACK", "ROLLBACK" },
        { "SELECT * FROM t", "SELECT 7" },
    };

    fill(t);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)rows(t, cases[i][0]);
        assert_string_equal(t->tag, cases[i][1]);
    }
}

static void tags_are_postgresqls(void **state)
{
    (void)state;
    with_session(check_tags);
}

static void check_names(struct test_session *t)
{
    struct counting_sink sink = { .sink.row = count_row };
    struct plan *plan = NULL;
    struct portal *portal;
    struct cell cells[2] = { { .kind = CELL_INT, .i = 1 },
                             { .kind = CELL_TEXT, .bytes = view_of_str("x") } };

    fill(t);
    txn_implicit_begin(t->session);
    (void)bound(t, "p", "SELECT 1");
    (void)bound(t, "", "SELECT 1");
    (void)bound(t, "", "SELECT 2");
    assert_int_equal(sql_prepare(t->sql, view_of_str("SELECT id FROM t WHERE id = $1 OR b = $2"),
                                 NULL, 0, &plan, &t->failure),
                     0);
    assert_int_equal(sql_bind(t->sql, view_of_str("p"), plan, cells, 2, &portal, &t->failure),
                     FAILED);
    assert_string_equal(t->failure.sqlstate, "42P03");
    assert_int_equal(sql_bind(t->sql, view_of_str("r"), plan, cells, 1, &portal, &t->failure),
                     FAILED);
    assert_string_equal(t->failure.sqlstate, "08P01");
    assert_int_equal(sql_bind(t->sql, view_of_str("r"), plan, cells, 2, &portal, &t->failure), 0);
    cells[1].bytes = view_of_str("changed");
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "SELECT 1");
    sql_portal_close(t->sql, view_of_str("r"));
    sql_portal_close(t->sql, view_of_str("r"));
    assert_int_equal(sql_portal_get(t->sql, view_of_str("r"), &portal, &t->failure), FAILED);
    sql_plan_unref(plan);
    assert_int_equal(txn_implicit_end(t->session, &t->failure), 0);
    sql_transaction_ended(t->sql);
}

static void names_are_taken_once_and_parameters_are_copied(void **state)
{
    (void)state;
    with_session(check_names);
}

static void check_sink(struct test_session *t)
{
    struct counting_sink sink = { .sink.row = count_row, .fail_after = 2 };
    struct portal *portal;

    fill(t);
    txn_implicit_begin(t->session);
    portal = bound(t, "p", "SELECT * FROM t");
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), -EPIPE);
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "55000");
    portal = bound(t, "q", "INSERT INTO t (b) VALUES ('x')");
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), 0);
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "55000");
    assert_int_equal(txn_implicit_end(t->session, &t->failure), 0);
    sql_transaction_ended(t->sql);
}

static void a_portal_does_not_run_on_after_its_end(void **state)
{
    (void)state;
    with_session(check_sink);
}

/* ---- verbs' rows ---- */

static void check_verb_pages(struct test_session *t)
{
    struct counting_sink sink = { .sink.row = count_row };
    struct portal *portal;

    (void)rows(t, "BEGIN");
    portal = bound(t, "s", "SHOW ALL");
    assert_int_equal(sql_run(portal, &sink.sink, 3, &t->failure), SQL_SUSPENDED);
    assert_int_equal(sink.rows, 3);
    assert_string_equal(rows(t, "MOVE 2 FROM s"), "");
    assert_string_equal(t->tag, "MOVE 2");
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "SHOW");
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), 0);
    (void)bound(t, "t", "SHOW TimeZone");
    assert_string_equal(rows(t, "FETCH ALL FROM t"), "UTC\n");
    assert_string_equal(rows(t, "FETCH ALL FROM t"), "");
    assert_string_equal(state(t, "FETCH PRIOR FROM t"), "55000");
    (void)rows(t, "ROLLBACK; BEGIN; PREPARE e AS VALUES (1), (2), (3)");
    portal = bound(t, "e", "EXECUTE e");
    assert_string_equal(rows(t, "FETCH 2 FROM e"), "1\n2\n");
    assert_int_equal(sql_run(portal, &sink.sink, 5, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "SELECT 1");
    (void)rows(t, "ROLLBACK");
}

static void a_verbs_rows_come_page_by_page_and_by_fetch(void **state_)
{
    (void)state_;
    with_session(check_verb_pages);
}

/* Each asks the one before it: as deep as there are portals, if nobody stopped it. */
static void check_fetch_chain(struct test_session *t)
{
    (void)rows(t, "BEGIN; DECLARE p0 CURSOR FOR VALUES (1)");
    for (int i = 1; i <= 200; i++) {
        char name[16];
        char text[32];

        (void)snprintf(name, sizeof(name), "p%d", i);
        (void)snprintf(text, sizeof(text), "FETCH ALL FROM p%d", i - 1);
        (void)bound(t, name, text);
    }
    assert_string_equal(rows(t, "SAVEPOINT a; FETCH ALL FROM p10"), "1\n");
    assert_string_equal(state(t, "FETCH ALL FROM p200"), "54001");
    assert_string_equal(rows(t, "ROLLBACK TO a; FETCH ALL FROM p10"), "");
    (void)rows(t, "ROLLBACK");
}

static void fetches_from_fetches_have_an_end(void **state_)
{
    (void)state_;
    with_session(check_fetch_chain);
}

static void check_store_memory(struct test_session *t)
{
    struct counting_sink sink = { .sink.row = count_row };
    uint64_t asked = 1;

    (void)rows(t, "BEGIN; SAVEPOINT a");
    for (uint64_t n = 1; n <= asked; n++) {
        struct portal *portal = bound(t, "s", "SHOW TimeZone");
        (void)mem_fail_at(n, false);
        int r = sql_run(portal, &sink.sink, 5, &t->failure);
        bool hit = mem_fail_hit();
        asked = mem_fail_at(0, false) + (hit ? 1 : 0);
        assert_int_equal(r, hit ? FAILED : 0);
        if (hit) {
            assert_string_equal(t->failure.sqlstate, "53200");
            txn_failed(t->session);
        }
        (void)rows(t, "ROLLBACK TO a");
        sql_portal_close(t->sql, view_of_str("s"));
    }
    (void)rows(t, "ROLLBACK");
}

static void a_store_without_memory_fails_its_statement(void **state_)
{
    (void)state_;
    with_session(check_store_memory);
}

/* ---- savepoints ---- */

static void check_savepoints(struct test_session *t)
{
    struct counting_sink sink = { .sink.row = count_row };
    struct portal *before;
    struct portal *found;

    fill(t);
    (void)rows(t, "BEGIN");
    before = bound(t, "before", "SELECT * FROM t");
    (void)rows(t, "SAVEPOINT a; SAVEPOINT b");
    (void)bound(t, "inside", "SELECT * FROM t");
    assert_int_equal(sql_run(before, &sink.sink, 2, &t->failure), SQL_SUSPENDED);
    (void)rows(t, "INSERT INTO t (b) VALUES ('f'); RELEASE b; SAVEPOINT c; ROLLBACK TO c");
    assert_int_equal(sql_portal_get(t->sql, view_of_str("inside"), &found, &t->failure), 0);
    (void)rows(t, "ROLLBACK TO a");
    assert_int_equal(sql_portal_get(t->sql, view_of_str("inside"), &found, &t->failure), FAILED);
    assert_string_equal(t->failure.sqlstate, "34000");
    assert_int_equal(sql_run(before, &sink.sink, 0, &t->failure), 0);
    assert_string_equal(sql_tag(before), "SELECT 3");
    (void)bound(t, "inside", "SELECT 1"); /* the name is free again */
    (void)rows(t, "ROLLBACK");
}

static void a_portal_belongs_to_the_savepoint_it_was_bound_in(void **state_)
{
    (void)state_;
    with_session(check_savepoints);
}

static void check_returning(struct test_session *t)
{
    struct counting_sink sink = { .sink.row = count_row };
    struct portal *portal;

    fill(t);
    (void)rows(t, "BEGIN");
    portal = bound(t, "p", "DELETE FROM t RETURNING id");
    (void)rows(t, "SAVEPOINT a");
    assert_int_equal(sql_run(portal, &sink.sink, 2, &t->failure), SQL_SUSPENDED);
    assert_string_equal(rows(t, "SELECT count(*) FROM t"), "0\n");
    (void)rows(t, "ROLLBACK TO a");
    assert_int_equal(sql_run(portal, &sink.sink, 0, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "DELETE 3"); /* the rows of this page */
    assert_int_equal(sql_run(portal, &sink.sink, 1, &t->failure), 0);
    assert_string_equal(sql_tag(portal), "DELETE 0");
    assert_string_equal(rows(t, "SELECT count(*) FROM t"), "5\n");
    (void)rows(t, "ROLLBACK");
}

static void pages_of_returning_count_their_own_rows(void **state_)
{
    (void)state_;
    with_session(check_returning);
}

static void check_empty(struct test_session *t)
{
    struct plan *plan = NULL;
    struct portal *portal;
    struct counting_sink sink = { .sink.row = count_row };

    failure_clear(&t->failure);
    assert_int_equal(sql_prepare(t->sql, view_of_str(" -- ping"), NULL, 0, &plan, &t->failure), 0);
    assert_true(sql_plan_is_empty(plan));
    assert_true(sql_plan_allowed_in_failed(plan));
    assert_int_equal(sql_bind(t->sql, view_of_str(""), plan, NULL, 0, &portal, &t->failure), 0);
    assert_int_equal(sql_run(portal, &sink.sink, 1, &t->failure), 0);
    sql_plan_unref(plan);
    assert_string_equal(state(t, "SELECT 1; SELECT nope; SELECT 2"), "42703");
    (void)rows(t, "BEGIN");
    (void)state(t, "SELECT nope");
    assert_string_equal(state(t, "SELECT 1"), "25P02");
    (void)rows(t, "COMMIT");
    assert_string_equal(t->tag, "ROLLBACK");
    assert_string_equal(rows(t, "SELECT 1"), "1\n");
}

static void empty_statements_and_failed_transactions(void **state_)
{
    (void)state_;
    with_session(check_empty);
}

static void check_closing_itself(struct test_session *t)
{
    (void)rows(t, "CLOSE ALL");
    (void)rows(t, "DISCARD ALL");
    assert_string_equal(t->tag, "DISCARD ALL");
    assert_string_equal(rows(t, "SELECT 1"), "1\n");
}

static void a_statement_that_closes_all_portals_closes_its_own_last(void **state)
{
    (void)state;
    with_session(check_closing_itself);
}

static void check_nomem(struct test_session *t)
{
    struct plan *plan = NULL;
    struct portal *portal;
    struct cell cell = { .kind = CELL_TEXT, .bytes = view_of_str("x") };

    fill(t);
    failure_clear(&t->failure);
    assert_int_equal(sql_prepare(t->sql, view_of_str("SELECT id FROM t WHERE b = $1"), NULL, 0,
                                 &plan, &t->failure),
                     0);
    for (uint64_t n = 1; n <= 2; n++) {
        (void)mem_fail_at(n, false);
        assert_int_equal(sql_bind(t->sql, view_of_str("m"), plan, &cell, 1, &portal, &t->failure),
                         FAILED);
        (void)mem_fail_at(0, false);
        assert_string_equal(t->failure.sqlstate, "53200");
    }
    assert_int_equal(sql_bind(t->sql, view_of_str("m"), plan, &cell, 1, &portal, &t->failure), 0);
    sql_plan_unref(plan);
}

static void binding_without_memory_fails_and_may_be_tried_again(void **state)
{
    (void)state;
    with_session(check_nomem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_suspend_and_end_with_the_transaction),
        cmocka_unit_test(tags_are_postgresqls),
        cmocka_unit_test(names_are_taken_once_and_parameters_are_copied),
        cmocka_unit_test(a_portal_does_not_run_on_after_its_end),
        cmocka_unit_test(a_verbs_rows_come_page_by_page_and_by_fetch),
        cmocka_unit_test(fetches_from_fetches_have_an_end),
        cmocka_unit_test(a_store_without_memory_fails_its_statement),
        cmocka_unit_test(a_portal_belongs_to_the_savepoint_it_was_bound_in),
        cmocka_unit_test(pages_of_returning_count_their_own_rows),
        cmocka_unit_test(empty_statements_and_failed_transactions),
        cmocka_unit_test(a_statement_that_closes_all_portals_closes_its_own_last),
        cmocka_unit_test(binding_without_memory_fails_and_may_be_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
