/* tests/integration/libpond.c: libpond against a real server, pondd or PostgreSQL 15: the same
 * expectations. The server is found through PG*. */
#include "client/pond.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct pond_error error;
static struct pond_conn *conn;

/* Never ends, and needs no memory. */
#define FOR_EVER                                                                               \
    "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT (n + 1) % 10 FROM t) SELECT count(*) " \
    "FROM t"

static int connect_setup(void **state)
{
    (void)state;
    error = (struct pond_error){ 0 };
    return pond_conn_open(NULL, "application_name=libpond", &conn, &error);
}

static int connect_teardown(void **state)
{
    (void)state;
    pond_conn_destroy(conn);
    conn = NULL;
    return 0;
}

/* Shows the error when a call fails that must not. */
#define ok(call)                                                                \
    do {                                                                        \
        int result_ = (call);                                                   \
        if (result_ != 0) {                                                     \
            print_error("%d %s: %s\n", result_, error.sqlstate, error.message); \
        }                                                                       \
        assert_int_equal(result_, 0);                                           \
    } while (0)

static void must_exec(const char *sql)
{
    ok(pond_exec(conn, sql, NULL, &error));
}

static int64_t one_int(const char *sql)
{
    struct pond_result *result;
    int64_t n;

    ok(pond_query(conn, sql, POND_NONE, &result, &error));
    assert_int_equal(pond_result_rows(result), 1);
    assert_int_equal(pond_row_int64(pond_result_row(result, 0), 0, &n), 0);
    pond_result_destroy(result);
    return n;
}

static void must_fail(int result, const char *sqlstate)
{
    if (strcmp(error.sqlstate, sqlstate) != 0) {
        print_error("%d %s: %s\n", result, error.sqlstate, error.message);
    }
    assert_int_equal(result, POND_SQL);
    assert_int_equal(error.kind, POND_SQL);
    assert_string_equal(error.sqlstate, sqlstate);
}

static void still_works(void)
{
    assert_true(pond_conn_is_open(conn));
    assert_int_equal(one_int("SELECT 41 + 1"), 42);
}

/* ---- queries ---- */

static void a_connection_knows_its_server(void **state)
{
    (void)state;
    assert_int_equal(pond_conn_status(conn), 'I');
    assert_memory_equal(pond_conn_parameter(conn, "server_version"), "15.", 3);
    assert_string_equal(pond_conn_parameter(conn, "application_name"), "libpond");
    assert_null(pond_conn_parameter(conn, "no such"));
}

static void several_statements_give_several_results(void **state)
{
    struct pond_result *first;
    const char *text;
    size_t len;

    (void)state;
    ok(pond_exec(conn, "SELECT 1 AS a, NULL AS b; SELECT 'x' AS c UNION ALL SELECT 'yz'; ;", &first,
                 &error));
    assert_int_equal(pond_result_columns(first), 2);
    assert_string_equal(pond_result_tag(first), "SELECT 1");
    struct pond_row row = pond_result_row(first, 0);
    assert_int_equal(pond_row_find(row, "b"), 1);
    assert_int_equal(pond_row_find(row, "c"), -1);
    assert_true(pond_row_is_null(row, 1));
    struct pond_result *second = pond_result_next(first);
    assert_non_null(second);
    assert_int_equal(pond_result_rows(second), 2);
    assert_int_equal(pond_row_text(pond_result_row(second, 1), 0, &text, &len), 0);
    assert_string_equal(text, "yz");
    assert_int_equal(len, 2);
    assert_null(pond_result_next(second));
    pond_result_destroy(first);
    still_works();
}

static void parameters_arrive_as_they_are(void **state)
{
    const uint8_t bytes[] = { 0, 1, '\\', 0xff };
    uint8_t back[8];
    struct pond_result *result;
    int64_t i;
    double d;
    bool b;
    const char *text;
    size_t len;

    (void)state;
    ok(pond_query(conn, "SELECT $1::bigint, $2::float8, $3::boolean, $4::text, $5, $6::text",
                  POND_WITH(pond_int(INT64_MIN), pond_double(0.1), pond_bool(true),
                            pond_text("\xc3\xa4 'q'"), pond_bytes(bytes, sizeof(bytes)),
                            pond_null()),
                  &result, &error));
    struct pond_row row = pond_result_row(result, 0);
    assert_int_equal(pond_row_int64(row, 0, &i), 0);
    assert_true(i == INT64_MIN);
    assert_int_equal(pond_row_double(row, 1, &d), 0);
    assert_true(d == 0.1);
    assert_int_equal(pond_row_bool(row, 2, &b), 0);
    assert_true(b);
    assert_int_equal(pond_row_text(row, 3, &text, NULL), 0);
    assert_string_equal(text, "\xc3\xa4 'q'");
    assert_int_equal(pond_row_bytes(row, 4, back, sizeof(back), &len), 0);
    assert_int_equal(len, sizeof(bytes));
    assert_memory_equal(back, bytes, len);
    assert_int_equal(pond_row_bytes(row, 4, back, 3, &len), POND_RANGE);
    assert_int_equal(pond_row_text(row, 5, &text, NULL), POND_IS_NULL);
    pond_result_destroy(result);
}

static void errors_say_what_and_where(void **state)
{
    (void)state;
    must_fail(pond_query(conn, "SELECT nope", POND_NONE, NULL, &error), "42703");
    assert_string_equal(error.severity, "ERROR");
    assert_int_equal(error.position, 8);
    must_fail(pond_exec(conn, "SELECT 1; SELEC", NULL, &error), "42601");
    must_exec("DROP TABLE IF EXISTS lp_key; CREATE TABLE lp_key (id int PRIMARY KEY)");
    must_exec("INSERT INTO lp_key VALUES (1)");
    must_fail(
        pond_query(conn, "INSERT INTO lp_key VALUES ($1)", POND_WITH(pond_int(1)), NULL, &error),
        "23505");
    assert_string_equal(error.constraint, "lp_key_pkey");
    still_works();
}

static void a_prepared_statement_is_run_again_and_again(void **state)
{
    struct pond_stmt *stmt;
    struct pond_result *result;
    int32_t n;

    (void)state;
    ok(pond_stmt_prepare(conn, "SELECT $1::int * 2", &stmt, &error));
    assert_int_equal(pond_stmt_params(stmt), 1);
    for (int i = 0; i < 3; i++) {
        ok(pond_stmt_query(stmt, POND_WITH(pond_int(i)), &result, &error));
        assert_int_equal(pond_row_int32(pond_result_row(result, 0), 0, &n), 0);
        assert_int_equal(n, 2 * i);
        pond_result_destroy(result);
    }
    ok(pond_stmt_close(stmt, &error));
    struct pond_stmt *bad = NULL;
    must_fail(pond_stmt_prepare(conn, "SELECT FROM WHERE", &bad, &error), "42601");
    assert_null(bad);
}

static void tags_count(void **state)
{
    struct pond_result *result;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_n; CREATE TABLE lp_n (n int)");
    ok(pond_query(conn, "INSERT INTO lp_n SELECT * FROM generate_series(1, 7)", POND_NONE, &result,
                  &error));
    assert_string_equal(pond_result_tag(result), "INSERT 0 7");
    assert_int_equal(pond_result_affected(result), 7);
    pond_result_destroy(result);
}

static void copy_is_refused_where_it_has_no_place(void **state)
{
    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_n; CREATE TABLE lp_n (n int)");
    assert_int_equal(pond_exec(conn, "COPY lp_n FROM STDIN", NULL, &error), POND_USAGE);
    still_works();
    assert_int_equal(pond_query(conn, "COPY lp_n FROM STDIN", POND_NONE, NULL, &error), POND_USAGE);
    still_works();
    must_exec("INSERT INTO lp_n VALUES (1)");
    assert_int_equal(pond_exec(conn, "COPY lp_n TO STDOUT", NULL, &error), POND_USAGE);
    still_works();
}

/* ---- rows ---- */

static size_t walk(struct pond_rows *rows, size_t most)
{
    struct pond_row row;
    size_t n = 0;

    while (n < most) {
        int r = pond_rows_next(rows, &row, &error);
        int64_t value;

        if (r == 0) {
            break;
        }
        assert_int_equal(r, POND_ROW);
        assert_int_equal(pond_row_int64(row, 0, &value), 0);
        assert_int_equal(value, ++n);
    }
    return n;
}

static void all_rows_come_whatever_the_page(void **state)
{
    (void)state;
    for (int in_txn = 0; in_txn < 2; in_txn++) {
        for (int page = 1; page < 40; page = page * 2 + 1) {
            for (int lazy = 0; lazy < 2; lazy++) {
                struct pond_rows_options o = { .page_rows = (size_t)page, .no_prefetch = lazy };
                struct pond_rows *rows;

                must_exec(in_txn ? "BEGIN" : "SELECT 1");
                ok(pond_rows_open(conn, "SELECT * FROM generate_series(1, $1::int)",
                                  POND_WITH(pond_int(21)), &o, &rows, &error));
                assert_int_equal(walk(rows, SIZE_MAX), 21);
                assert_int_equal(walk(rows, SIZE_MAX), 0); /* the end stays the end */
                ok(pond_rows_close(rows, &error));
                must_exec(in_txn ? "COMMIT" : "SELECT 1");
            }
        }
    }
}

static void an_early_stop_leaves_the_connection_usable(void **state)
{
    (void)state;
    for (int in_txn = 0; in_txn < 2; in_txn++) {
        for (size_t stop = 0; stop < 12; stop++) {
            struct pond_rows *rows;

            must_exec(in_txn ? "BEGIN" : "SELECT 1");
            ok(pond_rows_open(conn, "SELECT * FROM generate_series(1, 1000000)", POND_NONE,
                              &(struct pond_rows_options){ .page_rows = 5 }, &rows, &error));
            assert_int_equal(walk(rows, stop), stop);
            ok(pond_rows_close(rows, &error));
            still_works();
            assert_int_equal(pond_conn_status(conn), in_txn ? 'T' : 'I');
            must_exec(in_txn ? "ROLLBACK" : "SELECT 1");
        }
    }
}

static void outside_of_a_transaction_rows_hold_the_connection(void **state)
{
    struct pond_rows *rows;

    (void)state;
    ok(pond_rows_open(conn, "SELECT * FROM generate_series(1, 1000)", POND_NONE, NULL, &rows,
                      &error));
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &error), POND_USAGE);
    assert_int_equal(walk(rows, 1), 1);
    ok(pond_rows_close(rows, &error));
    still_works();
}

static void in_a_transaction_rows_and_calls_interleave(void **state)
{
    struct pond_rows_options o = { .page_rows = 3 };
    struct pond_rows *a, *b;
    struct pond_row row;

    (void)state;
    must_exec("BEGIN");
    ok(pond_rows_open(conn, "SELECT * FROM generate_series(1, 20)", POND_NONE, &o, &a, &error));
    ok(pond_rows_open(conn, "SELECT * FROM generate_series(101, 120)", POND_NONE, &o, &b, &error));
    for (int i = 0; i < 20; i++) {
        int64_t n;

        assert_int_equal(pond_rows_next(a, &row, &error), POND_ROW);
        assert_int_equal(pond_row_int64(row, 0, &n), 0);
        assert_int_equal(n, i + 1);
        assert_int_equal(one_int("SELECT 7"), 7);
        assert_int_equal(pond_rows_next(b, &row, &error), POND_ROW);
        assert_int_equal(pond_row_int64(row, 0, &n), 0);
        assert_int_equal(n, i + 101);
    }
    assert_int_equal(pond_rows_next(a, &row, &error), 0);
    ok(pond_rows_close(a, &error));
    ok(pond_rows_close(b, &error));
    must_exec("COMMIT");
}

static void an_error_in_a_later_page_is_told_when_it_is_reached(void **state)
{
    (void)state;
    for (int in_txn = 0; in_txn < 2; in_txn++) {
        struct pond_rows *rows;
        struct pond_row row;

        must_exec(in_txn ? "BEGIN" : "SELECT 1");
        ok(pond_rows_open(conn, "SELECT 10 / (8 - n) FROM generate_series(1, 20) AS n", POND_NONE,
                          &(struct pond_rows_options){ .page_rows = 2 }, &rows, &error));
        for (int i = 0; i < 7; i++) {
            assert_int_equal(pond_rows_next(rows, &row, &error), POND_ROW);
        }
        must_fail(pond_rows_next(rows, &row, &error), "22012");
        must_fail(pond_rows_next(rows, &row, &error), "22012");
        ok(pond_rows_close(rows, &error));
        must_exec("ROLLBACK");
        still_works();
    }
}

static int double_it(void *arg, struct pond_row row, void *ret_item, struct pond_error *e)
{
    int64_t n = 0;

    if (pond_row_int64(row, 0, &n) != 0) {
        return pond_error_set(e, POND_APP, "not a number");
    }
    *(int64_t *)ret_item = n * *(const int64_t *)arg;
    return 0;
}

static void rows_are_transformed_on_their_way(void **state)
{
    int64_t factor = 2, item = 0, sum = 0;
    struct pond_rows_options o = { .page_rows = 10,
                                   .transform = double_it,
                                   .transform_arg = &factor };
    struct pond_rows *rows;

    (void)state;
    ok(pond_rows_open(conn, "SELECT * FROM generate_series(1, 100)", POND_NONE, &o, &rows, &error));
    while (pond_rows_next_item(rows, &item, &error) == POND_ROW) {
        sum += item;
    }
    assert_int_equal(sum, 2 * 5050);
    ok(pond_rows_close(rows, &error));
}

static int stop_at_three(void *arg, struct pond_row row, struct pond_error *e)
{
    int64_t n = 0;

    (void)e;
    assert_int_equal(pond_row_int64(row, 0, &n), 0);
    *(int64_t *)arg += n;
    return n == 3 ? 5 : 0;
}

static void each_row_is_given_to_a_function_until_it_says_stop(void **state)
{
    int64_t sum = 0;

    (void)state;
    assert_int_equal(pond_each(conn, "SELECT * FROM generate_series(1, 100)", POND_NONE, NULL,
                               stop_at_three, &sum, &error),
                     5);
    assert_int_equal(sum, 6);
    still_works();
}

static void statements_without_rows_have_an_end_at_once(void **state)
{
    struct pond_rows *rows;
    struct pond_row row;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_n; CREATE TABLE lp_n (n int)");
    ok(pond_rows_open(conn, "INSERT INTO lp_n VALUES (1)", POND_NONE, NULL, &rows, &error));
    assert_int_equal(pond_rows_next(rows, &row, &error), 0);
    ok(pond_rows_close(rows, &error));
    assert_int_equal(one_int("SELECT count(*) FROM lp_n"), 1);
}

/* ---- transactions and scopes ---- */

static void transactions_nest(void **state)
{
    struct pond_txn *outer, *inner;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_n; CREATE TABLE lp_n (n int)");
    ok(pond_txn_begin(conn, "ISOLATION LEVEL REPEATABLE READ", &outer, &error));
    must_exec("INSERT INTO lp_n VALUES (1)");
    ok(pond_txn_begin(conn, NULL, &inner, &error));
    must_exec("INSERT INTO lp_n VALUES (2)");
    must_fail(pond_exec(conn, "SELECT nope", NULL, &error), "42703");
    ok(pond_txn_rollback(inner, &error));
    ok(pond_txn_begin(conn, NULL, &inner, &error));
    must_exec("INSERT INTO lp_n VALUES (4)");
    ok(pond_txn_commit(inner, &error));
    ok(pond_txn_commit(outer, &error));
    assert_int_equal(one_int("SELECT sum(n) FROM lp_n"), 5);
}

static void a_failed_transaction_is_not_committed_in_silence(void **state)
{
    struct pond_txn *txn;

    (void)state;
    ok(pond_txn_begin(conn, NULL, &txn, &error));
    must_fail(pond_exec(conn, "SELECT nope", NULL, &error), "42703");
    must_fail(pond_txn_commit(txn, &error), "25P02");
    assert_int_equal(pond_conn_status(conn), 'I');
}

static int insert_and_fail(void *arg, struct pond_error *e)
{
    ok(pond_exec(conn, "INSERT INTO lp_n VALUES (3)", NULL, e));
    return *(const int *)arg == 0 ? 0 : pond_error_set(e, POND_APP, "not today");
}

static void a_function_runs_in_a_transaction(void **state)
{
    int fail = 1;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_n; CREATE TABLE lp_n (n int)");
    assert_int_equal(pond_txn_with(conn, NULL, insert_and_fail, &fail, &error), POND_APP);
    assert_string_equal(error.message, "not today");
    assert_int_equal(one_int("SELECT count(*) FROM lp_n"), 0);
    fail = 0;
    ok(pond_txn_with(conn, NULL, insert_and_fail, &fail, &error));
    assert_int_equal(one_int("SELECT count(*) FROM lp_n"), 1);
}

static void a_scope_frees_in_reverse_over_several_connections(void **state)
{
    struct pond_conn *other = NULL;
    struct pond_txn *txn, *kept;
    struct pond_rows *rows;
    struct pond_row row;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_n; CREATE TABLE lp_n (n int)");
    {
        POND_SCOPED(scope, &error);

        ok(pond_scope_conn(&scope, NULL, "", &other, &error));
        ok(pond_scope_txn(&scope, conn, NULL, &kept, &error));
        must_exec("INSERT INTO lp_n VALUES (1)");
        ok(pond_scope_commit(&scope, kept, &error));
        ok(pond_scope_txn(&scope, conn, NULL, &txn, &error));
        must_exec("INSERT INTO lp_n VALUES (2)");
        ok(pond_scope_rows(&scope, conn, "SELECT * FROM generate_series(1, 1000)", POND_NONE, NULL,
                           &rows, &error));
        assert_int_equal(pond_rows_next(rows, &row, &error), POND_ROW);
    }
    assert_int_equal(error.kind, 0);
    assert_int_equal(pond_conn_status(conn), 'I');
    assert_int_equal(one_int("SELECT sum(n) FROM lp_n"), 1);
}

static bool unlocks(void)
{
    struct pond_result *result;
    bool was_held = false;

    ok(pond_query(conn, "SELECT pg_advisory_unlock(4711)", POND_NONE, &result, &error));
    assert_int_equal(pond_row_bool(pond_result_row(result, 0), 0, &was_held), 0);
    pond_result_destroy(result);
    return was_held;
}

static void a_lock_goes_with_its_scope(void **state)
{
    (void)state;
    if (pond_exec(conn, "SELECT pg_advisory_lock(1)", NULL, &error) == POND_SQL &&
        strcmp(error.sqlstate, "42883") == 0) {
        skip(); /* a pondd that has no advisory locks yet */
    }
    {
        POND_SCOPED(scope, &error);

        ok(pond_scope_lock(&scope, conn, 4711, &error));
        assert_true(unlocks());
        must_exec("SELECT pg_advisory_lock(4711)");
    }
    assert_int_equal(error.kind, 0);
    assert_false(unlocks());
}

/* ---- COPY ---- */

static void copy_goes_both_ways(void **state)
{
    struct pond_copy *copy;
    const char *data;
    size_t len, total = 0;
    int64_t rows = 0;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_copy; CREATE TABLE lp_copy (n int, t text)");
    ok(pond_copy_open(conn, "COPY lp_copy FROM STDIN", &copy, &error));
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &error), POND_USAGE); /* it is held */
    assert_int_equal(pond_copy_read(copy, &data, &len, &error), POND_USAGE);
    for (int i = 1; i <= 5000; i++) {
        char line[64];

        snprintf(line, sizeof(line), "%d\tline %d\n", i, i);
        ok(pond_copy_write(copy, line, strlen(line), &error));
        total += strlen(line);
    }
    ok(pond_copy_end(copy, &rows, &error));
    assert_int_equal(rows, 5000);
    assert_int_equal(one_int("SELECT sum(n) FROM lp_copy"), 5000 * 5001 / 2);
    ok(pond_copy_open(conn, "COPY lp_copy TO STDOUT", &copy, &error));
    while (pond_copy_read(copy, &data, &len, &error) == POND_ROW) {
        total -= len;
    }
    assert_int_equal(total, 0);
    ok(pond_copy_end(copy, &rows, &error));
    assert_int_equal(rows, 5000);
    still_works();
}

static void a_copy_can_be_given_up(void **state)
{
    struct pond_copy *copy;
    const char *data;
    size_t len;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_copy; CREATE TABLE lp_copy (n int, t text)");
    ok(pond_copy_open(conn, "COPY lp_copy FROM STDIN", &copy, &error));
    ok(pond_copy_write(copy, "1\ta\n", 4, &error));
    ok(pond_copy_abort(copy, &error));
    assert_int_equal(one_int("SELECT count(*) FROM lp_copy"), 0);
    must_exec("INSERT INTO lp_copy SELECT n, 'some text' FROM generate_series(1, 100000) AS n");
    for (int how = 0; how < 2; how++) {
        ok(pond_copy_open(conn, "COPY lp_copy TO STDOUT", &copy, &error));
        assert_int_equal(pond_copy_read(copy, &data, &len, &error), POND_ROW);
        if (how == 0) {
            ok(pond_copy_abort(copy, &error));
        } else {
            ok(pond_copy_end(copy, NULL, &error));
        }
        still_works();
    }
}

static void a_bad_copy_is_an_error_of_its_end(void **state)
{
    struct pond_copy *copy = NULL;

    (void)state;
    must_exec("DROP TABLE IF EXISTS lp_copy; CREATE TABLE lp_copy (n int, t text)");
    must_fail(pond_copy_open(conn, "COPY nowhere FROM STDIN", &copy, &error), "42P01");
    assert_int_equal(pond_copy_open(conn, "SELECT 1", &copy, &error), POND_USAGE);
    ok(pond_copy_open(conn, "COPY lp_copy FROM STDIN", &copy, &error));
    ok(pond_copy_write(copy, "x\ta\n", 4, &error));
    must_fail(pond_copy_end(copy, NULL, &error), "22P02");
    still_works();
}

/* ---- time ---- */

static void a_call_that_runs_out_of_time_leaves_the_connection_usable(void **state)
{
    (void)state;
    for (int in_rows = 0; in_rows < 2; in_rows++) {
        struct pond_rows *rows = NULL;

        pond_conn_set_timeout(conn, 50);
        if (in_rows) {
            assert_int_equal(pond_rows_open(conn, FOR_EVER, POND_NONE, NULL, &rows, &error),
                             POND_TIMEOUT);
        } else {
            assert_int_equal(pond_exec(conn, FOR_EVER, NULL, &error), POND_TIMEOUT);
        }
        pond_conn_set_timeout(conn, 0);
        still_works();
    }
    pond_conn_set_deadline_in(conn, 0);
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &error), POND_TIMEOUT);
    pond_conn_set_deadline_in(conn, -1);
}

/* ---- tasks ---- */

static int sleep_long(void *arg, struct pond_error *e)
{
    (void)arg;
    struct pond_conn *own = NULL;
    int r = pond_conn_open(NULL, "", &own, e);

    if (r == 0) {
        r = pond_exec(own, FOR_EVER, NULL, e);
    }
    pond_conn_destroy(own);
    return r;
}

static int fail_soon(void *arg, struct pond_error *e)
{
    (void)arg;
    struct pond_conn *own = NULL;
    int r = pond_conn_open(NULL, "", &own, e);

    if (r == 0) {
        r = pond_exec(own, "SELECT 1 / 0", NULL, e);
    }
    pond_conn_destroy(own);
    return r;
}

static int add_one(void *arg, struct pond_error *e)
{
    struct pond_conn *own = NULL;
    struct pond_result *result = NULL;
    int r = pond_conn_open(NULL, "", &own, e);

    if (r == 0) {
        r = pond_query(own, "SELECT $1::int + 1", POND_WITH(pond_int(*(int32_t *)arg)), &result, e);
    }
    if (r == 0) {
        r = pond_row_int32(pond_result_row(result, 0), 0, arg);
    }
    pond_result_destroy(result);
    pond_conn_destroy(own);
    return r;
}

static void all_wait_for_all(void **state)
{
    struct pond_loop *loop;
    int32_t numbers[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct pond_job jobs[8];

    (void)state;
    ok(pond_loop_create(&loop, &error));
    for (size_t i = 0; i < 8; i++) {
        jobs[i] = (struct pond_job){ .fn = add_one, .arg = &numbers[i] };
    }
    ok(pond_all(loop, jobs, 8, &error));
    for (int32_t i = 0; i < 8; i++) {
        assert_int_equal(numbers[i], i + 2);
    }
    pond_loop_destroy(loop);
}

static void the_first_error_ends_the_others(void **state)
{
    struct pond_loop *loop;
    struct pond_job jobs[] = { { .fn = sleep_long }, { .fn = fail_soon }, { .fn = sleep_long } };

    (void)state;
    ok(pond_loop_create(&loop, &error));
    must_fail(pond_all(loop, jobs, 3, &error), "22012");
    assert_int_equal(jobs[0].result, POND_CANCELLED);
    assert_int_equal(jobs[1].result, POND_SQL);
    assert_int_equal(jobs[2].result, POND_CANCELLED);
    pond_loop_destroy(loop);
}

struct duel {
    struct pond_conn *conn;
    int slept; /* 1: not ended yet */
};

static int sleeper(void *arg, struct pond_error *e)
{
    struct duel *d = arg;

    d->slept = pond_exec(d->conn, FOR_EVER, NULL, e);
    assert_string_equal(e->sqlstate, "57014");
    return 0;
}

static int canceller(void *arg, struct pond_error *e)
{
    struct duel *d = arg;

    assert_int_equal(pond_exec(d->conn, "SELECT 1", NULL, e), POND_USAGE); /* busy */
    while (d->slept == 1) {
        ok(pond_conn_cancel(d->conn, e));
        ok(pond_sleep(5, e));
    }
    return 0;
}

static void another_task_cancels(void **state)
{
    struct duel d = { .slept = 1 };
    struct pond_loop *loop;
    struct pond_job jobs[] = { { .fn = sleeper, .arg = &d }, { .fn = canceller, .arg = &d } };

    (void)state;
    ok(pond_loop_create(&loop, &error));
    ok(pond_conn_open(loop, "", &d.conn, &error));
    ok(pond_all(loop, jobs, 2, &error));
    assert_int_equal(d.slept, POND_SQL);
    pond_conn_destroy(d.conn);
    pond_loop_destroy(loop);
}

/* ---- pools ---- */

static int borrow(void *arg, struct pond_conn *lent, struct pond_error *e)
{
    (void)arg;
    int r = pond_exec(lent, "SET application_name = 'changed'; BEGIN", NULL, e);
    return r == 0 ? pond_sleep(1, e) : r;
}

static int borrow_often(void *pool, struct pond_error *e)
{
    for (int i = 0; i < 5; i++) {
        int r = pond_pool_with(pool, -1, borrow, NULL, e);

        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static void a_pool_serves_many_tasks_with_few_connections(void **state)
{
    struct pond_pool_options o = { .conninfo = "application_name=pooled", .max = 3, .ping = true };
    struct pond_pool_stats stats;
    struct pond_job jobs[8];
    struct pond_pool *pool;
    struct pond_conn *lent;

    (void)state;
    ok(pond_pool_create(NULL, &o, &pool, &error));
    for (size_t i = 0; i < 8; i++) {
        jobs[i] = (struct pond_job){ .fn = borrow_often, .arg = pool };
    }
    ok(pond_all(pond_pool_loop(pool), jobs, 8, &error));
    pond_pool_stats(pool, &stats);
    assert_int_equal(stats.leases, 40);
    assert_int_equal(stats.opened, 3);
    assert_int_equal(stats.idle, 3);
    assert_int_equal(stats.in_use, 0);
    ok(pond_pool_acquire(pool, 1000, &lent, &error));
    assert_int_equal(pond_conn_status(lent), 'I');
    assert_string_equal(pond_conn_parameter(lent, "application_name"), "pooled");
    assert_int_equal(pond_pool_destroy(pool, &error), POND_USAGE); /* one is lent */
    pond_pool_release(pool, lent);
    ok(pond_pool_destroy(pool, &error));
}

static void a_full_pool_lets_wait_and_no_longer_than_said(void **state)
{
    struct pond_pool *pool;
    struct pond_conn *lent = NULL, *second = NULL;

    (void)state;
    ok(pond_pool_create(NULL, &(struct pond_pool_options){ .max = 1, .min = 1 }, &pool, &error));
    {
        POND_SCOPED(scope, &error);

        ok(pond_scope_acquire(&scope, pool, 1000, &lent, &error));
        assert_int_equal(pond_pool_acquire(pool, 20, &second, &error), POND_TIMEOUT);
        error.kind = 0;
        pond_conn_close(lent); /* broken: it is not lent again */
    }
    ok(pond_pool_acquire(pool, 1000, &second, &error));
    ok(pond_exec(second, "SELECT 1", NULL, &error));
    pond_pool_release(pool, second);
    ok(pond_pool_destroy(pool, &error));
    assert_int_equal(
        pond_pool_create(NULL,
                         &(struct pond_pool_options){ .conninfo = "dbname=nowhere", .min = 1 },
                         &pool, &error),
        POND_CONNECT);
    assert_string_equal(error.sqlstate, "3D000");
}

/* ---- the caller's own event_base ---- */

struct driven {
    struct event_base *base;
    struct pond_conn *conn;
    int64_t sum;
    int result;
    bool ticked;
};

static int use_driven(void *arg, struct pond_error *e)
{
    struct driven *d = arg;
    struct pond_row row;
    struct pond_rows *rows = NULL;
    int64_t n;
    int r = pond_conn_open(NULL, "", &d->conn, e);

    if (r == 0) {
        r = pond_rows_open(d->conn, "SELECT * FROM generate_series(1, 1000)", POND_NONE, NULL,
                           &rows, e);
    }
    while (r == 0 && (r = pond_rows_next(rows, &row, e)) == POND_ROW) {
        r = pond_row_int64(row, 0, &n);
        d->sum += n;
    }
    pond_rows_close(rows, NULL);
    return r;
}

static void driven_done(void *arg, int result, const struct pond_error *e)
{
    struct driven *d = arg;

    (void)e;
    d->result = result;
    pond_conn_destroy(d->conn);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    *(bool *)arg = true;
}

static void a_loop_over_the_callers_base_calls_back(void **state)
{
    struct driven d = { .base = event_base_new(), .result = 1 };
    struct pond_loop *loop;
    struct pond_conn *none = NULL;

    (void)state;
    ok(pond_loop_create_on(d.base, &loop, &error));
    assert_int_equal(pond_conn_open(loop, "", &none, &error), POND_USAGE); /* it would block */
    assert_int_equal(pond_loop_run(loop, &error), POND_USAGE);
    ok(pond_spawn(loop, use_driven, &d, driven_done, &error));
    event_base_once(d.base, -1, EV_TIMEOUT, tick, &d.ticked, &(struct timeval){ 0 });
    assert_int_equal(event_base_dispatch(d.base), 1); /* ends by itself */
    assert_int_equal(d.result, 0);
    assert_int_equal(d.sum, 500500);
    assert_true(d.ticked);
    ok(pond_spawn(loop, sleep_long, NULL, NULL, &error));
    assert_int_equal(event_base_loop(d.base, EVLOOP_NONBLOCK), 0);
    pond_loop_destroy(loop); /* the task is cancelled, and ends while the base is dispatched */
    assert_int_equal(event_base_dispatch(d.base), 1);
    event_base_free(d.base);
}

/* ---- closed, refused ---- */

static void a_closed_connection_says_so(void **state)
{
    struct pond_stmt *stmt;
    struct pond_rows *rows;
    struct pond_txn *txn;
    struct pond_row row;

    (void)state;
    ok(pond_txn_begin(conn, NULL, &txn, &error));
    ok(pond_stmt_prepare(conn, "SELECT 1", &stmt, &error));
    ok(pond_rows_open(conn, "SELECT * FROM generate_series(1, 1000)", POND_NONE,
                      &(struct pond_rows_options){ .page_rows = 1 }, &rows, &error));
    pond_conn_close(conn);
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &error), POND_USAGE);
    assert_string_equal(error.sqlstate, "08003");
    assert_int_equal(pond_stmt_query(stmt, POND_NONE, NULL, &error), POND_USAGE);
    assert_int_equal(pond_rows_next(rows, &row, &error), POND_ROW); /* it has come already */
    assert_int_equal(pond_rows_next(rows, &row, &error), POND_USAGE);
    ok(pond_rows_close(rows, &error));
    ok(pond_stmt_close(stmt, &error));
    assert_int_equal(pond_txn_commit(txn, &error), POND_USAGE);
    assert_int_equal(pond_conn_status(conn), 0);
    assert_false(pond_conn_is_open(conn));
}

static void a_database_that_is_not_there_is_an_error_with_an_address(void **state)
{
    struct pond_conn *none = NULL;

    (void)state;
    assert_int_equal(pond_conn_open(NULL, "dbname=nowhere", &none, &error), POND_CONNECT);
    assert_null(none);
    assert_string_equal(error.sqlstate, "3D000");
    assert_memory_equal(error.message, "connection to server", 20);
}

static void keep_notice(void *arg, const struct pond_error *notice)
{
    snprintf(arg, 64, "%s %s", notice->severity, notice->sqlstate);
}

static void notices_are_told(void **state)
{
    char text[64] = "";

    (void)state;
    pond_conn_on_notice(conn, keep_notice, text);
    must_exec("DROP TABLE IF EXISTS lp_never");
    assert_string_equal(text, "NOTICE 00000");
}

#define test(name) cmocka_unit_test_setup_teardown(name, connect_setup, connect_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_connection_knows_its_server),
        test(several_statements_give_several_results),
        test(parameters_arrive_as_they_are),
        test(errors_say_what_and_where),
        test(a_prepared_statement_is_run_again_and_again),
        test(tags_count),
        test(copy_is_refused_where_it_has_no_place),
        test(all_rows_come_whatever_the_page),
        test(an_early_stop_leaves_the_connection_usable),
        test(outside_of_a_transaction_rows_hold_the_connection),
        test(in_a_transaction_rows_and_calls_interleave),
        test(an_error_in_a_later_page_is_told_when_it_is_reached),
        test(rows_are_transformed_on_their_way),
        test(each_row_is_given_to_a_function_until_it_says_stop),
        test(statements_without_rows_have_an_end_at_once),
        test(transactions_nest),
        test(a_failed_transaction_is_not_committed_in_silence),
        test(a_function_runs_in_a_transaction),
        test(a_scope_frees_in_reverse_over_several_connections),
        test(a_call_that_runs_out_of_time_leaves_the_connection_usable),
        test(all_wait_for_all),
        test(the_first_error_ends_the_others),
        test(another_task_cancels),
        test(copy_goes_both_ways),
        test(a_copy_can_be_given_up),
        test(a_bad_copy_is_an_error_of_its_end),
        test(a_pool_serves_many_tasks_with_few_connections),
        test(a_full_pool_lets_wait_and_no_longer_than_said),
        test(a_loop_over_the_callers_base_calls_back),
        test(a_closed_connection_says_so),
        test(a_database_that_is_not_there_is_an_error_with_an_address),
        test(notices_are_told),
        test(a_lock_goes_with_its_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
