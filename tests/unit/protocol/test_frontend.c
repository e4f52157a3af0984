#include "protocol/frontend.h"

#include "support.h"

#include <string.h>

/* What is in `out` as one frame. */
static struct frame only_frame(const struct buf *out)
{
    struct view in = buf_view(out);
    struct frame frame;

    assert_int_equal(frame_next(&in, SIDE_FRONTEND, 1 << 24, &frame), 0);
    assert_int_equal(in.len, 0);
    return frame;
}

static struct frontend_message read_back(const struct buf *out)
{
    struct frame frame = only_frame(out);
    struct frontend_message m;
    struct failure f;

    assert_int_equal(frontend_read(&frame, &m, &f), 0);
    return m;
}

static const char *refusal(uint8_t type, struct view body)
{
    static struct failure f;
    struct frontend_message m;
    struct frame frame = { .type = type, .body = body };

    failure_clear(&f);
    assert_int_equal(frontend_read(&frame, &m, &f), FAILED);
    assert_true(strcmp(f.sqlstate, "08P01") == 0 || strcmp(f.sqlstate, "22023") == 0);
    return failure_get(&f, FIELD_MESSAGE);
}

static void query_and_parse_come_back_as_written(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    const uint32_t types[] = { 23, 0, 0xffffffff };

    (void)state;
    frontend_query(&w, BYTES("SELECT 1"));
    assert_view_equal(read_back(&out).query.text, "SELECT 1");
    buf_clear(&out);

    w = writer_over(&out);
    frontend_parse(&w, BYTES("s1"), BYTES("SELECT $1"), types, 3);
    struct frontend_message m = read_back(&out);

    assert_view_equal(m.parse.name, "s1");
    assert_string_equal((const char *)m.parse.text.data, "SELECT $1");
    assert_int_equal(m.parse.type_count, 3);
    assert_int_equal(parse_type(&m.parse, 0), 23);
    assert_int_equal(parse_type(&m.parse, 2), 0xffffffff);
}

static void bind_lends_its_parameters(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    const int16_t formats[] = { 0, 1, 0 };
    const int16_t result_format = 1;
    struct value_param p;

    (void)state;
    frontend_bind(&w, BYTES("p"), BYTES("s"), formats, 3, 3);
    writer_value(&w, BYTES("x"));
    writer_value(&w, BYTES(""));
    writer_null(&w);
    frontend_bind_end(&w, &result_format, 1);
    struct frontend_message m = read_back(&out);
    struct value_iter it = bind_params(&m.bind);

    assert_view_equal(m.bind.portal, "p");
    assert_view_equal(m.bind.statement, "s");
    assert_true(value_next(&it, &p));
    assert_view_equal(p.bytes, "x");
    assert_int_equal(p.format, FORMAT_TEXT);
    assert_true(value_next(&it, &p));
    assert_int_equal(p.format, FORMAT_BINARY);
    assert_false(p.is_null);
    assert_true(value_next(&it, &p));
    assert_true(p.is_null);
    assert_int_equal(p.index, 2);
    assert_false(value_next(&it, &p));
    assert_int_equal(format_of(&m.bind.result_formats, 7), FORMAT_BINARY);
    assert_int_equal(format_of(&(struct format_codes){ 0 }, 7), FORMAT_TEXT);
}

static void sixty_five_thousand_parameters_are_taken(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct value_param p;
    size_t count = 0;

    (void)state;
    frontend_bind(&w, BYTES(""), BYTES(""), NULL, 0, UINT16_MAX);
    for (size_t i = 0; i < UINT16_MAX; i++) {
        writer_null(&w);
    }
    frontend_bind_end(&w, NULL, 0);
    struct frontend_message m = read_back(&out);
    struct value_iter it = bind_params(&m.bind);

    while (value_next(&it, &p)) {
        count++;
    }
    assert_int_equal(count, UINT16_MAX);
}

static void the_small_messages_come_back_as_written(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct view in;
    struct frame frame;
    static const char order[] = "DCEHSXdcf";

    (void)state;
    frontend_describe(&w, 'S', BYTES("s"));
    frontend_close(&w, 'P', BYTES(""));
    frontend_execute(&w, BYTES("p"), 100);
    frontend_flush(&w);
    frontend_sync(&w);
    frontend_terminate(&w);
    frontend_copy_data(&w, BYTES("a\tb\n"));
    frontend_copy_done(&w);
    frontend_copy_fail(&w, BYTES("no"));
    assert_int_equal(writer_result(&w), 0);
    in = buf_view(&out);
    for (size_t i = 0; i < sizeof(order) - 1; i++) {
        struct frontend_message m;
        struct failure f;

        assert_int_equal(frame_next(&in, SIDE_FRONTEND, 100, &frame), 0);
        assert_int_equal(frame.type, order[i]);
        assert_int_equal(frontend_read(&frame, &m, &f), 0);
        assert_true(message_matches(frame.row, frame.body));
        assert_true(frame.type != 'E' || m.execute.max_rows == 100);
        assert_true(frame.type != 'C' || m.close.kind == 'P');
    }
    assert_int_equal(in.len, 0);
}

static void a_function_call_comes_back_as_written(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    const int16_t binary = 1;
    struct value_param p;

    (void)state;
    frontend_function_call(&w, 1598, &binary, 1, 1);
    writer_value(&w, BYTES("\0\0\0\1"));
    frontend_function_call_end(&w, FORMAT_BINARY);
    struct frontend_message m = read_back(&out);
    struct value_iter it = function_args(&m.function_call);

    assert_int_equal(m.function_call.function_oid, 1598);
    assert_int_equal(m.function_call.result_format, FORMAT_BINARY);
    assert_true(value_next(&it, &p));
    assert_int_equal(p.format, FORMAT_BINARY);
    assert_false(value_next(&it, &p));
}

static void passwords_have_three_faces(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    const struct view data = BYTES("n,,n=");
    struct msg_sasl_initial initial;
    struct view password;
    struct failure f;

    (void)state;
    frontend_password(&w, BYTES("secret"));
    assert_int_equal(password_parse(read_back(&out).password, &password, &f), 0);
    assert_view_equal(password, "secret");
    assert_int_equal(password_parse(BYTES("a\0b\0"), &password, &f), FAILED);
    buf_clear(&out);

    w = writer_over(&out);
    frontend_sasl_initial(&w, BYTES("SCRAM-SHA-256"), &data);
    assert_int_equal(sasl_initial_parse(read_back(&out).password, &initial, &f), 0);
    assert_view_equal(initial.mechanism, "SCRAM-SHA-256");
    assert_true(initial.has_data);
    assert_view_equal(initial.data, "n,,n=");
    assert_int_equal(sasl_initial_parse(BYTES("X\0\0\0\0\x05n"), &initial, &f), FAILED);
}

static void every_truncation_and_every_leftover_byte_is_refused(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    const int16_t formats[] = { 0, 1 };

    (void)state;
    frontend_bind(&w, BYTES("p"), BYTES("s"), formats, 2, 2);
    writer_value(&w, BYTES("value"));
    writer_null(&w);
    frontend_bind_end(&w, formats, 2);
    struct view body = only_frame(&out).body;

    for (size_t len = 0; len < body.len; len++) {
        assert_non_null(refusal('B', view_of(body.data, len)));
    }
    assert_int_equal(buf_append_byte(&out, 0), 0);
    assert_string_equal(refusal('B', view_of(out.data + 5, out.len - 5)), "invalid message format");
    assert_string_equal(refusal('S', BYTES("x")), "invalid message format");
    assert_string_equal(refusal('Q', BYTES("SELECT 1")), "insufficient data left in message");
    assert_string_equal(refusal('P', BYTES("\0\0\xff\xff")), "insufficient data left in message");
}

static void bad_codes_and_counts_are_refused(void **state)
{
    (void)state;
    assert_string_equal(refusal('B', BYTES("\0\0\0\1\0\2\0\0\0\0")), "unsupported format code: 2");
    assert_string_equal(refusal('B', BYTES("\0\0\0\2\0\0\0\0\0\1\0\0\0\0\0\0")),
                        "bind message has 2 parameter formats but 1 parameters");
    assert_string_equal(refusal('D', BYTES("Xs\0")), "invalid DESCRIBE message subtype 88");
    assert_string_equal(refusal('C', BYTES("\xffs\0")), "invalid CLOSE message subtype 255");
    assert_string_equal(refusal('B', BYTES("\0\0\0\0\0\1\xff\xff\xff\xfe\0\0")),
                        "insufficient data left in message");
    assert_string_equal(refusal('z', BYTES("")), "invalid frontend message type 122");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_and_parse_come_back_as_written),
        cmocka_unit_test(bind_lends_its_parameters),
        cmocka_unit_test(sixty_five_thousand_parameters_are_taken),
        cmocka_unit_test(the_small_messages_come_back_as_written),
        cmocka_unit_test(a_function_call_comes_back_as_written),
        cmocka_unit_test(passwords_have_three_faces),
        cmocka_unit_test(every_truncation_and_every_leftover_byte_is_refused),
        cmocka_unit_test(bad_codes_and_counts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
