/* A server that misbehaves, or goes away, at any point. */
#include "support.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "protocol/pgtype.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *const one_name[] = { "n" };
static const uint32_t one_type[] = { OID_INT4 };

static void script_select(void)
{
    script_greet();
    script_expect("Q");
    script_columns(one_name, one_type, 1);
    script_int_rows(1, 3);
    script_tag("SELECT 3");
    script_ready('I');
}

static void a_query_gives_its_rows(void **state)
{
    struct pond_result *result;
    int32_t n;

    (void)state;
    script_select();
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_conn_pid(conn), 77);
    assert_string_equal(pond_conn_parameter(conn, "server_version"), "15.5");
    assert_string_equal(pond_conn_setting(conn, "host"), "127.0.0.1");
    assert_non_null(strstr(server_conninfo(), pond_conn_setting(conn, "port")));
    assert_null(pond_conn_setting(conn, "password"));
    assert_int_equal(pond_exec(conn, "SELECT n", &result, &test_error), 0);
    assert_int_equal(pond_result_rows(result), 3);
    assert_int_equal(pond_row_int32(pond_result_row(result, 2), 0, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(pond_row_int32(pond_result_row(result, 3), 0, &n), POND_USAGE);
    assert_int_equal(pond_row_int32(pond_result_row(result, 0), 1, &n), POND_USAGE);
    pond_result_destroy(result);
    pond_conn_destroy(conn);
}

/* Whatever comes before the cut: an error, and a connection that says that it is closed. */
static int exec_with_cut(size_t bytes)
{
    struct pond_conn *conn = NULL;
    struct pond_result *result = NULL;

    script_clear();
    script_select();
    script_cut(bytes);
    int r = pond_conn_open(test_loop, server_conninfo(), &conn, &test_error);
    if (r != 0) {
        assert_int_equal(r, POND_CONNECT);
        assert_memory_equal(test_error.message, "connection to server at", 23);
        return r;
    }
    r = pond_exec(conn, "SELECT n", &result, &test_error);
    if (r != 0) {
        assert_int_equal(r, POND_CONNECT);
        assert_string_equal(test_error.sqlstate, "08006");
        assert_null(result);
        assert_false(pond_conn_is_open(conn));
        assert_int_equal(pond_exec(conn, "SELECT n", NULL, &test_error), POND_USAGE);
    }
    pond_result_destroy(result);
    pond_conn_destroy(conn);
    return r;
}

static void a_hang_up_at_any_byte_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(exec_with_cut(SIZE_MAX), 0);
    size_t all = script_sent();
    assert_true(all > 100);
    for (size_t cut = 0; cut < all; cut++) {
        assert_int_equal(exec_with_cut(cut), POND_CONNECT);
    }
}

static int rows_with_cut(size_t bytes)
{
    struct pond_conn *conn = NULL;
    struct pond_rows *rows = NULL;
    struct pond_row row;

    script_clear();
    script_greet();
    script_expect("PBDEH");
    backend_parse_complete(script_writer());
    backend_bind_complete(script_writer());
    script_columns(one_name, one_type, 1);
    script_int_rows(1, 2);
    backend_portal_suspended(script_writer());
    script_expect("EH");
    script_int_rows(3, 3);
    script_tag("SELECT 3");
    script_expect("S");
    script_ready('I');
    script_cut(bytes);
    int r = pond_conn_open(test_loop, server_conninfo(), &conn, &test_error);
    if (r == 0) {
        r = pond_rows_open(conn, "SELECT n", POND_NONE,
                           &(struct pond_rows_options){ .page_rows = 2 }, &rows, &test_error);
    }
    int n = 0;
    while (r == 0 && (r = pond_rows_next(rows, &row, &test_error)) == POND_ROW) {
        n++;
        r = 0;
    }
    assert_true(r != 0 || n == 3);
    pond_rows_close(rows, NULL);
    pond_conn_destroy(conn);
    return r;
}

static void a_hang_up_among_pages_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(rows_with_cut(SIZE_MAX), 0);
    size_t all = script_sent();
    for (size_t cut = 0; cut < all; cut++) {
        assert_int_equal(rows_with_cut(cut), POND_CONNECT);
    }
}

/* ---- bytes that are no protocol ---- */

static void expect_protocol_error(const void *bytes, size_t len)
{
    script_clear();
    script_greet();
    script_expect("Q");
    script_bytes(bytes, len);
    script_linger();
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_exec(conn, "SELECT n", NULL, &test_error), POND_PROTOCOL);
    assert_string_equal(test_error.sqlstate, "08P01");
    assert_false(pond_conn_is_open(conn));
    pond_conn_destroy(conn);
}

static void absurd_lengths_and_messages_close_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } all[] = {
        { "D\0\0\0\3", 5 },                         /* under 4 */
        { "D\xff\xff\xff\xff", 5 },                 /* negative */
        { "D\x7f\xff\xff\xff", 5 },                 /* longer than the limit */
        { "Z\0\1\0\0", 5 },                         /* one that is always short */
        { "Z\0\0\0\5X", 6 },                        /* no such status */
        { "?\0\0\0\4", 5 },                         /* no such message */
        { "D\0\0\0\6\0\0", 7 },                     /* a row before its columns */
        { "R\0\0\0\x8\0\0\0\0", 9 },                /* what belongs to the start */
        { "T\0\0\0\6\0\1", 7 },                     /* a column that is not there */
        { "1\0\0\0\4", 5 },                         /* of the extended protocol */
        { "s\0\0\0\4", 5 },                         /* the same */
        { "T\0\0\0\6\0\0D\0\0\0\6\0\1", 14 },       /* more values than columns */
        { "T\0\0\0\6\0\0D\0\0\0\7\0\0x", 15 },      /* bytes behind the values */
        { "T\0\0\0\6\0\0Z\0\0\0\5I", 13 },          /* rows without an end */
        { "T\0\0\0\6\0\0T\0\0\0\6\0\0", 14 },       /* columns twice */
        { "d\0\0\0\4", 5 },                         /* data of no copy */
        { "S\0\0\0\6a\0", 7 },                      /* half a parameter */
        { "HTTP/1.1 400 Bad Request\r\n\r\n", 28 }, /* quite another protocol */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        expect_protocol_error(all[i].bytes, all[i].len);
    }
}

static void a_port_of_another_protocol_is_told(void **state)
{
    struct pond_conn *conn = NULL;

    (void)state;
    script_expect("0");
    script_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    assert_int_equal(pond_conn_open(test_loop, server_conninfo(), &conn, &test_error),
                     POND_PROTOCOL);
    assert_non_null(strstr(test_error.message, "does not speak PostgreSQL's protocol"));
    assert_non_null(strstr(test_error.message, "127.0.0.1"));
}

static void a_result_over_the_limit_is_refused(void **state)
{
    (void)state;
    script_greet();
    script_expect("Q");
    script_columns(one_name, one_type, 1);
    script_int_rows(1, 100);
    script_tag("SELECT 100");
    script_ready('I');
    script_linger();
    struct pond_conn *conn = connect_to_server();
    struct pond_result *result = NULL;
    pond_conn_set_limit(conn, 300);
    assert_int_equal(pond_exec(conn, "SELECT n", &result, &test_error), POND_NOMEM);
    assert_string_equal(test_error.sqlstate, "54000");
    assert_true(pond_conn_is_open(conn)); /* the rest was read, and dropped */
    assert_int_equal(script_cancels(), 1);
    pond_conn_destroy(conn);
}

static void a_page_longer_than_asked_for_is_refused(void **state)
{
    struct pond_rows *rows = NULL;

    (void)state;
    script_greet();
    script_expect("PBDEH");
    backend_parse_complete(script_writer());
    backend_bind_complete(script_writer());
    script_columns(one_name, one_type, 1);
    script_int_rows(1, 3);
    script_linger();
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_rows_open(conn, "SELECT n", POND_NONE,
                                    &(struct pond_rows_options){ .page_rows = 2 }, &rows,
                                    &test_error),
                     POND_PROTOCOL);
    pond_conn_destroy(conn);
}

/* ---- deadlines ---- */

static void a_server_that_stops_in_mid_message_is_given_up(void **state)
{
    (void)state;
    script_greet();
    script_expect("Q");
    script_bytes("C\0\0\0\x0eSELE", 9);
    script_linger();
    struct pond_conn *conn = connect_to_server();
    pond_conn_set_timeout(conn,
                          1000); /* were it over before the query is sent, nothing was begun */
    assert_int_equal(pond_exec(conn, "SELECT n", NULL, &test_error), POND_TIMEOUT);
    assert_false(pond_conn_is_open(conn)); /* it did not follow the cancel request either */
    assert_int_equal(script_cancels(), 1);
    pond_conn_destroy(conn);
}

static void a_stall_in_mid_message_is_limited_by_itself(void **state)
{
    (void)state;
    script_greet();
    script_expect("Q");
    script_bytes("C\0\0\0\x0eSELE", 9);
    script_linger();
    struct pond_conn *conn = connect_to_server();
    pond_conn_set_stall(conn, 20);
    assert_int_equal(pond_exec(conn, "SELECT n", NULL, &test_error), POND_TIMEOUT);
    assert_non_null(strstr(test_error.message, "stopped in the middle of a message"));
    assert_false(pond_conn_is_open(conn));
    pond_conn_destroy(conn);
}

static void between_messages_a_stall_is_none(void **state)
{
    (void)state;
    script_greet();
    script_expect("Q");
    script_tag("SELECT 1");
    script_linger();
    struct pond_conn *conn = connect_to_server();
    pond_conn_set_stall(conn, 20);
    pond_conn_set_timeout(conn, 200);
    int64_t begin = clock_now_us(&clock_system);
    assert_int_equal(pond_exec(conn, "SELECT n", NULL, &test_error), POND_TIMEOUT);
    assert_string_equal(test_error.message, "timeout expired");
    assert_true(clock_now_us(&clock_system) - begin >= 200000);
    pond_conn_destroy(conn);
}

static void a_server_that_says_nothing_is_not_connected_to(void **state)
{
    char text[256];
    struct pond_conn *conn = NULL;

    (void)state;
    script_expect("0");
    script_linger();
    snprintf(text, sizeof(text), "%s connect_timeout=1", server_conninfo());
    assert_int_equal(pond_conn_open(test_loop, text, &conn, &test_error), POND_TIMEOUT);
    assert_non_null(strstr(test_error.message, "timeout expired"));
}

/* ---- start-up ---- */

static void a_server_that_wants_a_password_is_refused(void **state)
{
    struct pond_conn *conn = NULL;

    (void)state;
    script_expect("0");
    backend_authentication_cleartext(script_writer());
    script_linger();
    assert_int_equal(pond_conn_open(test_loop, server_conninfo(), &conn, &test_error),
                     POND_CONNECT);
    assert_string_equal(test_error.sqlstate, "28000");
    assert_non_null(strstr(test_error.message, "asks for the password in clear text, which"));
}

static void of_several_hosts_the_first_that_answers_is_taken(void **state)
{
    char text[256];
    struct pond_conn *conn = NULL;
    const char *port = strstr(server_conninfo(), "port=") + 5;

    (void)state;
    script_greet();
    snprintf(text, sizeof(text), "host=/nowhere,127.0.0.1 user=a sslmode=disable port=1,%.*s",
             (int)strcspn(port, " "), port);
    assert_int_equal(pond_conn_open(test_loop, text, &conn, &test_error), 0);
    pond_conn_destroy(conn);
    snprintf(text, sizeof(text), "host=/nowhere,/neither user=a");
    assert_int_equal(pond_conn_open(test_loop, text, &conn, &test_error), POND_CONNECT);
    assert_non_null(strstr(test_error.message, "/nowhere"));
    assert_non_null(strstr(test_error.message, "/neither"));
}

/* ---- notifications ---- */

static void keep(void *arg, const char *channel, const char *payload, int pid)
{
    snprintf(arg, 64, "%s %s %d", channel, payload, pid);
}

static void a_notification_is_waited_for(void **state)
{
    char got[64] = "";

    (void)state;
    script_greet();
    backend_notification(script_writer(), 5, view_of_str("news"), view_of_str("hello"));
    script_linger();
    struct pond_conn *conn = connect_to_server();
    pond_conn_on_notification(conn, keep, got);
    assert_int_equal(pond_conn_await_notification(conn, &test_error), 0);
    assert_string_equal(got, "news hello 5");
    pond_conn_set_timeout(conn, 10);
    assert_int_equal(pond_conn_await_notification(conn, &test_error), POND_TIMEOUT);
    assert_true(pond_conn_is_open(conn)); /* nothing was begun */
    pond_conn_destroy(conn);
}

static void the_reason_of_a_shutdown_is_told(void **state)
{
    (void)state;
    script_greet();
    script_error("57P01", "terminating connection");
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &test_error), POND_SQL);
    assert_string_equal(test_error.sqlstate, "57P01");
    assert_false(pond_conn_is_open(conn));
    pond_conn_destroy(conn);
}

/* As when it was told long ago, and the server's end of the socket is gone. */
static void the_reason_is_told_to_who_cannot_write_any_more(void **state)
{
    (void)state;
    script_greet();
    script_error("57P01", "terminating connection");
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(shutdown(pond_conn_socket(conn), SHUT_WR), 0);
    assert_int_equal(pond_exec(conn, "SELECT 1", NULL, &test_error), POND_SQL);
    assert_string_equal(test_error.sqlstate, "57P01");
    assert_false(pond_conn_is_open(conn));
    pond_conn_destroy(conn);
}

/* ---- memory ---- */

static int everything(void)
{
    struct pond_conn *conn = NULL;
    struct pond_result *result = NULL;
    int r = pond_conn_open(test_loop, server_conninfo(), &conn, &test_error);

    if (r == 0) {
        r = pond_exec(conn, "SELECT n", &result, &test_error);
    }
    pond_result_destroy(result);
    pond_conn_destroy(conn);
    return r;
}

static void memory_may_run_out_anywhere(void **state)
{
    size_t failed = 0;

    (void)state;
    for (uint64_t site = 1; site < 300; site++) {
        script_clear();
        script_select();
        mem_fail_at(site, false);
        int r = everything();
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_true(r <= 0);
        failed += r == POND_NOMEM;
        if (!hit) {
            assert_int_equal(r, 0);
            break;
        }
    }
    assert_true(failed > 5);
}

#define test(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_query_gives_its_rows),
        test(a_hang_up_at_any_byte_is_an_error),
        test(a_hang_up_among_pages_is_an_error),
        test(absurd_lengths_and_messages_close_the_connection),
        test(a_port_of_another_protocol_is_told),
        test(a_result_over_the_limit_is_refused),
        test(a_page_longer_than_asked_for_is_refused),
        test(a_server_that_stops_in_mid_message_is_given_up),
        test(a_stall_in_mid_message_is_limited_by_itself),
        test(between_messages_a_stall_is_none),
        test(a_server_that_says_nothing_is_not_connected_to),
        test(a_server_that_wants_a_password_is_refused),
        test(of_several_hosts_the_first_that_answers_is_taken),
        test(a_notification_is_waited_for),
        test(the_reason_of_a_shutdown_is_told),
        test(the_reason_is_told_to_who_cannot_write_any_more),
        test(memory_may_run_out_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
