/* tests/integration/libpond_rows.c: rows page by page, transactions and scopes. */
#include "libpond.h"

/* ---- streams ---- */

static int count_row(void *arg, struct pond_row row, struct pond_error *e)
{
    int64_t *rows = arg, value;

    assert_int_equal(pond_row_int64(row, 0, &value), 0);
    assert_int_equal(value, ++*rows);
    return value < 250000 ? 0 : pond_error_set(e, POND_APP, "enough");
}

static void a_stream_gives_each_row_once(void **state)
{
    static const struct pond_sink sink = { .row = count_row };
    int64_t rows = 0;

    (void)state;
    ok(pond_stream(conn, "SELECT * FROM generate_series(1, 70000)", POND_NONE, &sink, &rows,
                   &error));
    assert_int_equal(rows, 70000);
    ok(pond_stream(conn, "SELECT 70001 AS i; ;", POND_NONE, &sink, &rows, &error));
    ok(pond_stream(conn, "SELECT $1::int", POND_WITH(pond_int(70002)), &sink, &rows, &error));
    assert_int_equal(rows, 70002);
}

/* (PostgreSQL computes all of such a series before its first row, into a file that it removes when
 * it is stopped: with a hundred million of them that took longer than libpond waits, on a busy
 * machine.) */
static void a_stream_that_is_stopped_leaves_the_connection_usable(void **state)
{
    static const struct pond_sink sink = { .row = count_row };
    int64_t rows = 0;

    (void)state;
    assert_int_equal(pond_stream(conn, "SELECT * FROM generate_series(1, 3000000)", POND_NONE,
                                 &sink, &rows, &error),
                     POND_APP);
    assert_int_equal(rows, 250000);
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

static void the_columns_are_known_without_a_row(void **state)
{
    struct pond_rows *rows;
    struct pond_row columns;

    (void)state;
    ok(pond_rows_open(conn, "SELECT 1 AS a, 'x' AS b WHERE 1 = 0", POND_NONE, NULL, &rows, &error));
    assert_true(pond_rows_columns(rows, &columns));
    assert_int_equal(pond_row_columns(columns), 2);
    assert_string_equal(pond_row_name(columns, 1), "b");
    assert_false(pond_row_is_null(columns, 1));
    ok(pond_rows_close(rows, &error));
    ok(pond_rows_open(conn, "BEGIN", POND_NONE, NULL, &rows, &error));
    assert_false(pond_rows_columns(rows, &columns));
    ok(pond_rows_close(rows, &error));
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
    {
        POND_SCOPED(scope, &error);

        ok(pond_scope_lock(&scope, conn, 4711, &error));
        assert_true(unlocks());
        must_exec("SELECT pg_advisory_lock(4711)");
    }
    assert_int_equal(error.kind, 0);
    assert_false(unlocks());
}

int run_rows_tests(void)
{
    const struct CMUnitTest tests[] = {
        test(a_stream_gives_each_row_once),
        test(a_stream_that_is_stopped_leaves_the_connection_usable),
        test(all_rows_come_whatever_the_page),
        test(the_columns_are_known_without_a_row),
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
        test(a_lock_goes_with_its_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
