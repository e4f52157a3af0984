/* The simple protocol. */
#include "support_client.h"

#include <stdio.h>
#include <stdlib.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

static void an_empty_query_is_answered_as_such(void **state)
{
    static const char *const empties[] = { "", ";", " ; ;", "-- ping", "/* x */", "\n" };
    struct client *client = client_shop();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(empties); i++) {
        client_query(client, empties[i]);
        expect_types(client, "IZ");
    }
    client_query(client, ";SELECT 1;;");
    expect_types(client, "TDCZ");
    client_close(client);
}

static void a_query_gives_its_rows_and_tag(void **state)
{
    struct client *client = client_shop();
    struct backend_message message;

    (void)state;
    client_query(client, "SELECT 1");
    expect_types(client, "TDCZ");
    expect_first(client, 0, "1");
    client_message(client, 'C', 0, &message);
    assert_true(view_equal_str(message.tag, "SELECT 1"));
    assert_int_equal(client_status(client), 'I');
    client_close(client);
}

static void several_statements_are_one_transaction(void **state)
{
    struct client *client = client_shop();

    (void)state;
    client_query(client, "CREATE TABLE t (id int PRIMARY KEY, name text)");
    expect_types(client, "CZ");
    client_query(
        client, "INSERT INTO t VALUES (1, 'a'); SELECT name FROM t; INSERT INTO t VALUES (2, 'b')");
    expect_types(client, "CTDCCZ");
    client_query(client, "INSERT INTO t VALUES (3, 'c'); INSERT INTO t VALUES (3, 'd'); SELECT 1");
    expect_types(client, "CEZ");
    assert_int_equal(client_status(client), 'I');
    client_query(client, "SELECT count(*) FROM t");
    expect_first(client, 0, "2");
    client_close(client);
}

static void an_unterminated_string_keeps_all_of_the_query_from_running(void **state)
{
    struct client *client = client_shop();

    (void)state;
    client_query(client, "CREATE TABLE t (id int)");
    client_query(client, "INSERT INTO t VALUES (1); SELECT 'oops");
    expect_types(client, "EZ");
    client_query(client, "SELECT count(*) FROM t");
    expect_first(client, 0, "0");
    client_close(client);
}

static void a_failed_block_takes_nothing_but_its_end(void **state)
{
    struct client *client = client_shop();

    (void)state;
    client_query(client, "BEGIN");
    assert_int_equal(client_status(client), 'T');
    client_query(client, "SELECT * FROM nowhere");
    expect_types(client, "EZ");
    assert_int_equal(client_status(client), 'E');
    client_query(client, "SELECT 1");
    expect_error(client, "ERROR", "25P02",
                 "current transaction is aborted, commands ignored until end of transaction block");
    client_query(client, "SELECT * FROM nowhere");
    expect_error(client, "ERROR", "25P02",
                 "current transaction is aborted, commands ignored until end of transaction block");
    client_query(client, ";");
    expect_types(client, "IZ");
    client_query(client, "COMMIT");
    expect_types(client, "CZ");
    assert_int_equal(client_status(client), 'I');
    client_close(client);
}

static int32_t position_of_error(struct client *client)
{
    struct backend_message message;
    struct failure failure;

    client_message(client, 'E', 0, &message);
    error_parse(message.fields, &failure);
    return failure.position;
}

static void an_errors_position_counts_from_the_start_of_the_whole_query(void **state)
{
    struct client *client = client_shop();

    (void)state;
    client_query(client, "SELECT 1 FRM x y");
    int32_t alone = position_of_error(client);
    client_query(client, "SELECT '\xc3\xa4\xc3\xb6'; SELECT 1 FRM x y");
    expect_types(client, "TDCEZ");
    assert_true(alone > 0);
    assert_int_equal(position_of_error(client), alone + 13);
    client_close(client);
}

static void what_a_connection_does_is_its_own(void **state)
{
    struct client *a = client_shop();
    struct client *b = client_shop();

    (void)state;
    client_query(a, "CREATE TABLE mine (id int)");
    expect_types(a, "CZ");
    client_query(b, "SELECT * FROM mine");
    expect_types(b, "EZ");
    client_close(a);
    client_close(b);
    server_await_empty();
    struct client *c = client_shop();
    client_query(c, "SELECT * FROM mine");
    expect_types(c, "EZ");
    client_close(c);
}

static void a_big_result_waits_for_its_reader(void **state)
{
    struct client *client = client_shop();
    size_t before = mem_used_total();

    (void)state;
    frontend_query(&client->w,
                   view_of_str("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                               "LIMIT 100000) SELECT i, 'row number ' || i FROM n"));
    client_flush(client);
    server_run_turns(20); /* nobody reads: the server holds no more than its output buffer */
    assert_true(mem_used_total() - before < 2 * 1024 * 1024);
    client_await(client, 'Z', 1);
    assert_int_equal(client->counts['D'], 100000);
    client_close(client);
}

static void statements_are_counted(void **state)
{
    struct client *client = client_shop();
    uint64_t before = test_worker->stats.statements;

    (void)state;
    client_query(client, "SELECT 1; SELECT 2");
    client_query(client, ";");
    assert_int_equal(test_worker->stats.statements - before, 2);
    assert_int_equal(test_worker->stats.clone_open_count, 1);
    assert_true(test_worker->stats.clone_open_us_max > 0);
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_query_is_answered_as_such),
        TEST(a_query_gives_its_rows_and_tag),
        TEST(several_statements_are_one_transaction),
        TEST(an_unterminated_string_keeps_all_of_the_query_from_running),
        TEST(a_failed_block_takes_nothing_but_its_end),
        TEST(an_errors_position_counts_from_the_start_of_the_whole_query),
        TEST(what_a_connection_does_is_its_own),
        TEST(a_big_result_waits_for_its_reader),
        TEST(statements_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
