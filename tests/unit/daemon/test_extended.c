/* The extended protocol. */
#include "support_client.h"

#include "protocol/pgtype.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

static const struct view no_name = { .data = (const uint8_t *)"", .len = 0 };

static void parse(struct client *c, const char *name, const char *sql)
{
    frontend_parse(&c->w, view_of_str(name), view_of_str(sql), NULL, 0);
}

/* Text parameters, text results. */
static void bind_text(struct client *c, const char *portal, const char *statement,
                      const char *const *values, uint16_t count)
{
    frontend_bind(&c->w, view_of_str(portal), view_of_str(statement), NULL, 0, count);
    for (uint16_t i = 0; i < count; i++) {
        if (values[i] == NULL) {
            writer_null(&c->w);
        } else {
            writer_value(&c->w, view_of_str(values[i]));
        }
    }
    frontend_bind_end(&c->w, NULL, 0);
}

static void execute(struct client *c, const char *portal, int32_t rows)
{
    frontend_execute(&c->w, view_of_str(portal), rows);
}

static void sync_and_wait(struct client *c)
{
    frontend_sync(&c->w);
    client_forget(c);
    client_flush(c);
    client_await(c, 'Z', 1);
}

static void a_whole_exchange_comes_in_one_packet(void **state)
{
    struct client *c = client_shop();

    (void)state;
    parse(c, "", "SELECT $1::int + 1");
    bind_text(c, "", "", (const char *const[]){ "41" }, 1);
    frontend_describe(&c->w, 'P', no_name);
    execute(c, "", 0);
    sync_and_wait(c);
    expect_types(c, "12TDCZ");
    expect_first(c, 0, "42");
    client_close(c);
}

static void messages_may_come_byte_by_byte(void **state)
{
    struct client *c = client_shop();

    (void)state;
    parse(c, "s", "SELECT $1::text");
    bind_text(c, "p", "s", (const char *const[]){ "hello" }, 1);
    execute(c, "p", 0);
    frontend_sync(&c->w);
    for (size_t i = 0; i < c->out.len; i++) {
        client_send(c, c->out.data + i, 1);
        server_run_turns(1);
    }
    client_await(c, 'Z', 1);
    expect_types(c, "12DCZ");
    expect_first(c, 0, "hello");
    client_close(c);
}

static void a_statement_describes_its_parameters_and_rows(void **state)
{
    struct client *c = client_shop();
    struct backend_message message;

    (void)state;
    client_query(c, "CREATE TABLE t (id int PRIMARY KEY, name text)");
    parse(c, "s", "SELECT id, name FROM t WHERE id = $1");
    frontend_describe(&c->w, 'S', view_of_str("s"));
    parse(c, "i", "INSERT INTO t VALUES ($1, $2)");
    frontend_describe(&c->w, 'S', view_of_str("i"));
    sync_and_wait(c);
    expect_types(c, "1tT1tnZ");
    client_message(c, 't', 0, &message);
    assert_int_equal(message.parameter_description.count, 1);
    struct reader r = reader_over(message.parameter_description.types);
    assert_int_equal(reader_u32(&r), OID_INT4);
    client_message(c, 'T', 0, &message);
    struct row_field field;
    r = row_fields(&message.row_description);
    assert_true(row_field_next(&r, &field));
    assert_true(view_equal_str(field.name, "id"));
    assert_int_equal(field.type_oid, OID_INT4);
    assert_int_equal(field.type_len, 4);
    assert_int_not_equal(field.table_oid, 0);
    assert_int_equal(field.attnum, 1);
    client_close(c);
}

static void values_go_both_ways_in_binary(void **state)
{
    static const int16_t binary[] = { FORMAT_BINARY };
    static const uint8_t forty_one[] = { 0, 0, 0, 41 };
    static const uint8_t forty_two[] = { 0, 0, 0, 42 };
    struct client *c = client_shop();
    struct backend_message message;
    struct value_param value;

    (void)state;
    parse(c, "", "SELECT $1::int4 + 1");
    frontend_bind(&c->w, no_name, no_name, binary, 1, 1);
    writer_value(&c->w, view_of(forty_one, sizeof(forty_one)));
    frontend_bind_end(&c->w, binary, 1);
    execute(c, "", 0);
    sync_and_wait(c);
    expect_types(c, "12DCZ");
    client_message(c, 'D', 0, &message);
    struct value_iter it = row_values(&message.data_row);
    assert_true(value_next(&it, &value));
    assert_true(view_equal(value.bytes, view_of(forty_two, sizeof(forty_two))));
    client_close(c);
}

static void all_is_skipped_from_an_error_to_the_sync(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "CREATE TABLE t (id int PRIMARY KEY)");
    parse(c, "ins", "INSERT INTO t VALUES ($1)");
    for (int i = 0; i < 3; i++) {
        bind_text(c, "", "ins", (const char *const[]){ i == 0 ? "1" : "2" }, 1);
        execute(c, "", 0);
    }
    bind_text(c, "", "ins", (const char *const[]){ "9" }, 1);
    execute(c, "", 0);
    frontend_query(&c->w, view_of_str("INSERT INTO t VALUES (77)"));
    sync_and_wait(c);
    expect_types(c, "12C2C2EZ");
    assert_int_equal(client_status(c), 'I');
    client_query(c, "SELECT count(*) FROM t");
    expect_first(c, 0, "0"); /* all up to the Sync was one transaction */
    client_close(c);
}

static void pipelined_syncs_are_transactions_of_their_own(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "CREATE TABLE t (id int PRIMARY KEY)");
    client_forget(c);
    parse(c, "ins", "INSERT INTO t VALUES ($1)");
    for (int i = 0; i < 4; i++) {
        bind_text(c, "", "ins", (const char *const[]){ i % 2 == 0 ? "1" : "2" }, 1);
        execute(c, "", 0);
        frontend_sync(&c->w);
    }
    client_flush(c);
    client_await(c, 'Z', 4);
    expect_types(c, "12CZ2CZ2EZ2EZ");
    client_query(c, "SELECT count(*) FROM t");
    expect_first(c, 0, "2");
    client_close(c);
}

static void a_portal_gives_its_rows_page_by_page(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "BEGIN");
    parse(c, "", "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3");
    bind_text(c, "cur", "", NULL, 0);
    execute(c, "cur", 2);
    sync_and_wait(c);
    expect_types(c, "12DDsZ");
    client_query(c, "SELECT 'between'");
    execute(c, "cur", 2);
    sync_and_wait(c);
    expect_types(c, "DCZ");
    expect_first(c, 0, "3");
    client_query(c, "COMMIT");
    execute(c, "cur", 2);
    sync_and_wait(c);
    expect_types(c, "EZ");
    expect_error(c, "ERROR", "34000", "portal \"cur\" does not exist");
    client_close(c);
}

static void a_failed_block_keeps_its_portals_until_it_ends(void **state)
{
    struct client *c = client_shop();

    (void)state;
    client_query(c, "BEGIN");
    parse(c, "", "SELECT 1 UNION ALL SELECT 2");
    bind_text(c, "cur", "", NULL, 0);
    execute(c, "cur", 1);
    sync_and_wait(c);
    expect_types(c, "12DsZ");
    client_query(c, "SELECT 1/0");
    execute(c, "cur", 1);
    sync_and_wait(c);
    expect_error(c, "ERROR", "25P02",
                 "current transaction is aborted, commands ignored until end of transaction block");
    execute(c, "nope", 1);
    sync_and_wait(c);
    expect_error(c, "ERROR", "34000", "portal \"nope\" does not exist");
    client_query(c, "ROLLBACK");
    execute(c, "cur", 1);
    sync_and_wait(c);
    expect_error(c, "ERROR", "34000", "portal \"cur\" does not exist");
    client_close(c);
}

static void a_flush_brings_answers_without_a_sync(void **state)
{
    struct client *c = client_shop();

    (void)state;
    parse(c, "", "SELECT 1 UNION ALL SELECT 2");
    bind_text(c, "C_1", "", NULL, 0);
    frontend_describe(&c->w, 'P', view_of_str("C_1"));
    frontend_flush(&c->w);
    client_flush(c);
    client_await(c, 'T', 1);
    expect_types(c, "12T");
    execute(c, "C_1", 1);
    frontend_flush(&c->w);
    client_flush(c);
    client_await(c, 's', 1);
    execute(c, "C_1", 1);
    frontend_flush(&c->w);
    client_flush(c);
    client_await(c, 'D', 2);
    frontend_close(&c->w, 'P', view_of_str("C_1"));
    frontend_sync(&c->w);
    client_flush(c);
    client_await(c, 'Z', 1);
    client_query(c, "SELECT 1");
    expect_types(c, "TDCZ");
    client_close(c);
}

static void half_a_pipeline_is_answered_at_its_end(void **state)
{
    struct client *c = client_shop();

    (void)state;
    parse(c, "", "SELECT 1");
    bind_text(c, "", "", NULL, 0);
    client_flush(c);
    server_run_turns(10);
    assert_int_equal(recv(c->fd, c->got, client_got_bytes, 0), -1);
    execute(c, "", 0);
    client_flush(c);
    server_run_turns(10);
    assert_int_equal(recv(c->fd, c->got, client_got_bytes, 0), -1);
    sync_and_wait(c);
    expect_types(c, "12DCZ");
    execute(c, "nope", 0); /* but an error is told at once */
    client_forget(c);
    client_flush(c);
    client_await(c, 'E', 1);
    sync_and_wait(c);
    expect_types(c, "Z");
    client_close(c);
}

static void an_empty_statement_goes_through_the_extended_protocol(void **state)
{
    struct client *c = client_shop();

    (void)state;
    parse(c, "", ";");
    bind_text(c, "", "", NULL, 0);
    frontend_describe(&c->w, 'P', no_name);
    execute(c, "", 1);
    sync_and_wait(c);
    expect_types(c, "12nIZ");
    client_close(c);
}

static void expect_refused(struct client *c, const char *sqlstate, const char *message)
{
    sync_and_wait(c);
    expect_error(c, "ERROR", sqlstate, message);
    assert_int_equal(client_status(c), 'I');
}

static void mistakes_get_postgresqls_words(void **state)
{
    struct client *c = client_shop();

    (void)state;
    parse(c, "", "SELECT 1; SELECT 2");
    expect_refused(c, "42601", "cannot insert multiple commands into a prepared statement");
    bind_text(c, "", "nope", NULL, 0);
    expect_refused(c, "26000", "prepared statement \"nope\" does not exist");
    execute(c, "nope", 0);
    expect_refused(c, "34000", "portal \"nope\" does not exist");
    parse(c, "twice", "SELECT 1");
    parse(c, "twice", "SELECT 1");
    expect_refused(c, "42P05", "prepared statement \"twice\" already exists");
    parse(c, "two", "SELECT $1::int, $2::int");
    bind_text(c, "", "two", (const char *const[]){ "1" }, 1);
    expect_refused(c, "08P01",
                   "bind message supplies 1 parameters, but prepared statement \"two\" requires 2");
    parse(c, "", "SELECT $1::int");
    frontend_bind(&c->w, no_name, no_name, NULL, 0, 1);
    writer_value(&c->w, view_of_str("1"));
    frontend_bind_end(&c->w, (const int16_t[]){ 0, 0 }, 2);
    expect_refused(c, "08P01", "bind message has 2 result formats but query has 1 columns");
    parse(c, "", "SELECT $1::int");
    bind_text(c, "", "", (const char *const[]){ "many" }, 1);
    expect_refused(c, "22P02", "invalid input syntax for type integer: \"many\"");
    client_close(c);
}

static void closing_what_is_not_there_is_fine(void **state)
{
    struct client *c = client_shop();

    (void)state;
    frontend_close(&c->w, 'S', view_of_str("nope"));
    frontend_close(&c->w, 'P', view_of_str("nope"));
    sync_and_wait(c);
    expect_types(c, "33Z");
    client_close(c);
}

static void a_failed_block_refuses_parse_and_execute(void **state)
{
    struct client *c = client_shop();

    (void)state;
    parse(c, "one", "SELECT 1");
    sync_and_wait(c);
    client_query(c, "BEGIN; SELECT * FROM nowhere");
    assert_int_equal(client_status(c), 'E');
    parse(c, "", "SELECT 1");
    sync_and_wait(c);
    expect_types(c, "EZ");
    bind_text(c, "", "one", NULL, 0);
    sync_and_wait(c);
    expect_types(c, "EZ");
    parse(c, "", "ROLLBACK");
    bind_text(c, "", "", NULL, 0);
    execute(c, "", 0);
    sync_and_wait(c);
    expect_types(c, "12CZ");
    assert_int_equal(client_status(c), 'I');
    client_close(c);
}

static void many_parameters_keep_their_values_apart(void **state)
{
    enum { count = 200 };
    struct client *c = client_shop();
    static char sql[8192] = "SELECT ";
    static char texts[count][16];
    const char *values[count];

    (void)state;
    strcpy(sql, "SELECT ");
    for (int i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%d.5", i);
        values[i] = texts[i];
        snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql), "%s$%d::timestamp",
                 i == 0 ? "" : ", ", i + 1);
        snprintf(texts[i], sizeof(texts[i]), "20%02d-1-%d", i % 100, 1 + i % 28);
    }
    parse(c, "", sql);
    bind_text(c, "", "", values, count);
    execute(c, "", 0);
    sync_and_wait(c);
    expect_types(c, "12DCZ");
    struct backend_message message;
    struct value_param value;
    client_message(c, 'D', 0, &message);
    struct value_iter it = row_values(&message.data_row);
    for (int i = 0; value_next(&it, &value); i++) {
        char expected[40];
        snprintf(expected, sizeof(expected), "20%02d-01-%02d 00:00:00", i % 100, 1 + i % 28);
        assert_int_equal(value.bytes.len, strlen(expected));
        assert_memory_equal(value.bytes.data, expected, value.bytes.len);
    }
    client_close(c);
}

static void parse_many(struct client *c, int count)
{
    cleanup(buf_finish) struct buf sql = { 0 };

    assert_int_equal(buf_append_str(&sql, "SELECT count(*) FROM (VALUES "), 0);
    for (int i = 1; i <= count; i++) {
        assert_int_equal(buf_printf(&sql, "%s($%d::int)", i == 1 ? "" : ",", i), 0);
    }
    assert_int_equal(buf_append_str(&sql, ") v(a)"), 0);
    frontend_parse(&c->w, no_name, buf_view(&sql), NULL, 0);
}

static void send_slowly(struct client *c)
{
    for (size_t at = 0; at < c->out.len;) {
        size_t n = c->out.len - at < 30000 ? c->out.len - at : 30000;
        ssize_t sent = send(c->fd, c->out.data + at, n, MSG_NOSIGNAL);

        assert_true(sent > 0 || errno == EAGAIN); /* it reads on when a long text is parsed */
        at += sent > 0 ? (size_t)sent : 0;
        server_run_turns(1);
    }
    buf_clear(&c->out);
    c->w = writer_over(&c->out);
}

static void the_most_parameters_are_taken_and_one_more_is_refused(void **state)
{
    enum { most = 65535 };
    struct client *c;

    (void)state;
    test_conf.max_packet_size = 4 * 1024 * 1024;
    c = client_shop();
    parse_many(c, most);
    frontend_bind(&c->w, no_name, no_name, NULL, 0, most);
    for (int i = 0; i < most; i++) {
        writer_value(&c->w, view_of_str("7"));
    }
    frontend_bind_end(&c->w, NULL, 0);
    execute(c, "", 0);
    frontend_sync(&c->w);
    send_slowly(c);
    client_await(c, 'Z', 1);
    expect_types(c, "12DCZ");
    expect_first(c, 0, "65535");
    client_forget(c);
    parse_many(c, most + 1);
    frontend_sync(&c->w);
    send_slowly(c);
    client_await(c, 'Z', 1);
    expect_types(c, "EZ");
    client_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_exchange_comes_in_one_packet),
        TEST(messages_may_come_byte_by_byte),
        TEST(a_statement_describes_its_parameters_and_rows),
        TEST(values_go_both_ways_in_binary),
        TEST(all_is_skipped_from_an_error_to_the_sync),
        TEST(pipelined_syncs_are_transactions_of_their_own),
        TEST(a_portal_gives_its_rows_page_by_page),
        TEST(a_failed_block_keeps_its_portals_until_it_ends),
        TEST(a_flush_brings_answers_without_a_sync),
        TEST(half_a_pipeline_is_answered_at_its_end),
        TEST(an_empty_statement_goes_through_the_extended_protocol),
        TEST(mistakes_get_postgresqls_words),
        TEST(closing_what_is_not_there_is_fine),
        TEST(a_failed_block_refuses_parse_and_execute),
        TEST(many_parameters_keep_their_values_apart),
        TEST(the_most_parameters_are_taken_and_one_more_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
