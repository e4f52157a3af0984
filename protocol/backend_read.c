/* protocol/backend_read.c: what a client gets: one row per message type, and what walks rows and
 * errors. */
#include "protocol/backend_fields.h"

static const char *const severities[] = {
    [SEVERITY_ERROR] = "ERROR",     [SEVERITY_FATAL] = "FATAL",   [SEVERITY_PANIC] = "PANIC",
    [SEVERITY_WARNING] = "WARNING", [SEVERITY_NOTICE] = "NOTICE", [SEVERITY_DEBUG] = "DEBUG",
    [SEVERITY_INFO] = "INFO",       [SEVERITY_LOG] = "LOG",
};

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
    for (size_t i = 1; i < field_row_count; i++) {
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
