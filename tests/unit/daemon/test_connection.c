/* The ends of connections, bad input, time-outs, cancel and lack of memory. */
#include "support_client.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/connection_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

#define ENDLESS \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

static void expect_fatal(const char *bytes, size_t len, const char *sqlstate, const char *message)
{
    struct client *c = client_shop();

    client_send(c, bytes, len);
    client_await_end(c);
    expect_types(c, "E");
    expect_error(c, "FATAL", sqlstate, message);
    client_close(c);
}

static void what_is_no_message_ends_the_connection(void **state)
{
    struct client *witness = client_shop();

    (void)state;
    expect_fatal("Z\0\0\0\4", 5, "08P01", "invalid frontend message type 90");
    expect_fatal("\0\0\0\0\0", 5, "08P01", "invalid frontend message type 0");
    expect_fatal("\xff\xff\xff\xff\xff", 5, "08P01", "invalid frontend message type 255");
    expect_fatal("p\0\0\0\5\0", 6, "08P01", "invalid frontend message type 112");
    client_query(witness, "SELECT 1");
    expect_types(witness, "TDCZ");
    client_close(witness);
}

static void bad_lengths_end_the_connection(void **state)
{
    static const char *const heads[] = { "Q\x7f\xff\xff\xff", "Q\xff\xff\xff\xff", "Q\0\0\0\3",
                                         "S\0\0\xff\xff", "Q\0\x10\0\5" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct client *c = client_shop();
        struct backend_message message;
        struct failure failure;

        client_send(c, heads[i], 5);
        client_await_end(c);
        client_message(c, 'E', 0, &message);
        error_parse(message.fields, &failure);
        assert_string_equal(failure_severity_name(&failure), "FATAL");
        assert_true(strcmp(failure.sqlstate, "54000") == 0 ||
                    strcmp(failure.sqlstate, "08P01") == 0);
        client_close(c);
    }
}

static void the_longest_message_is_still_taken(void **state)
{
    size_t len = (size_t)test_conf.max_packet_size - 64;
    char *sql = malloc(len + 1);
    struct client *c = client_shop();

    (void)state;
    memset(sql, ' ', len);
    memcpy(sql, "SELECT 1", 8);
    sql[len] = '\0';
    frontend_query(&c->w, view_of_str(sql));
    for (size_t at = 0; at < c->out.len;) {
        size_t n = c->out.len - at < 30000 ? c->out.len - at : 30000;
        client_send(c, c->out.data + at, n);
        at += n;
        server_run_turns(2);
    }
    client_await(c, 'Z', 1);
    expect_types(c, "TDCZ");
    free(sql);
    client_close(c);
}

static void expect_error_then_ready(const char *bytes, size_t len, const char *sqlstate)
{
    struct client *c = client_shop();
    struct backend_message message;
    struct failure failure;

    client_send(c, bytes, len);
    client_await(c, 'Z', 1);
    expect_types(c, "EZ");
    client_message(c, 'E', 0, &message);
    error_parse(message.fields, &failure);
    assert_string_equal(failure.sqlstate, sqlstate);
    client_query(c, "SELECT 1");
    expect_types(c, "TDCZ");
    client_close(c);
}

static void malformed_messages_are_errors_that_the_connection_outlives(void **state)
{
#define EXPECT(bytes, sqlstate) expect_error_then_ready(bytes, sizeof(bytes) - 1, sqlstate)
    (void)state;
    EXPECT("Q\0\0\0\xcSELECT 1", "08P01");         /* no NUL */
    EXPECT("Q\0\0\0\rSEL\0ECT1\0", "08P01");       /* a NUL inside */
    EXPECT("Q\0\0\0\x0fSELECT '\xff'\0", "22021"); /* not UTF-8 */
    EXPECT("P\0\0\0\7\0\xc0\0S\0\0\0\4", "08P01"); /* cut off */
    EXPECT("P\0\0\0\x9\0\xff\0\0\0S\0\0\0\4", "22021");
    EXPECT("B\0\0\0\xc\0\0\0\0\xff\xff\0\0S\0\0\0\4", "08P01"); /* 65,535 parameters promised */
    EXPECT("D\0\0\0\6X\0S\0\0\0\4", "08P01");
    EXPECT("C\0\0\0\6X\0S\0\0\0\4", "08P01");
    EXPECT("E\0\0\0\5\0S\0\0\0\4", "08P01");
    EXPECT("F\0\0\0\xe\0\0\0\1\0\0\0\0\0\0", "0A000");
#undef EXPECT
}

static void messages_out_of_order_are_answered_in_order(void **state)
{
    struct client *c = client_shop();

    (void)state;
    frontend_sync(&c->w);
    frontend_flush(&c->w);
    frontend_copy_data(&c->w, view_of_str("x"));
    frontend_copy_done(&c->w);
    frontend_copy_fail(&c->w, view_of_str("x"));
    frontend_sync(&c->w);
    client_flush(c);
    client_await(c, 'Z', 2);
    expect_types(c, "ZZ");
    client_close(c);
}

static void terminate_and_half_closed_sockets_are_taken_in_order(void **state)
{
    struct client *c = client_shop();

    (void)state;
    frontend_query(&c->w, view_of_str("SELECT 1"));
    frontend_terminate(&c->w);
    frontend_query(&c->w, view_of_str("SELECT 2"));
    client_flush(c);
    client_await_end(c);
    expect_types(c, "TDCZ");
    client_close(c);

    c = client_shop();
    frontend_query(&c->w, view_of_str("SELECT 1"));
    client_flush(c);
    shutdown(c->fd, SHUT_WR);
    client_await_end(c);
    expect_types(c, "TDCZ");
    client_close(c);
}

static uint64_t turns(void)
{
    struct loop_stats stats;

    loop_stats(test_worker->loop, &stats);
    return stats.turns;
}

static void a_hang_up_stops_the_running_statement(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "CREATE TABLE t (id int)");
    frontend_query(&c->w, view_of_str("BEGIN; INSERT INTO t VALUES (1); " ENDLESS));
    client_flush(c);
    server_run_turns(5);
    assert_false(TAILQ_EMPTY(&test_worker->connections));
    uint64_t before = turns();
    client_close(c);
    server_await_empty();
    assert_true(turns() - before < 1000); /* of a millisecond each, however slow the machine is */
}

static void send_cancel(struct client *victim, uint8_t flip)
{
    struct connection *conn = TAILQ_FIRST(&test_worker->connections);
    uint8_t secret[cancel_key_bytes];
    struct client *c = client_open();

    (void)victim;
    memcpy(secret, conn->cancel_key.secret, sizeof(secret));
    secret[0] ^= flip;
    startup_cancel_request(&c->w, conn->cancel_key.pid, view_of(secret, sizeof(secret)));
    client_flush(c);
    client_await_end(c);
    assert_int_equal(c->len, 0);
    client_close(c);
}

static void a_cancel_request_stops_the_statement_it_means(void **state)
{
    struct client *c = client_shop();

    (void)state;
    send_cancel(c, 0); /* nothing runs: forgotten */
    frontend_query(&c->w, view_of_str(ENDLESS));
    client_flush(c);
    server_run_turns(5);
    send_cancel(c, 1); /* a wrong key */
    server_run_turns(5);
    assert_int_equal(c->len, 0);
    send_cancel(c, 0);
    client_await(c, 'Z', 1);
    expect_error(c, "ERROR", "57014", "canceling statement due to user request");
    client_query(c, "SELECT 1");
    expect_types(c, "TDCZ");
    client_close(c);
}

static void a_statement_has_its_time(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "SET statement_timeout = 20");
    client_query(c, ENDLESS);
    expect_types(c, "TEZ");
    expect_error(c, "ERROR", "57014", "canceling statement due to statement timeout");
    client_query(c, "SELECT 1");
    expect_types(c, "TDCZ");
    client_close(c);
}

static void idleness_has_its_limits(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "SET idle_in_transaction_session_timeout = 20");
    client_query(c, "BEGIN");
    client_forget(c);
    client_await_end(c);
    expect_error(c, "FATAL", "25P03", "terminating connection due to idle-in-transaction timeout");
    client_close(c);
    test_conf.client_idle_timeout_us = 20000;
    c = client_shop();
    client_await_end(c);
    expect_error(c, "FATAL", "57P05", "terminating connection due to idle-session timeout");
    client_close(c);
}

static void a_shutdown_lets_statements_finish_and_then_says_so(void **state)
{
    struct client *idle = client_shop();
    struct client *busy = client_shop();
    struct client *endless = client_shop();

    (void)state;
    frontend_query(&busy->w,
                   view_of_str("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                               "LIMIT 200000) SELECT count(*) FROM n"));
    client_flush(busy);
    frontend_query(&endless->w, view_of_str(ENDLESS));
    client_flush(endless);
    server_run_turns(3);
    connections_shutdown(test_worker, false);
    client_await_end(idle);
    expect_error(idle, "FATAL", "57P01", "terminating connection due to administrator command");
    client_await_end(busy);
    expect_types(busy, "TDCZE");
    connections_shutdown(test_worker, true);
    client_await_end(endless);
    expect_error(endless, "FATAL", "57P01", "terminating connection due to administrator command");
    client_close(idle);
    client_close(busy);
    client_close(endless);
}

static void pipeline_statement(struct client *c, const char *sql)
{
    frontend_parse(&c->w, view_of_str(""), view_of_str(sql), NULL, 0);
    frontend_bind(&c->w, view_of_str(""), view_of_str(""), NULL, 0, 0);
    frontend_bind_end(&c->w, NULL, 0);
    frontend_execute(&c->w, view_of_str(""), 0);
}

static void cut_off_all_behind_a_statement(void *arg)
{
    uint64_t before = test_worker->stats.statements;

    (void)arg;
    while (test_worker->stats.statements == before) {
        assert_int_equal(await_turn(), 0);
    }
    connections_shutdown(test_worker, true);
}

/* The first statement holds the loop for longer than its slice, and so gives up its turn behind it.
 */
static void one_who_is_cut_off_between_two_statements_does_not_begin_the_second(void **state)
{
    struct client *c = client_shop();

    (void)state;
    pipeline_statement(c, "SELECT length(repeat('x', 10000000))");
    pipeline_statement(c, ENDLESS);
    frontend_sync(&c->w);
    client_flush(c);
    server_run(cut_off_all_behind_a_statement, NULL);
    client_await_end(c);
    expect_types(c, "12DC12E");
    expect_error(c, "FATAL", "57P01", "terminating connection due to administrator command");
    client_close(c);
}

/* One client from start to end; what it hears does not matter. */
static bool whole_life(uint64_t fail_at)
{
    struct client *c = client_open();
    static const char *const words[] = { "user", "tester", "database", "shop" };

    startup_message(&c->w);
    startup_param(&c->w, words[0], words[1]);
    startup_param(&c->w, words[2], words[3]);
    assert_int_equal(startup_message_end(&c->w), 0);
    frontend_query(&c->w, view_of_str("CREATE TABLE t (id int); INSERT INTO t VALUES (1)"));
    frontend_parse(&c->w, view_of_str("s"), view_of_str("SELECT id FROM t WHERE id = $1"), NULL, 0);
    frontend_bind(&c->w, view_of_str("p"), view_of_str("s"), NULL, 0, 1);
    writer_value(&c->w, view_of_str("1"));
    frontend_bind_end(&c->w, NULL, 0);
    frontend_execute(&c->w, view_of_str("p"), 0);
    frontend_sync(&c->w);
    frontend_terminate(&c->w);
    client_flush(c);
    bool hit = server_fail_until_empty(fail_at);
    client_close(c);
    return hit;
}

static void any_allocation_may_fail(void **state)
{
    const char *rounds = getenv("POND_TEST_ROUNDS");
    uint64_t most = rounds == NULL ? 400 : strtoull(rounds, NULL, 10);
    struct client *witness = client_shop();

    (void)state;
    (void)witness;
    client_close(witness);
    server_await_empty();
    for (uint64_t n = 1; n < most && whole_life(n); n++) {
    }
    assert_true(most > 100);
    struct client *after = client_shop();
    client_query(after, "SELECT 1");
    expect_types(after, "TDCZ");
    client_close(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_message_ends_the_connection),
        TEST(bad_lengths_end_the_connection),
        TEST(the_longest_message_is_still_taken),
        TEST(malformed_messages_are_errors_that_the_connection_outlives),
        TEST(messages_out_of_order_are_answered_in_order),
        TEST(terminate_and_half_closed_sockets_are_taken_in_order),
        TEST(a_hang_up_stops_the_running_statement),
        TEST(a_cancel_request_stops_the_statement_it_means),
        TEST(a_statement_has_its_time),
        TEST(idleness_has_its_limits),
        TEST(a_shutdown_lets_statements_finish_and_then_says_so),
        TEST(one_who_is_cut_off_between_two_statements_does_not_begin_the_second),
        TEST(any_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
