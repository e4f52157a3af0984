#include "protocol/backend.h"

#include "support.h"

/* Reads the next message out of *in and holds it to its row's grammar. */
static struct backend_message next(struct view *in)
{
    struct frame frame;
    struct backend_message m;
    struct failure f;

    assert_int_equal(frame_next(in, SIDE_BACKEND, 1 << 20, &frame), 0);
    assert_int_equal(backend_read(&frame, &m, &f), 0);
    return m;
}

static void authentication_comes_back_as_written(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    static const char *const mechanisms[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256" };
    struct view in;

    (void)state;
    backend_authentication_ok(&w);
    backend_authentication_cleartext(&w);
    backend_authentication_md5(&w, (const uint8_t *)"salt");
    backend_authentication_sasl(&w, mechanisms, 2);
    backend_authentication_sasl_continue(&w, BYTES("r="));
    backend_authentication_sasl_final(&w, BYTES("v="));
    backend_key_data(&w, 42, BYTES("\1\2\3\4"));
    assert_int_equal(writer_result(&w), 0);
    in = buf_view(&out);
    assert_int_equal(next(&in).authentication.kind, AUTH_OK);
    assert_int_equal(next(&in).authentication.kind, AUTH_CLEARTEXT);
    assert_view_equal(next(&in).authentication.data, "salt");
    assert_view_equal(next(&in).authentication.data, "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    assert_view_equal(next(&in).authentication.data, "r=");
    assert_int_equal(next(&in).authentication.kind, AUTH_SASL_FINAL);
    struct backend_message m = next(&in);

    assert_int_equal(m.key_data.pid, 42);
    assert_view_equal(m.key_data.key, "\1\2\3\4");
    assert_int_equal(in.len, 0);
}

static void rows_and_their_description_come_back_as_written(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct value_out values[2];
    struct cell cells[2] = { { .kind = CELL_INT, .i = 7 }, { .kind = CELL_NULL } };
    struct row_field field = {
        .name = BYTES("id"),
        .table_oid = 16384,
        .attnum = 1,
        .type_oid = 23,
        .type_len = 4,
        .typmod = -1,
        .format = 1,
    };
    struct value_param p;
    struct view in;

    (void)state;
    backend_row_description(&w, 1);
    backend_row_field(&w, &field);
    writer_end(&w);
    value_out_init(&values[0], 23, -1, FORMAT_TEXT, NULL, &out, NULL);
    value_out_init(&values[1], 23, -1, FORMAT_BINARY, NULL, &out, NULL);
    assert_int_equal(backend_data_row(&out, values, cells, 2), 0);
    in = buf_view(&out);

    struct backend_message m = next(&in);
    struct reader fields = row_fields(&m.row_description);
    struct row_field back = { 0 };

    assert_true(row_field_next(&fields, &back));
    assert_view_equal(back.name, "id");
    assert_int_equal(back.table_oid, 16384);
    assert_int_equal(back.typmod, -1);
    assert_int_equal(back.format, 1);
    assert_false(row_field_next(&fields, &back));

    m = next(&in);
    struct value_iter it = row_values(&m.data_row);

    assert_true(value_next(&it, &p));
    assert_view_equal(p.bytes, "7");
    assert_true(value_next(&it, &p));
    assert_true(p.is_null);
    assert_false(value_next(&it, &p));
}

static void the_other_messages_come_back_as_written(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    const uint32_t types[] = { 23, 25 };
    const struct view option = BYTES("_pq_.x");
    static const char order[] = "SvZIC123nstAGHWdcV";
    struct view in;

    (void)state;
    backend_parameter_status(&w, "TimeZone", "UTC");
    backend_negotiate_version(&w, 0, &option, 1);
    backend_ready_for_query(&w, 'T');
    backend_empty_query(&w);
    backend_command_complete(&w, BYTES("SELECT 1"));
    backend_parse_complete(&w);
    backend_bind_complete(&w);
    backend_close_complete(&w);
    backend_no_data(&w);
    backend_portal_suspended(&w);
    backend_parameter_description(&w, types, 2);
    backend_notification(&w, 7, BYTES("channel"), BYTES("payload"));
    backend_copy_response(&w, 'G', FORMAT_TEXT, 2);
    backend_copy_response(&w, 'H', FORMAT_BINARY, 0);
    backend_copy_response(&w, 'W', FORMAT_TEXT, 1);
    backend_copy_data(&w, BYTES("1\n"));
    backend_copy_done(&w);
    backend_function_result(&w);
    writer_value(&w, BYTES("9"));
    assert_int_equal(writer_end(&w), 0);
    in = buf_view(&out);
    for (size_t i = 0; i < sizeof(order) - 1; i++) {
        struct backend_message m = next(&in);

        assert_int_equal(m.type, order[i]);
        switch (m.type) {
        case 'S':
            assert_view_equal(m.parameter_status.value, "UTC");
            break;
        case 'v':
            assert_view_equal(m.negotiate.options, "_pq_.x\0");
            break;
        case 'Z':
            assert_int_equal(m.status, 'T');
            break;
        case 'C':
            assert_view_equal(m.tag, "SELECT 1");
            break;
        case 't':
            assert_int_equal(m.parameter_description.count, 2);
            break;
        case 'A':
            assert_view_equal(m.notification.payload, "payload");
            break;
        case 'G':
            assert_int_equal(m.copy.formats.count, 2);
            break;
        default:
            break;
        }
    }
    assert_int_equal(in.len, 0);
}

static void an_error_comes_back_with_all_its_fields(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct failure f;
    struct failure back;
    struct view in;

    (void)state;
    failure_set(&f, "23505", "duplicate key value violates unique constraint \"%s\"",
                "orders_pkey");
    failure_add(&f, FIELD_DETAIL, "Key (id)=(1) already exists.");
    failure_add(&f, FIELD_HINT, "hint");
    failure_add(&f, FIELD_TABLE, "orders");
    failure_add(&f, FIELD_CONSTRAINT, "orders_pkey");
    failure_add(&f, FIELD_ROUTINE, "_bt_check_unique");
    f.position = 1234567890;
    f.severity = SEVERITY_FATAL;
    backend_error(&w, &f);
    backend_notice(&w, &f);
    assert_int_equal(writer_result(&w), 0);
    in = buf_view(&out);
    error_parse(next(&in).fields, &back);
    assert_string_equal(back.sqlstate, "23505");
    assert_int_equal(back.severity, SEVERITY_FATAL);
    assert_int_equal(back.position, 1234567890);
    for (int field = 0; field < FAILURE_FIELDS; field++) {
        const char *want = failure_get(&f, (enum failure_field)field);

        if (want == NULL) {
            assert_null(failure_get(&back, (enum failure_field)field));
        } else {
            assert_string_equal(failure_get(&back, (enum failure_field)field), want);
        }
    }
    assert_int_equal(next(&in).type, 'N');
}

static void an_error_is_never_without_sqlstate_and_message(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct failure f = { 0 };
    struct failure back;

    (void)state;
    backend_error(&w, &f);
    assert_view_equal(buf_view(&out), "E\0\0\0\x1cSERROR\0VERROR\0CXX000\0M\0\0");
    error_parse(BYTES("\0"), &back);
    assert_string_equal(back.sqlstate, "XX000");
    error_parse(BYTES("P99999999999999999999\0VNONSENSE\0\0"), &back);
    assert_int_equal(back.severity, SEVERITY_ERROR);
    assert_true(back.position > 0);
}

static void a_body_that_its_grammar_does_not_allow_is_refused(void **state)
{
    struct backend_message m;
    struct failure f;
    struct frame frame = { .type = 'D', .body = BYTES("\0\1\0\0\0\5abc") };

    (void)state;
    assert_int_equal(backend_read(&frame, &m, &f), FAILED);
    assert_string_equal(f.sqlstate, "08P01");
    frame = (struct frame){ .type = 'R', .body = BYTES("\0\0\0\x63") };
    assert_int_equal(backend_read(&frame, &m, &f), FAILED);
}

static int write_without_memory(void)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct failure f;

    failure_set(&f, "42601", "syntax error at or near \"%s\"", "x");
    backend_error(&w, &f);
    backend_ready_for_query(&w, 'I');
    return writer_result(&w);
}

static void no_memory_is_answered(void **state)
{
    (void)state;
    for_each_failed_allocation(write_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authentication_comes_back_as_written),
        cmocka_unit_test(rows_and_their_description_come_back_as_written),
        cmocka_unit_test(the_other_messages_come_back_as_written),
        cmocka_unit_test(an_error_comes_back_with_all_its_fields),
        cmocka_unit_test(an_error_is_never_without_sqlstate_and_message),
        cmocka_unit_test(a_body_that_its_grammar_does_not_allow_is_refused),
        cmocka_unit_test(no_memory_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
