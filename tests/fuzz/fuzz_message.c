/* tests/fuzz/fuzz_message.c: one message body. The first byte selects the row of the message table,
 * and so the side.
 *
 * Two readers that know nothing of each other must agree: the table's grammar, and the parsers with
 * their structs. What is written again from a Bind or a DataRow must be the same bytes. */
#include "fuzz.h"

#include "protocol/backend.h"

#include <string.h>

static bool any_row_matches(enum message_side side, const struct frame *frame)
{
    for (size_t i = 0; i < message_count; i++) {
        if (message_table[i].side == side && message_table[i].type == frame->type &&
            message_matches(&message_table[i], frame->body)) {
            return true;
        }
    }
    return false;
}

static void write_codes(const struct format_codes *formats, int16_t *codes)
{
    for (size_t i = 0; i < formats->count; i++) {
        codes[i] = (int16_t)(formats->codes.data[2 * i] << 8 | formats->codes.data[2 * i + 1]);
    }
}

static void check_bind(const struct msg_bind *bind, struct view body)
{
    static int16_t formats[UINT16_MAX];
    static int16_t results[UINT16_MAX];
    struct value_iter it = bind_params(bind);
    struct value_param p;
    struct buf out = { 0 };
    struct writer w = writer_over(&out);
    size_t count = 0;

    write_codes(&bind->formats, formats);
    write_codes(&bind->result_formats, results);
    frontend_bind(&w, bind->portal, bind->statement, formats, bind->formats.count,
                  bind->param_count);
    for (; value_next(&it, &p); count++) {
        if (p.is_null) {
            writer_null(&w);
        } else {
            writer_value(&w, p.bytes);
        }
    }
    frontend_bind_end(&w, results, bind->result_formats.count);
    must(writer_result(&w) == 0);
    must(count == bind->param_count && reader_done(&it.reader));
    must(out.len == body.len + 5 && memcmp(out.data + 5, body.data, body.len) == 0);
    buf_finish(&out);
}

static void check_parse(const struct msg_parse *parse, struct view body)
{
    static uint32_t types[UINT16_MAX];
    struct buf out = { 0 };
    struct writer w = writer_over(&out);

    for (size_t i = 0; i < parse->type_count; i++) {
        types[i] = parse_type(parse, i);
    }
    frontend_parse(&w, parse->name, parse->text, types, parse->type_count);
    must(writer_result(&w) == 0);
    must(out.len == body.len + 5 && memcmp(out.data + 5, body.data, body.len) == 0);
    buf_finish(&out);
}

static void run_frontend(const struct frame *frame)
{
    struct frontend_message m;
    struct msg_sasl_initial initial;
    struct view password;
    struct failure f = { 0 };
    bool matches = any_row_matches(SIDE_FRONTEND, frame);
    int r = frontend_read(frame, &m, &f);

    must(r == 0 ? matches : r == FAILED && failure_is_set(&f));
    if (r != 0) {
        return;
    }
    if (frame->type == 'B') {
        check_bind(&m.bind, frame->body);
    } else if (frame->type == 'P') {
        check_parse(&m.parse, frame->body);
    } else if (frame->type == 'p') {
        r = password_parse(m.password, &password, &f);
        must(r == 0 || r == FAILED);
        r = sasl_initial_parse(m.password, &initial, &f);
        must(r == 0 || r == FAILED);
    } else if (frame->type == 'F') {
        struct value_iter it = function_args(&m.function_call);
        struct value_param p;

        while (value_next(&it, &p)) {
        }
        must(reader_done(&it.reader));
    }
}

static void check_row(const struct msg_values *row, struct view body)
{
    struct value_iter it = row_values(row);
    struct value_param p;
    struct buf out = { 0 };
    struct writer w = writer_over(&out);

    writer_begin(&w, 'D');
    writer_u16(&w, row->count);
    while (value_next(&it, &p)) {
        if (p.is_null) {
            writer_null(&w);
        } else {
            writer_value(&w, p.bytes);
        }
    }
    must(writer_end(&w) == 0);
    must(out.len == body.len + 5 && memcmp(out.data + 5, body.data, body.len) == 0);
    buf_finish(&out);
}

/* A failure that was read, written and read again is the same. */
static void check_error(struct view fields)
{
    struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct failure first;
    struct failure second;

    error_parse(fields, &first);
    backend_error(&w, &first);
    must(writer_result(&w) == 0);
    error_parse(view_of(out.data + 5, out.len - 5), &second);
    must(strcmp(first.sqlstate, second.sqlstate) == 0 && first.severity == second.severity);
    must(strcmp(failure_get(&first, FIELD_MESSAGE), failure_get(&second, FIELD_MESSAGE)) == 0);
    must(second.position == (first.position > 0 ? first.position : 0));
    buf_finish(&out);
}

static void check_description(const struct msg_values *description)
{
    struct reader r = row_fields(description);
    struct row_field field;
    size_t count = 0;

    while (row_field_next(&r, &field)) {
        count++;
    }
    must(reader_done(&r) && count == description->count);
}

static void run_backend(const struct frame *frame)
{
    struct backend_message m;
    struct failure f = { 0 };
    int r = backend_read(frame, &m, &f);

    must((r == 0) == any_row_matches(SIDE_BACKEND, frame));
    if (r != 0) {
        return;
    }
    if (frame->type == 'D') {
        check_row(&m.data_row, frame->body);
    } else if (frame->type == 'T') {
        check_description(&m.row_description);
    } else if (frame->type == 'E' || frame->type == 'N') {
        check_error(m.fields);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const struct message_row *row = &message_table[data[0] % message_count];
    struct frame frame = { .type = row->type, .body = view_of(data + 1, size - 1), .row = row };

    message_matches(row, frame.body);
    if (row->type == 0) {
        return 0;
    }
    if (row->side == SIDE_FRONTEND) {
        run_frontend(&frame);
    } else {
        run_backend(&frame);
    }
    return 0;
}
