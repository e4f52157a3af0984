/* protocol/frontend.c: one row per message type that a client may send, with its parser; then the
 * writers. */
#include "protocol/frontend.h"

/* ---- parsing ---- */

static int bad_layout(const struct reader *r, struct failure *ret_failure)
{
    if (r->failed) {
        return failure_set(ret_failure, "08P01", "insufficient data left in message");
    }
    return failure_set(ret_failure, "08P01", "invalid message format");
}

static int finish_parse(const struct reader *r, struct failure *ret_failure)
{
    return reader_done(r) ? 0 : bad_layout(r, ret_failure);
}

static uint16_t code_at(struct view codes, size_t i)
{
    return (uint16_t)(codes.data[2 * i] << 8 | codes.data[2 * i + 1]);
}

static int read_formats(struct reader *r, struct format_codes *ret_formats,
                        struct failure *ret_failure)
{
    uint16_t count = reader_u16(r);
    struct view codes = reader_take(r, 2 * (size_t)count);

    if (r->failed) {
        return bad_layout(r, ret_failure);
    }
    for (size_t i = 0; i < count; i++) {
        if (code_at(codes, i) > FORMAT_BINARY) {
            return failure_set(ret_failure, "22023", "unsupported format code: %d",
                               (int16_t)code_at(codes, i));
        }
    }
    *ret_formats = (struct format_codes){ .count = count, .codes = codes };
    return 0;
}

/* Walks `count` values so that later walks cannot fail; gives their bytes. */
static struct view read_values(struct reader *r, uint16_t count)
{
    const uint8_t *start = r->pos;
    struct view value;

    for (uint16_t i = 0; i < count && !r->failed; i++) {
        reader_value(r, &value);
    }
    return view_of(start, (size_t)(r->pos - start));
}

static int parse_query(struct reader *r, struct frontend_message *m, struct failure *ret_failure)
{
    m->query.text = reader_cstr(r);
    return finish_parse(r, ret_failure);
}

static int parse_parse(struct reader *r, struct frontend_message *m, struct failure *ret_failure)
{
    m->parse.name = reader_cstr(r);
    m->parse.text = reader_cstr(r);
    m->parse.type_count = reader_u16(r);
    m->parse.types = reader_take(r, 4 * (size_t)m->parse.type_count);
    return finish_parse(r, ret_failure);
}

static int parse_bind(struct reader *r, struct frontend_message *m, struct failure *ret_failure)
{
    struct msg_bind *b = &m->bind;

    b->portal = reader_cstr(r);
    b->statement = reader_cstr(r);
    if (read_formats(r, &b->formats, ret_failure) != 0) {
        return FAILED;
    }
    b->param_count = reader_u16(r);
    if (b->formats.count > 1 && b->formats.count != b->param_count) {
        return failure_set(ret_failure, "08P01",
                           "bind message has %d parameter formats but %d parameters",
                           b->formats.count, b->param_count);
    }
    b->params = read_values(r, b->param_count);
    if (read_formats(r, &b->result_formats, ret_failure) != 0) {
        return FAILED;
    }
    return finish_parse(r, ret_failure);
}

static int parse_target(struct reader *r, struct frontend_message *m, struct failure *ret_failure)
{
    m->describe.kind = (char)reader_u8(r);
    m->describe.name = reader_cstr(r);
    if (reader_done(r) && m->describe.kind != 'S' && m->describe.kind != 'P') {
        return failure_set(ret_failure, "08P01", "invalid %s message subtype %d",
                           m->type == 'D' ? "DESCRIBE" : "CLOSE", (uint8_t)m->describe.kind);
    }
    return finish_parse(r, ret_failure);
}

static int parse_execute(struct reader *r, struct frontend_message *m, struct failure *ret_failure)
{
    m->execute.portal = reader_cstr(r);
    m->execute.max_rows = reader_i32(r);
    return finish_parse(r, ret_failure);
}

static int parse_function_call(struct reader *r, struct frontend_message *m,
                               struct failure *ret_failure)
{
    struct msg_function_call *f = &m->function_call;

    f->function_oid = reader_u32(r);
    if (read_formats(r, &f->formats, ret_failure) != 0) {
        return FAILED;
    }
    f->arg_count = reader_u16(r);
    if (f->formats.count > 1 && f->formats.count != f->arg_count) {
        return failure_set(ret_failure, "08P01",
                           "function call message contains %d argument formats but %d arguments",
                           f->formats.count, f->arg_count);
    }
    f->args = read_values(r, f->arg_count);
    uint16_t result_format = reader_u16(r);

    if (!r->failed && result_format > FORMAT_BINARY) {
        return failure_set(ret_failure, "22023", "unsupported format code: %d",
                           (int16_t)result_format);
    }
    f->result_format = result_format;
    return finish_parse(r, ret_failure);
}

static int parse_rest(struct reader *r, struct frontend_message *m, struct failure *ret_failure)
{
    m->copy_data = reader_rest(r);
    return finish_parse(r, ret_failure);
}

static int parse_empty(struct reader *r, struct frontend_message *m, struct failure *ret_failure)
{
    (void)m;
    return finish_parse(r, ret_failure);
}

static int parse_copy_fail(struct reader *r, struct frontend_message *m,
                           struct failure *ret_failure)
{
    m->copy_fail = reader_cstr(r);
    return finish_parse(r, ret_failure);
}

static const struct parser_row {
    uint8_t type;
    int (*parse)(struct reader *r, struct frontend_message *m, struct failure *ret_failure);
} parsers[] = {
    { 'B', parse_bind },   { 'E', parse_execute },       { 'S', parse_empty },
    { 'Q', parse_query },  { 'P', parse_parse },         { 'D', parse_target },
    { 'C', parse_target }, { 'H', parse_empty },         { 'd', parse_rest },
    { 'c', parse_empty },  { 'f', parse_copy_fail },     { 'p', parse_rest },
    { 'X', parse_empty },  { 'F', parse_function_call },
};

int frontend_read(const struct frame *frame, struct frontend_message *ret_message,
                  struct failure *ret_failure)
{
    struct frontend_message m = { .type = frame->type };
    struct reader r = reader_over(frame->body);

    for (size_t i = 0; i < ARRAY_LEN(parsers); i++) {
        if (parsers[i].type != frame->type) {
            continue;
        }
        if (parsers[i].parse(&r, &m, ret_failure) != 0) {
            return FAILED;
        }
        *ret_message = m;
        return 0;
    }
    return failure_set(ret_failure, "08P01", "invalid frontend message type %d", frame->type);
}

int password_parse(struct view body, struct view *ret_password, struct failure *ret_failure)
{
    struct reader r = reader_over(body);
    struct view password = reader_cstr(&r);

    if (!reader_done(&r)) {
        return failure_set(ret_failure, "08P01", "invalid password packet size");
    }
    *ret_password = password;
    return 0;
}

int sasl_initial_parse(struct view body, struct msg_sasl_initial *ret_initial,
                       struct failure *ret_failure)
{
    struct reader r = reader_over(body);
    struct msg_sasl_initial initial = { .mechanism = reader_cstr(&r) };

    initial.has_data = reader_value(&r, &initial.data);
    if (!reader_done(&r)) {
        return bad_layout(&r, ret_failure);
    }
    *ret_initial = initial;
    return 0;
}

/* ---- walking ---- */

uint32_t parse_type(const struct msg_parse *parse, size_t i)
{
    struct reader r = reader_over(view_of(parse->types.data + 4 * i, 4));

    return reader_u32(&r);
}

enum value_format format_of(const struct format_codes *formats, size_t i)
{
    if (formats->count == 0) {
        return FORMAT_TEXT;
    }
    return code_at(formats->codes, formats->count == 1 ? 0 : i) == FORMAT_BINARY ? FORMAT_BINARY
                                                                                 : FORMAT_TEXT;
}

struct value_iter bind_params(const struct msg_bind *bind)
{
    return (struct value_iter){ .reader = reader_over(bind->params),
                                .formats = &bind->formats,
                                .count = bind->param_count };
}

struct value_iter function_args(const struct msg_function_call *call)
{
    return (struct value_iter){ .reader = reader_over(call->args),
                                .formats = &call->formats,
                                .count = call->arg_count };
}

bool value_next(struct value_iter *it, struct value_param *ret_param)
{
    struct view bytes;

    if (it->index == it->count) {
        return false;
    }
    bool is_null = !reader_value(&it->reader, &bytes);

    *ret_param = (struct value_param){
        .index = it->index,
        .is_null = is_null,
        .format = it->formats == NULL ? FORMAT_TEXT : format_of(it->formats, it->index),
        .bytes = bytes,
    };
    it->index++;
    return true;
}

/* ---- writing ---- */

static void write_empty(struct writer *w, uint8_t type)
{
    writer_begin(w, type);
    writer_end(w);
}

static void write_formats(struct writer *w, const int16_t *formats, uint16_t count)
{
    writer_u16(w, count);
    for (uint16_t i = 0; i < count; i++) {
        writer_i16(w, formats[i]);
    }
}

void frontend_query(struct writer *w, struct view text)
{
    writer_begin(w, 'Q');
    writer_cstr_view(w, text);
    writer_end(w);
}

void frontend_parse(struct writer *w, struct view name, struct view text, const uint32_t *types,
                    uint16_t type_count)
{
    writer_begin(w, 'P');
    writer_cstr_view(w, name);
    writer_cstr_view(w, text);
    writer_u16(w, type_count);
    for (uint16_t i = 0; i < type_count; i++) {
        writer_u32(w, types[i]);
    }
    writer_end(w);
}

void frontend_bind(struct writer *w, struct view portal, struct view statement,
                   const int16_t *formats, uint16_t format_count, uint16_t param_count)
{
    writer_begin(w, 'B');
    writer_cstr_view(w, portal);
    writer_cstr_view(w, statement);
    write_formats(w, formats, format_count);
    writer_u16(w, param_count);
}

void frontend_bind_end(struct writer *w, const int16_t *result_formats, uint16_t count)
{
    write_formats(w, result_formats, count);
    writer_end(w);
}

static void write_target(struct writer *w, uint8_t type, char kind, struct view name)
{
    writer_begin(w, type);
    writer_u8(w, (uint8_t)kind);
    writer_cstr_view(w, name);
    writer_end(w);
}

void frontend_describe(struct writer *w, char kind, struct view name)
{
    write_target(w, 'D', kind, name);
}

void frontend_close(struct writer *w, char kind, struct view name)
{
    write_target(w, 'C', kind, name);
}

void frontend_execute(struct writer *w, struct view portal, int32_t max_rows)
{
    writer_begin(w, 'E');
    writer_cstr_view(w, portal);
    writer_i32(w, max_rows);
    writer_end(w);
}

void frontend_flush(struct writer *w)
{
    write_empty(w, 'H');
}

void frontend_sync(struct writer *w)
{
    write_empty(w, 'S');
}

void frontend_terminate(struct writer *w)
{
    write_empty(w, 'X');
}

void frontend_copy_data(struct writer *w, struct view data)
{
    writer_begin(w, 'd');
    writer_bytes(w, data);
    writer_end(w);
}

void frontend_copy_done(struct writer *w)
{
    write_empty(w, 'c');
}

void frontend_copy_fail(struct writer *w, struct view reason)
{
    writer_begin(w, 'f');
    writer_cstr_view(w, reason);
    writer_end(w);
}

void frontend_function_call(struct writer *w, uint32_t oid, const int16_t *formats,
                            uint16_t format_count, uint16_t arg_count)
{
    writer_begin(w, 'F');
    writer_u32(w, oid);
    write_formats(w, formats, format_count);
    writer_u16(w, arg_count);
}

void frontend_function_call_end(struct writer *w, enum value_format result_format)
{
    writer_u16(w, (uint16_t)result_format);
    writer_end(w);
}

void frontend_password(struct writer *w, struct view password)
{
    writer_begin(w, 'p');
    writer_cstr_view(w, password);
    writer_end(w);
}

void frontend_sasl_initial(struct writer *w, struct view mechanism, const struct view *data)
{
    writer_begin(w, 'p');
    writer_cstr_view(w, mechanism);
    if (data == NULL) {
        writer_null(w);
    } else {
        writer_value(w, *data);
    }
    writer_end(w);
}

void frontend_sasl_response(struct writer *w, struct view data)
{
    writer_begin(w, 'p');
    writer_bytes(w, data);
    writer_end(w);
}
