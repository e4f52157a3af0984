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
        cmocka_unit_test(empty_statements_and_failed_transactions),
        cmocka_unit_test(a_statement_that_closes_all_portals_closes_its_own_last),
        cmocka_unit_test(binding_without_memory_fails_and_may_be_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
