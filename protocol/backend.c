/* protocol/backend.c: the writers of a server's messages; then one row per message type that a
 * client may get. */
#include "protocol/backend.h"

static const char *const severities[] = {
    [SEVERITY_ERROR] = "ERROR",     [SEVERITY_FATAL] = "FATAL",   [SEVERITY_PANIC] = "PANIC",
    [SEVERITY_WARNING] = "WARNING", [SEVERITY_NOTICE] = "NOTICE", [SEVERITY_DEBUG] = "DEBUG",
    [SEVERITY_INFO] = "INFO",       [SEVERITY_LOG] = "LOG",
};

/* The error fields that a failure holds, in PostgreSQL's order. */
static const struct field_row {
    uint8_t code;
    uint8_t field;
} field_rows[] = {
    { 'M', FIELD_MESSAGE }, { 'D', FIELD_DETAIL },   { 'H', FIELD_HINT },
    { 'W', FIELD_WHERE },   { 's', FIELD_SCHEMA },   { 't', FIELD_TABLE },
    { 'c', FIELD_COLUMN },  { 'd', FIELD_DATATYPE }, { 'n', FIELD_CONSTRAINT },
};

/* ---- writing ---- */

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

void backend_data_row(struct writer *w, uint16_t count)
{
    writer_begin(w, 'D');
    writer_u16(w, count);
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
    for (size_t i = 0; i < ARRAY_LEN(field_rows); i++) {
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

/* ---- parsing: the table's grammar has judged the body already, so no parser can fail ---- */

static void parse_authentication(struct reader *r, struct backend_message *m)
{
    m->authentication.kind = reader_i32(r);
    m->authentication.data = reader_rest(r);
}

static void parse_key_data(struct reader *r, struct backend_message *m)
{
    m->key_data.pid = reader_i32(r);
    m->key_data.key = reader_rest(r);
}

static void parse_parameter_status(struct reader *r, struct backend_message *m)
{
    m->parameter_status.name = reader_cstr(r);
    m->parameter_status.value = reader_cstr(r);
}

static void parse_negotiate(struct reader *r, struct backend_message *m)
{
    m->negotiate.newest_minor = reader_i32(r);
    m->negotiate.count = reader_u32(r);
    m->negotiate.options = reader_rest(r);
}

static void parse_status(struct reader *r, struct backend_message *m)
{
    m->status = (char)reader_u8(r);
}

static void parse_tag(struct reader *r, struct backend_message *m)
{
    m->tag = reader_cstr(r);
}

static void parse_types(struct reader *r, struct backend_message *m)
{
    m->parameter_description.count = reader_u16(r);
    m->parameter_description.types = reader_rest(r);
}

static void parse_values(struct reader *r, struct backend_message *m)
{
    m->data_row.count = reader_u16(r);
    m->data_row.values = reader_rest(r);
}

static void parse_fields(struct reader *r, struct backend_message *m)
{
    m->fields = reader_rest(r);
}

static void parse_notification(struct reader *r, struct backend_message *m)
{
    m->notification.pid = reader_i32(r);
    m->notification.channel = reader_cstr(r);
    m->notification.payload = reader_cstr(r);
}

static void parse_function_result(struct reader *r, struct backend_message *m)
{
    m->function_result.count = 1;
    m->function_result.values = reader_rest(r);
}

static void parse_copy(struct reader *r, struct backend_message *m)
{
    m->copy.format = reader_u8(r);
    m->copy.formats.count = reader_u16(r);
    m->copy.formats.codes = reader_rest(r);
}

static void parse_copy_data(struct reader *r, struct backend_message *m)
{
    m->copy_data = reader_rest(r);
}

static void parse_empty(struct reader *r, struct backend_message *m)
{
    (void)r;
    (void)m;
}

static const struct parser_row {
    uint8_t type;
    void (*parse)(struct reader *r, struct backend_message *m);
} parsers[] = {
    { 'D', parse_values },    { 'C', parse_tag },          { 'Z', parse_status },
    { '1', parse_empty },     { '2', parse_empty },        { '3', parse_empty },
    { 'T', parse_values },    { 't', parse_types },        { 'n', parse_empty },
    { 's', parse_empty },     { 'I', parse_empty },        { 'E', parse_fields },
    { 'N', parse_fields },    { 'A', parse_notification }, { 'S', parse_parameter_status },
    { 'd', parse_copy_data }, { 'c', parse_empty },        { 'G', parse_copy },
    { 'H', parse_copy },      { 'W', parse_copy },         { 'V', parse_function_result },
    { 'K', parse_key_data },  { 'v', parse_negotiate },    { 'R', parse_authentication },
};

/* Does any row of that type fit? Authentication has one per kind. */
static bool any_row_matches(const struct frame *frame)
{
    for (size_t i = 0; i < message_count; i++) {
        const struct message_row *row = &message_table[i];

        if (row->side == SIDE_BACKEND && row->type == frame->type &&
            message_matches(row, frame->body)) {
            return true;
        }
    }
    return false;
}

int backend_read(const struct frame *frame, struct backend_message *ret_message,
                 struct failure *ret_failure)
{
    struct backend_message m = { .type = frame->type };
    struct reader r = reader_over(frame->body);

    if (!any_row_matches(frame)) {
        return failure_set(ret_failure, "08P01", "invalid message from server: type %d",
                           frame->type);
    }
    for (size_t i = 0; i < ARRAY_LEN(parsers); i++) {
        if (parsers[i].type == frame->type) {
            parsers[i].parse(&r, &m);
            break;
        }
    }
    *ret_message = m;
    return 0;
}

/* ---- walking ---- */

/* The text of one error field, or NULL. */
static const char *find_field(struct view fields, uint8_t code)
{
    struct reader r = reader_over(fields);

    for (;;) {
        uint8_t found = reader_u8(&r);

        if (r.failed || found == 0) {
            return NULL;
        }
        const char *text = (const char *)reader_cstr(&r).data;

        if (found == code) {
            return text;
        }
    }
}

static uint8_t severity_of(struct view fields)
{
    const char *name = find_field(fields, 'V');

    if (name == NULL) {
        name = find_field(fields, 'S');
    }
    for (uint8_t i = 0; name != NULL && i < ARRAY_LEN(severities); i++) {
        if (strcmp(severities[i], name) == 0) {
            return i;
        }
    }
    return SEVERITY_ERROR;
}

static int32_t position_of(const char *digits)
{
    int32_t n = 0;

    for (; digits != NULL && *digits >= '0' && *digits <= '9' && n < INT32_MAX / 10 - 1; digits++) {
        n = n * 10 + (*digits - '0');
    }
    return n;
}

void error_parse(struct view fields, struct failure *ret_failure)
{
    const char *sqlstate = find_field(fields, 'C');
    const char *message = find_field(fields, 'M');

    failure_set(ret_failure, sqlstate == NULL || *sqlstate == '\0' ? "XX000" : sqlstate, "%s",
                message == NULL ? "" : message);
    ret_failure->severity = severity_of(fields);
    ret_failure->position = position_of(find_field(fields, 'P'));
    for (size_t i = 1; i < ARRAY_LEN(field_rows); i++) {
        const char *text = find_field(fields, field_rows[i].code);

        if (text != NULL) {
            failure_add(ret_failure, field_rows[i].field, "%s", text);
        }
    }
}

struct value_iter row_values(const struct msg_values *row)
{
    return (struct value_iter){ .reader = reader_over(row->values), .count = row->count };
}

struct reader row_fields(const struct msg_values *description)
{
    return reader_over(description->values);
}

bool row_field_next(struct reader *r, struct row_field *ret_field)
{
    if (r->failed || reader_left(r) == 0) {
        return false;
    }
    struct row_field field = { .name = reader_cstr(r) };

    field.table_oid = reader_u32(r);
    field.attnum = reader_i16(r);
    field.type_oid = reader_u32(r);
    field.type_len = reader_i16(r);
    field.typmod = reader_i32(r);
    field.format = reader_i16(r);
    if (r->failed) {
        return false;
    }
    *ret_field = field;
    return true;
}
