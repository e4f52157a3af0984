/* tests/integration/libpond_query.c: queries, COPY, time-outs, and what is refused. */
#include "libpond.h"

#include <poll.h>

/* ---- queries ---- */

static void a_connection_knows_its_server(void **state)
{
    (void)state;
    assert_int_equal(pond_conn_status(conn), 'I');
    assert_memory_equal(pond_conn_parameter(conn, "server_version"), "15.", 3);
    assert_string_equal(pond_conn_parameter(conn, "application_name"), "libpond");
    assert_null(pond_conn_parameter(conn, "no such"));
    assert_string_equal(pond_conn_setting(conn, "host"), getenv("PGHOST"));
    assert_string_equal(pond_conn_setting(conn, "port"), getenv("PGPORT"));
    assert_string_equal(pond_conn_setting(conn, "user"), getenv("PGUSER"));
    assert_string_equal(pond_conn_setting(conn, "dbname"), getenv("PGDATABASE"));
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

static void a_long_piece_lies_there_until_the_next_call(void **state)
{
    enum { len_wanted = 400000 };
    char *text = calloc(1, len_wanted + 1);
    struct pond_copy *copy;
    const char *data;
    size_t len;

    (void)state;
    memset(text, 'x', len_wanted);
    must_exec("DROP TABLE IF EXISTS lp_copy; CREATE TABLE lp_copy (n int, t text)");
    ok(pond_query(conn, "INSERT INTO lp_copy VALUES (1, $1)", POND_WITH(pond_text(text)), NULL,
                  &error));
    ok(pond_copy_open(conn, "COPY lp_copy TO STDOUT", &copy, &error));
    assert_int_equal(pond_copy_read(copy, &data, &len, &error), POND_ROW);
    assert_int_equal(len, len_wanted + 3);
    assert_memory_equal(data + 2, text, len_wanted);
    assert_int_equal(pond_copy_read(copy, &data, &len, &error), 0);
    ok(pond_copy_end(copy, NULL, &error));
    free(text);
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

/* Where the server has taken the connection off its list, the hang-up came later. */
static void after_a_hang_up_the_server_is_done(void **state)
{
    char sql[128];
    struct pond_conn *other;

    (void)state;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_stat_activity WHERE pid = %d",
             pond_conn_pid(conn));
    assert_int_equal(one_int(sql), 1);
    assert_true(pond_conn_socket(conn) >= 0);
    ok(pond_conn_hang_up(conn, &error));
    assert_int_equal(pond_conn_socket(conn), -1);
    ok(pond_conn_hang_up(conn, &error)); /* nothing is left to do */
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &error), POND_USAGE);
    ok(pond_conn_open(NULL, "", &other, &error));
    pond_conn_destroy(conn);
    conn = other;
    assert_int_equal(one_int(sql), 0);
}

static void a_hang_up_ends_what_was_open(void **state)
{
    struct pond_rows *rows;
    struct pond_row row;

    (void)state;
    ok(pond_rows_open(conn, "SELECT * FROM generate_series(1, 100000)", POND_NONE,
                      &(struct pond_rows_options){ .page_rows = 1 }, &rows, &error));
    assert_int_equal(pond_rows_next(rows, &row, &error), POND_ROW);
    ok(pond_conn_hang_up(conn, &error));
    assert_false(pond_conn_is_open(conn));
    (void)pond_rows_close(rows, &error);
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

    return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void the_socket_tells_when_the_server_hangs_up(void **state)
{
    char sql[128];
    struct pond_conn *other;

    (void)state;
    assert_false(readable(pond_conn_socket(conn), 0));
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", pond_conn_pid(conn));
    ok(pond_conn_open(NULL, "", &other, &error));
    ok(pond_exec(other, sql, NULL, &error));
    pond_conn_destroy(other);
    assert_true(readable(pond_conn_socket(conn), 60000));
    assert_true(pond_exec(conn, "SELECT 1", NULL, &error) < 0);
    assert_string_equal(error.sqlstate, "57P01");
    ok(pond_conn_hang_up(conn, &error));
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

int run_query_tests(void)
{
    const struct CMUnitTest tests[] = {
        test(a_connection_knows_its_server),
        test(several_statements_give_several_results),
        test(parameters_arrive_as_they_are),
        test(errors_say_what_and_where),
        test(a_prepared_statement_is_run_again_and_again),
        test(tags_count),
        test(copy_is_refused_where_it_has_no_place),
        test(a_call_that_runs_out_of_time_leaves_the_connection_usable),
        test(copy_goes_both_ways),
        test(a_long_piece_lies_there_until_the_next_call),
        test(a_copy_can_be_given_up),
        test(a_bad_copy_is_an_error_of_its_end),
        test(a_closed_connection_says_so),
        test(after_a_hang_up_the_server_is_done),
        test(a_hang_up_ends_what_was_open),
        test(the_socket_tells_when_the_server_hangs_up),
        test(a_database_that_is_not_there_is_an_error_with_an_address),
        test(notices_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
