/* From the first byte to the first ReadyForQuery. */
#include "support_client.h"

#include "async/loop.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

static const char *parameter(struct client *client, const char *name)
{
    struct backend_message message;
    size_t i = 0;

    for (const char *t = client->types; *t != '\0'; t++) {
        if (*t == 'S') {
            client_message(client, 'S', i++, &message);
            if (view_equal_str(message.parameter_status.name, name)) {
                return (const char *)message.parameter_status.value.data;
            }
        }
    }
    return NULL;
}

static void a_client_is_greeted_with_postgresqls_parameters(void **state)
{
    static const char *const params[] = { "user",      "tester", "database",         "shop",
                                          "DateStyle", "ISO",    "application_name", "unit test",
                                          NULL };
    static const char *const names[] = {
        "application_name",
        "client_encoding",
        "DateStyle",
        "default_transaction_read_only",
        "in_hot_standby",
        "integer_datetimes",
        "IntervalStyle",
        "is_superuser",
        "server_encoding",
        "server_version",
        "session_authorization",
        "standard_conforming_strings",
        "TimeZone",
    };
    struct client *client = client_login(params);

    (void)state;
    expect_types(client, "RSSSSSSSSSSSSSKZ");
    assert_int_equal(client_status(client), 'I');
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_non_null(parameter(client, names[i]));
    }
    assert_string_equal(parameter(client, "application_name"), "unit test");
    assert_string_equal(parameter(client, "session_authorization"), "tester");
    assert_string_equal(parameter(client, "client_encoding"), "UTF8");
    assert_int_equal(strncmp(parameter(client, "server_version"), "15.", 3), 0);
    client_close(client);
}

static void a_start_up_packet_may_come_byte_by_byte(void **state)
{
    struct client *client = client_open();

    (void)state;
    startup_message(&client->w);
    startup_param(&client->w, "user", "shop");
    assert_int_equal(startup_message_end(&client->w), 0);
    for (size_t i = 0; i < client->out.len; i++) {
        assert_int_equal(client->len, 0);
        client_send(client, client->out.data + i, 1);
        server_run_turns(1);
    }
    client_await(client, 'Z', 1); /* the database is named like the user */
    assert_int_equal(client->types[0], 'R');
    client_close(client);
}

static void nothing(void *arg)
{
    (void)arg;
}

static uint64_t turns(void)
{
    struct loop_stats stats;

    loop_stats(test_worker->loop, &stats);
    return stats.turns;
}

/* Served for the first byte, for the length, and for the whole: by TCP the kernel keeps the rest.
 */
static void who_sends_byte_by_byte_costs_no_turn_for_each(void **state)
{
    struct client *client = client_open_tcp();

    (void)state;
    startup_message(&client->w);
    startup_param(&client->w, "user", "shop");
    startup_param(&client->w, "application_name", "one that has a rather long name for itself");
    assert_int_equal(startup_message_end(&client->w), 0);
    uint64_t before = turns();
    for (size_t i = 0; i < client->out.len - 1; i++) {
        client_send(client, client->out.data + i, 1);
        server_run(nothing, NULL);
    }
    uint64_t own = client->out.len - 1;
    assert_in_range(turns() - before, own, own + 4); /* fewer when the kernel is late */
    assert_int_equal(client->len, 0);
    client_send(client, client->out.data + client->out.len - 1, 1);
    client_await(client, 'Z', 1);
    client_forget(client);
    client_send(client, "Q", 1); /* what comes when it is in is taken as it comes */
    server_run_turns(1);
    client_send(client, "\0\0\0\x0dSELECT 1", 13);
    client_await(client, 'Z', 1);
    expect_first(client, 0, "1");
    client_close(client);
}

static void expect_byte(struct client *client, uint8_t byte)
{
    uint8_t got[2];

    server_run_turns(3);
    assert_int_equal(recv(client->fd, got, sizeof(got), 0), 1);
    assert_int_equal(got[0], byte);
}

static void encryption_is_declined_and_the_start_up_goes_on(void **state)
{
    struct client *client = client_open();

    (void)state;
    startup_gssenc_request(&client->w);
    client_flush(client);
    expect_byte(client, 'N');
    startup_ssl_request(&client->w);
    client_flush(client);
    expect_byte(client, 'N');
    startup_message(&client->w);
    startup_param(&client->w, "user", "shop");
    assert_int_equal(startup_message_end(&client->w), 0);
    client_flush(client);
    client_await(client, 'Z', 1);
    client_close(client);
}

static void plain_text_behind_an_ssl_request_closes_the_connection(void **state)
{
    struct client *client = client_open();

    (void)state;
    startup_ssl_request(&client->w);
    startup_message(&client->w);
    startup_param(&client->w, "user", "shop");
    assert_int_equal(startup_message_end(&client->w), 0);
    client_flush(client);
    client_await_end(client);
    assert_int_equal(client->len, 0);
    client_close(client);
}

static void refused(const char *const *params, const char *sqlstate, const char *message)
{
    struct client *client = client_login(params);

    expect_error(client, "FATAL", sqlstate, message);
    client_await_end(client);
    client_close(client);
}

static void who_cannot_be_served_is_told_why(void **state)
{
    (void)state;
    refused((const char *const[]){ "user", "me", "database", "nowhere", NULL }, "3D000",
            "database \"nowhere\" does not exist");
    refused((const char *const[]){ "database", "shop", NULL }, "28000",
            "no PostgreSQL user name specified in startup packet");
    refused((const char *const[]){ "user", "me", "database", "shop", "replication", "true", NULL },
            "0A000", "replication connections are not supported");
    refused((const char *const[]){ "user", "me", "database", "shop", "no_such_thing", "1", NULL },
            "42704", "unrecognized configuration parameter \"no_such_thing\"");
    refused((const char *const[]){ "user", "\xff\xfe", "database", "shop", NULL }, "22021",
            "invalid byte sequence for encoding \"UTF8\": 0xff");
}

static void what_clients_send_at_start_up_is_accepted(void **state)
{
    static const char *const params[] = {
        "user",
        "me",
        "database",
        "shop",
        "client_encoding",
        "'utf-8'",
        "DateStyle",
        "ISO, MDY",
        "TimeZone",
        "Europe/Berlin",
        "search_path",
        "public",
        "options",
        "-c statement_timeout=5s --application-name=a\\ b",
        "extra_float_digits",
        "2",
        "lock_timeout",
        "1000",
        "idle_in_transaction_session_timeout",
        "0",
        "geqo",
        "off",
        "IntervalStyle",
        "iso_8601",
        "fallback_application_name",
        "x",
        NULL,
    };
    struct client *client = client_login(params);

    (void)state;
    assert_null(strchr(client->types, 'E'));
    assert_string_equal(parameter(client, "TimeZone"), "Europe/Berlin");
    assert_string_equal(parameter(client, "application_name"), "a b");
    client_query(client, "SHOW statement_timeout");
    expect_first(client, 0, "5s");
    client_close(client);
}

static void unknown_protocol_options_are_negotiated_away(void **state)
{
    static const char *const params[] = { "user", "shop", "_pq_.fancy", "1", NULL };
    struct client *client = client_login(params);
    struct backend_message message;

    (void)state;
    assert_int_equal(client->types[0], 'v');
    client_message(client, 'v', 0, &message);
    assert_int_equal(message.negotiate.count, 1);
    assert_string_equal((const char *)message.negotiate.options.data, "_pq_.fancy");
    client_close(client);
}

static void bad_start_up_packets_end_the_connection(void **state)
{
    static const char *const packets[] = {
        "\x00\x00\x00\x03\x00\x03\x00\x00", /* a length below its own */
        "\x7f\xff\xff\xff\x00\x03\x00\x00", /* huge */
        "\xff\xff\xff\xff\x00\x03\x00\x00", /* negative */
        "\x00\x00\x00\x08\x00\x02\x00\x00", /* protocol 2.0 */
        "\x16\x03\x01\x02\x00\x01\x00\x01", /* a TLS ClientHello */
        "GET / HT",                         /* HTTP */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
        struct client *client = client_open();

        client_send(client, packets[i], 8);
        client_await_end(client);
        client_close(client);
        server_await_empty();
    }
}

static void a_hang_up_before_or_behind_the_start_up_packet_is_quiet(void **state)
{
    (void)state;
    struct client *client = client_open();
    client_close(client);
    server_await_empty();

    client = client_open();
    startup_message(&client->w);
    startup_param(&client->w, "user", "shop");
    assert_int_equal(startup_message_end(&client->w), 0);
    client_flush(client);
    client_close(client); /* haproxy's pgsql-check */
    server_await_empty();
}

static void a_start_up_that_never_ends_is_closed(void **state)
{
    (void)state;
    test_conf.client_login_timeout_us = 10000;
    struct client *client = client_open();
    client_send(client, "\x00\x00\x00\x20\x00\x03\x00\x00us", 10);
    client_await_end(client);
    client_close(client);
}

static void one_client_too_many_is_told_so(void **state)
{
    (void)state;
    test_conf.max_client_conn = 2;
    struct client *a = client_shop();
    struct client *b = client_shop();
    refused((const char *const[]){ "user", "shop", NULL }, "53300",
            "sorry, too many clients already");
    client_close(a);
    while (atomic_load(&test_server.client_count) > 1) {
        server_run_turns(1);
    }
    struct client *c = client_shop();
    client_close(b);
    client_close(c);
}

static void a_flood_over_the_limit_is_turned_away_unheard(void **state)
{
    struct client *flood[100];

    (void)state;
    test_conf.max_client_conn = 1;
    struct client *first = client_shop();
    for (size_t i = 0; i < ARRAY_LEN(flood); i++) {
        flood[i] = client_open_tcp(); /* by a unix socket, the daemon's owner is always heard */
    }
    assert_true(server_connections(&test_server) <= 1 + 64);
    client_await_end(flood[ARRAY_LEN(flood) - 1]);
    expect_error(flood[ARRAY_LEN(flood) - 1], "FATAL", "53300", "sorry, too many clients already");
    for (size_t i = 0; i < ARRAY_LEN(flood); i++) {
        client_close(flood[i]);
    }
    client_query(first, "SELECT 1");
    expect_types(first, "TDCZ");
    client_close(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_is_greeted_with_postgresqls_parameters),
        TEST(a_start_up_packet_may_come_byte_by_byte),
        TEST(who_sends_byte_by_byte_costs_no_turn_for_each),
        TEST(encryption_is_declined_and_the_start_up_goes_on),
        TEST(plain_text_behind_an_ssl_request_closes_the_connection),
        TEST(who_cannot_be_served_is_told_why),
        TEST(what_clients_send_at_start_up_is_accepted),
        TEST(unknown_protocol_options_are_negotiated_away),
        TEST(bad_start_up_packets_end_the_connection),
        TEST(a_hang_up_before_or_behind_the_start_up_packet_is_quiet),
        TEST(a_start_up_that_never_ends_is_closed),
        TEST(one_client_too_many_is_told_so),
        TEST(a_flood_over_the_limit_is_turned_away_unheard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
