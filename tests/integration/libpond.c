/* tests/integration/libpond.c: libpond against a real server, pondd or PostgreSQL 15: the same
 * expectations. */
#include "libpond.h"

struct pond_error error;
struct pond_conn *conn;

int connect_setup(void **state)
{
    (void)state;
    error = (struct pond_error){ 0 };
    return pond_conn_open(NULL, "application_name=libpond", &conn, &error);
}

int connect_teardown(void **state)
{
    (void)state;
    pond_conn_destroy(conn);
    conn = NULL;
    return 0;
}

void must_exec(const char *sql)
{
    ok(pond_exec(conn, sql, NULL, &error));
}

int64_t one_int(const char *sql)
{
    struct pond_result *result;
    int64_t n;

    ok(pond_query(conn, sql, POND_NONE, &result, &error));
    assert_int_equal(pond_result_rows(result), 1);
    assert_int_equal(pond_row_int64(pond_result_row(result, 0), 0, &n), 0);
    pond_result_destroy(result);
    return n;
}

void must_fail(int result, const char *sqlstate)
{
    if (strcmp(error.sqlstate, sqlstate) != 0) {
        print_error("%d %s: %s\n", result, error.sqlstate, error.message);
    }
    assert_int_equal(result, POND_SQL);
    assert_int_equal(error.kind, POND_SQL);
    assert_string_equal(error.sqlstate, sqlstate);
}

void still_works(void)
{
    assert_true(pond_conn_is_open(conn));
    assert_int_equal(one_int("SELECT 41 + 1"), 42);
}

int main(void)
{
    return run_query_tests() + run_rows_tests() + run_loop_tests() == 0 ? EXIT_SUCCESS
                                                                        : EXIT_FAILURE;
}
