/* Answers that are passed on as they come. */
#include "support.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "protocol/pgtype.h"

#include <string.h>

static const char *const one_name[] = { "n" };
static const uint32_t one_type[] = { OID_INT4 };

/* What the sink was told, in words; it says POND_APP at its stop_at-th row. */
struct heard {
    struct buf text;
    int rows;
    int stop_at;
};

static int hear_columns(void *arg, struct pond_row columns, struct pond_error *error)
{
    struct heard *h = arg;

    (void)error;
    assert_true(pond_row_columns(columns) == 0 || pond_row_type(columns, 0) == OID_INT4);
    assert_false(pond_row_is_null(columns, 0));
    return buf_printf(&h->text, "[%zu %s]", pond_row_columns(columns), pond_row_name(columns, 0));
}

static int hear_row(void *arg, struct pond_row row, struct pond_error *error)
{
    struct heard *h = arg;
    const char *text = "null";

    if (++h->rows == h->stop_at) {
        return pond_error_set(error, POND_APP, "enough");
    }
    assert_true(pond_row_text(row, 0, &text, NULL) >= 0);
    return buf_printf(&h->text, " %s", text);
}

static int hear_copy(void *arg, const char *data, size_t len, struct pond_error *error)
{
    struct heard *h = arg;

    (void)error;
    return buf_printf(&h->text, "{%.*s}", (int)len, data);
}

static int hear_complete(void *arg, const char *tag, struct pond_error *error)
{
    struct heard *h = arg;

    (void)error;
    return buf_printf(&h->text, "(%s)", tag);
}

static const struct pond_sink all_of_it = { hear_columns, hear_row, hear_copy, hear_complete };

static void expect_heard(struct heard *h, const char *expected)
{
    char *text = buf_take_str(&h->text);

    assert_string_equal(text, expected);
    mem_free(text);
}

static void script_rows(int count)
{
    script_greet();
    script_expect("Q");
    script_columns(one_name, one_type, 1);
    script_int_rows(1, count);
}

static void each_statement_is_told_in_its_turn(void **state)
{
    static const char *const null[] = { NULL };
    struct heard h = { 0 };

    (void)state;
    script_rows(2);
    script_row(null, 1);
    script_tag("SELECT 3");
    script_tag("INSERT 0 1");
    backend_empty_query(script_writer());
    script_ready('I');
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_stream(conn, "...", POND_NONE, &all_of_it, &h, &test_error), 0);
    expect_heard(&h, "[1 n] 1 2 null(SELECT 3)(INSERT 0 1)()");
    pond_conn_destroy(conn);
}

static void what_came_before_an_error_was_told(void **state)
{
    struct heard h = { 0 };

    (void)state;
    script_rows(1);
    script_error("22012", "division by zero");
    script_ready('I');
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_stream(conn, "...", POND_NONE, &all_of_it, &h, &test_error), POND_SQL);
    assert_string_equal(test_error.sqlstate, "22012");
    expect_heard(&h, "[1 n] 1");
    pond_conn_destroy(conn);
}

static void a_sink_without_functions_hears_nothing(void **state)
{
    (void)state;
    script_rows(2);
    script_tag("SELECT 2");
    script_ready('I');
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(
        pond_stream(conn, "...", POND_NONE, &(struct pond_sink){ 0 }, NULL, &test_error), 0);
    pond_conn_destroy(conn);
}

static void parameters_make_it_one_extended_round(void **state)
{
    struct heard h = { 0 };

    (void)state;
    script_greet();
    script_expect("PBDES");
    backend_parse_complete(script_writer());
    backend_bind_complete(script_writer());
    script_columns(one_name, one_type, 1);
    script_int_rows(7, 8);
    script_tag("SELECT 2");
    script_ready('I');
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_stream(conn, "...", POND_WITH(pond_int(1)), &all_of_it, &h, &test_error),
                     0);
    expect_heard(&h, "[1 n] 7 8(SELECT 2)");
    pond_conn_destroy(conn);
}

static void a_sink_that_has_enough_stops_the_server(void **state)
{
    struct heard h = { .stop_at = 2 };

    (void)state;
    script_rows(5);
    script_error("57014", "canceled");
    script_ready('I');
    script_linger();
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_stream(conn, "...", POND_NONE, &all_of_it, &h, &test_error), POND_APP);
    assert_string_equal(test_error.message, "enough");
    assert_int_equal(script_cancels(), 1);
    assert_int_equal(pond_conn_status(conn), 'I');
    expect_heard(&h, "[1 n] 1");
    pond_conn_destroy(conn);
}

static void script_copy_out(void)
{
    script_greet();
    script_expect("Q");
    script_bytes("H\0\0\0\x7\0\0\0", 8);
    backend_copy_data(script_writer(), view_of_str("1\ta\n"));
    backend_copy_data(script_writer(), view_of_str("2\tb\n"));
    script_bytes("c\0\0\0\4", 5);
    script_tag("COPY 2");
    script_ready('I');
}

static void a_copy_is_told_piece_by_piece(void **state)
{
    struct heard h = { 0 };

    (void)state;
    script_copy_out();
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_stream(conn, "...", POND_NONE, &all_of_it, &h, &test_error), 0);
    expect_heard(&h, "{1\ta\n}{2\tb\n}(COPY 2)");
    pond_conn_destroy(conn);
}

static void a_copy_that_nobody_wants_is_refused(void **state)
{
    struct heard h = { 0 };
    const struct pond_sink no_copy = { hear_columns, hear_row, NULL, hear_complete };

    (void)state;
    script_copy_out();
    struct pond_conn *conn = connect_to_server();
    assert_int_equal(pond_stream(conn, "...", POND_NONE, &no_copy, &h, &test_error), POND_USAGE);
    assert_int_equal(pond_conn_status(conn), 'I');
    expect_heard(&h, "(COPY 2)");
    pond_conn_destroy(conn);
}

#define test(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_statement_is_told_in_its_turn),      test(what_came_before_an_error_was_told),
        test(a_sink_without_functions_hears_nothing),  test(parameters_make_it_one_extended_round),
        test(a_sink_that_has_enough_stops_the_server), test(a_copy_is_told_piece_by_piece),
        test(a_copy_that_nobody_wants_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
