/* protocol/backend.c: the writers of a server's messages. */
#include "protocol/backend_fields.h"
#include "protocol/value_row.h"

const struct field_row field_rows[field_row_count] = {
    { 'M', FIELD_MESSAGE }, { 'D', FIELD_DETAIL },   { 'H', FIELD_HINT },
    { 'W', FIELD_WHERE },   { 's', FIELD_SCHEMA },   { 't', FIELD_TABLE },
    { 'c', FIELD_COLUMN },  { 'd', FIELD_DATATYPE }, { 'n', FIELD_CONSTRAINT },
    { 'R', FIELD_ROUTINE },
};

static void write_empty(struct writer *w, uint8_t type)
{
    writer_begin(w, type);
    writer_end(w);
}

void backend_authentication(struct writer *w, enum auth_kind kind, struct view data)
{
    writer_begin(w, 'R');
    writer_u32(w, kind);
    writer_bytes(w, data);
    writer_end(w);
}

void backend_authentication_ok(struct writer *w)
{
    backend_authentication(w, AUTH_OK, view_of(NULL, 0));
}

void backend_authentication_cleartext(struct writer *w)
{
    backend_authentication(w, AUTH_CLEARTEXT, view_of(NULL, 0));
}

void backend_authentication_md5(struct writer *w, const uint8_t salt[4])
{
    backend_authentication(w, AUTH_MD5, view_of(salt, 4));
}

void backend_authentication_sasl(struct writer *w, const char *const *mechanisms, size_t count)
{
    writer_begin(w, 'R');
    writer_u32(w, AUTH_SASL);
    for (size_t i = 0; i < count; i++) {
        writer_cstr(w, mechanisms[i]);
    }
    writer_u8(w, 0);
    writer_end(w);
}

void backend_authentication_sasl_continue(struct writer *w, struct view data)
{
    backend_authentication(w, AUTH_SASL_CONTINUE, data);
}

void backend_authentication_sasl_final(struct writer *w, struct view data)
{
    backend_authentication(w, AUTH_SASL_FINAL, data);
}

void backend_key_data(struct writer *w, int32_t pid, struct view key)
{
    writer_begin(w, 'K');
    writer_i32(w, pid);
    writer_bytes(w, key);
    writer_end(w);
}

void backend_parameter_status(struct writer *w, const char *name, const char *value)
{
    writer_begin(w, 'S');
    writer_cstr(w, name);
    writer_cstr(w, value);
    writer_end(w);
}

void backend_negotiate_version(struct writer *w, uint16_t newest_minor, const struct view *options,
                               size_t count)
{
    writer_begin(w, 'v');
    /* PostgreSQL sends the whole version, and libpq reads it so. */
    writer_u32(w, 3U << 16 | newest_minor);
    writer_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        writer_cstr_view(w, options[i]);
    }
    writer_end(w);
}

void backend_ready_for_query(struct writer *w, char status)
{
    writer_begin(w, 'Z');
    writer_u8(w, (uint8_t)status);
    writer_end(w);
}

void backend_empty_query(struct writer *w)
{
    write_empty(w, 'I');
}

void backend_command_complete(struct writer *w, struct view tag)
{
    writer_begin(w, 'C');
    writer_cstr_view(w, tag);
    writer_end(w);
}

void backend_parse_complete(struct writer *w)
{
    write_empty(w, '1');
}

void backend_bind_complete(struct writer *w)
{
    write_empty(w, '2');
}

void backend_close_complete(struct writer *w)
{
    write_empty(w, '3');
}

void backend_no_data(struct writer *w)
{
    write_empty(w, 'n');
}

void backend_portal_suspended(struct writer *w)
{
    write_empty(w, 's');
}

void backend_parameter_description(struct writer *w, const uint32_t *types, uint16_t count)
{
    writer_begin(w, 't');
    writer_u16(w, count);
    for (uint16_t i = 0; i < count; i++) {
        writer_u32(w, types[i]);
    }
    writer_end(w);
}

void backend_row_description(struct writer *w, uint16_t count)
{
    writer_begin(w, 'T');
    writer_u16(w, count);
}

void backend_row_field(struct writer *w, const struct row_field *field)
{
    writer_cstr_view(w, field->name);
    writer_u32(w, field->table_oid);
    writer_i16(w, field->attnum);
    writer_u32(w, field->type_oid);
    writer_i16(w, field->type_len);
    writer_i32(w, field->typmod);
    writer_i16(w, field->format);
}

int backend_data_row(struct buf *out, const struct value_out *values, const struct cell *cells,
                     size_t count)
{
    size_t start = out->len;
    int r = buf_append(out, "D\0\0\0\0", 5);

    r = r == 0 ? value_row_put(values, cells, count, out) : r;
    size_t length = out->len - start - 1;

    if (r == 0 && length > INT32_MAX) {
        r = BUF_FULL;
    }
    if (r != 0) {
        out->len = start;
        return r;
    }
    uint32_t word = __builtin_bswap32((uint32_t)length);

    memcpy(out->data + start + 1, &word, sizeof(word));
    return 0;
}

static void write_field(struct writer *w, char code, const char *text)
{
    writer_u8(w, (uint8_t)code);
    writer_cstr(w, text);
}

/* P, the position, as decimal digits. */
static void write_position(struct writer *w, int32_t position)
{
    char digits[12];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    for (; position > 0; position /= 10) {
        digits[--at] = (char)('0' + position % 10);
    }
    write_field(w, 'P', digits + at);
}

static void write_failure(struct writer *w, uint8_t type, const struct failure *failure)
{
    const char *severity = failure_severity_name(failure);

    writer_begin(w, type);
    write_field(w, 'S', severity);
    write_field(w, 'V', severity);
    write_field(w, 'C', failure_is_set(failure) ? failure->sqlstate : "XX000");
    for (size_t i = 0; i < field_row_count; i++) {
        const char *text = failure_get(failure, field_rows[i].field);

        if (text != NULL || field_rows[i].code == 'M') {
            write_field(w, (char)field_rows[i].code, text);
        }
        if (field_rows[i].code == 'H' && failure->position > 0) {
            write_position(w, failure->position);
        }
    }
    writer_u8(w, 0);
    writer_end(w);
}

void backend_error(struct writer *w, const struct failure *failure)
{
    write_failure(w, 'E', failure);
}

void backend_notice(struct writer *w, const struct failure *failure)
{
    write_failure(w, 'N', failure);
}

void backend_notification(struct writer *w, int32_t pid, struct view channel, struct view payload)
{
    writer_begin(w, 'A');
    writer_i32(w, pid);
    writer_cstr_view(w, channel);
    writer_cstr_view(w, payload);
    writer_end(w);
}

void backend_function_result(struct writer *w)
{
    writer_begin(w, 'V');
}

void backend_copy_response(struct writer *w, char kind, enum value_format format, uint16_t columns)
{
    writer_begin(w, (uint8_t)kind);
    writer_u8(w, (uint8_t)format);
    writer_u16(w, columns);
    for (uint16_t i = 0; i < columns; i++) {
        writer_u16(w, (uint16_t)format);
    }
    writer_end(w);
}

void backend_copy_data(struct writer *w, struct view data)
{
    writer_begin(w, 'd');
    writer_bytes(w, data);
    writer_end(w);
}

void backend_copy_done(struct writer *w)
{
    write_empty(w, 'c');
}
