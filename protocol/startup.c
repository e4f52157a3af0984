/* protocol/startup.c: length, a code that is a version or one of three requests, and what belongs
 * to it. */
#include "protocol/startup.h"

#include "protocol/backend.h"
#include "protocol/blank.h"
#include "protocol/reader.h"

enum {
    code_cancel = 80877102,
    code_ssl = 80877103,
    code_gssenc = 80877104,
    version_3_0 = 3 << 16,
};

static int fatal(struct failure *ret_failure, const char *sqlstate, const char *message)
{
    failure_set(ret_failure, sqlstate, "%s", message);
    ret_failure->severity = SEVERITY_FATAL;
    return FAILED;
}

static int parse_cancel(struct reader *r, struct startup *s, struct failure *ret_failure)
{
    s->kind = STARTUP_CANCEL;
    s->cancel_pid = reader_i32(r);
    s->cancel_key = reader_rest(r);
    if (r->failed || s->cancel_key.len < startup_key_bytes ||
        s->cancel_key.len > startup_key_max_bytes) {
        return fatal(ret_failure, "08P01", "invalid length of query cancel packet");
    }
    return 0;
}

/* name\0value\0 ... \0, the last of them at the very end. */
static int parse_params(struct reader *r, struct startup *s, struct failure *ret_failure)
{
    const uint8_t *start = r->pos;

    while (!r->failed && reader_left(r) > 0 && *r->pos != 0) {
        reader_cstr(r);
        reader_cstr(r);
    }
    s->params = view_of(start, (size_t)(r->pos - start));
    reader_u8(r);
    if (!reader_done(r)) {
        return fatal(ret_failure, "08P01",
                     "invalid startup packet layout: expected terminator as last byte");
    }
    return 0;
}

static int parse_message(struct reader *r, uint32_t version, struct startup *s,
                         struct failure *ret_failure)
{
    s->kind = STARTUP_MESSAGE;
    s->major = (uint16_t)(version >> 16);
    s->minor = (uint16_t)(version & 0xffff);
    if (s->major != 3) {
        failure_set(ret_failure, "0A000",
                    "unsupported frontend protocol %u.%u: server supports 3.0 to 3.%d", s->major,
                    s->minor, startup_newest_minor);
        ret_failure->severity = SEVERITY_FATAL;
        return FAILED;
    }
    return parse_params(r, s, ret_failure);
}

static int parse_packet(struct view body, struct startup *s, struct failure *ret_failure)
{
    struct reader r = reader_over(body);
    uint32_t code = reader_u32(&r);

    if (code == code_cancel) {
        return parse_cancel(&r, s, ret_failure);
    }
    if (code != code_ssl && code != code_gssenc) {
        return parse_message(&r, code, s, ret_failure);
    }
    if (!reader_done(&r)) {
        return fatal(ret_failure, "08P01", "invalid length of startup packet");
    }
    s->kind = code == code_ssl ? STARTUP_SSL : STARTUP_GSSENC;
    return 0;
}

int startup_next(struct view *in, struct startup *ret_startup, struct failure *ret_failure)
{
    struct reader r = reader_over(*in);
    struct startup s = { 0 };
    uint32_t len = reader_u32(&r);

    if (r.failed) {
        return STARTUP_MORE;
    }
    if (len < 8 || len - 4 > startup_packet_bytes) {
        return fatal(ret_failure, "08P01", "invalid length of startup packet");
    }
    if (len - 4 > reader_left(&r)) {
        return STARTUP_MORE;
    }
    if (parse_packet(reader_take(&r, len - 4), &s, ret_failure) != 0) {
        return FAILED;
    }
    *ret_startup = s;
    view_advance(in, len);
    return 0;
}

size_t startup_need(struct view in)
{
    struct reader r = reader_over(in);
    uint32_t len = reader_u32(&r);

    return r.failed ? sizeof(len) : len;
}

bool startup_param_next(struct view *iter, const char **ret_name, const char **ret_value)
{
    struct reader r = reader_over(*iter);
    struct view name = reader_cstr(&r);
    struct view value = reader_cstr(&r);

    if (r.failed) {
        return false;
    }
    *ret_name = (const char *)name.data;
    *ret_value = (const char *)value.data;
    *iter = reader_rest(&r);
    return true;
}

const char *startup_param_find(const struct startup *startup, const char *name)
{
    struct view iter = startup->params;
    const char *found = NULL;
    const char *key;
    const char *value;

    while (startup_param_next(&iter, &key, &value)) {
        if (strcmp(key, name) == 0) {
            found = value;
        }
    }
    return found;
}

static bool is_protocol_option(const char *name)
{
    return strncmp(name, "_pq_.", 5) == 0;
}

static uint32_t count_protocol_options(const struct startup *startup)
{
    struct view iter = startup->params;
    const char *name;
    const char *value;
    uint32_t count = 0;

    while (startup_param_next(&iter, &name, &value)) {
        count += is_protocol_option(name);
    }
    return count;
}

void startup_negotiate(struct writer *w, const struct startup *startup)
{
    uint32_t count = count_protocol_options(startup);
    struct view iter = startup->params;
    const char *name;
    const char *value;

    if (count == 0 && startup->minor <= startup_newest_minor) {
        return;
    }
    writer_begin(w, 'v');
    writer_u32(w, version_3_0 | startup_newest_minor);
    writer_u32(w, count);
    while (startup_param_next(&iter, &name, &value)) {
        if (is_protocol_option(name)) {
            writer_cstr(w, name);
        }
    }
    writer_end(w);
}

/* ---- options=-c a=b ---- */

/* Appends the next word and a NUL to scratch. STARTUP_END: there is none. */
static int next_word(const char **iter, struct buf *scratch)
{
    const char *p = *iter;
    int r = 0;

    while (is_blank((uint8_t)*p)) {
        p++;
    }
    if (*p == '\0') {
        *iter = p;
        return STARTUP_END;
    }
    while (r == 0 && *p != '\0' && !is_blank((uint8_t)*p)) {
        if (*p == '\\' && *++p == '\0') {
            break;
        }
        r = buf_append_byte(scratch, (uint8_t)*p++);
    }
    *iter = p;
    return r != 0 ? r : buf_append_byte(scratch, 0);
}

/* Cuts "name=value" in place. */
static int split_setting(char *text, const char *dashes, const char **ret_name,
                         const char **ret_value, struct failure *ret_failure)
{
    char *equals = strchr(text, '=');

    if (equals == NULL || equals == text) {
        failure_set(ret_failure, "42601", "%s%s requires a value", dashes, text);
        ret_failure->severity = SEVERITY_FATAL;
        return FAILED;
    }
    *equals = '\0';
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : *p;
    }
    *ret_name = text;
    *ret_value = equals + 1;
    return 0;
}

int startup_option_next(const char **iter, struct buf *scratch, const char **ret_name,
                        const char **ret_value, struct failure *ret_failure)
{
    buf_clear(scratch);
    int r = next_word(iter, scratch);

    if (r != 0) {
        return r;
    }
    if (strcmp((char *)scratch->data, "-c") == 0) {
        buf_clear(scratch);
        r = buf_append(scratch, "-c", 2);
        if (r == 0) {
            r = next_word(iter, scratch);
        }
        if (r == STARTUP_END) {
            return fatal(ret_failure, "42601", "-c requires a value");
        }
        if (r != 0) {
            return r;
        }
    }
    char *word = (char *)scratch->data;

    if (strncmp(word, "-c", 2) == 0) {
        return split_setting(word + 2, "-c ", ret_name, ret_value, ret_failure);
    }
    if (strncmp(word, "--", 2) == 0) {
        return split_setting(word + 2, "--", ret_name, ret_value, ret_failure);
    }
    failure_set(ret_failure, "42601", "invalid command-line argument for server process: %s", word);
    ret_failure->severity = SEVERITY_FATAL;
    return FAILED;
}

/* ---- the client's side ---- */

static void write_request(struct writer *w, uint32_t code)
{
    writer_begin(w, 0);
    writer_u32(w, code);
    writer_end(w);
}

void startup_ssl_request(struct writer *w)
{
    write_request(w, code_ssl);
}

void startup_gssenc_request(struct writer *w)
{
    write_request(w, code_gssenc);
}

void startup_cancel_request(struct writer *w, int32_t pid, struct view key)
{
    writer_begin(w, 0);
    writer_u32(w, code_cancel);
    writer_i32(w, pid);
    writer_bytes(w, key);
    writer_end(w);
}

void startup_message(struct writer *w)
{
    writer_begin(w, 0);
    writer_u32(w, version_3_0);
}

void startup_param(struct writer *w, const char *name, const char *value)
{
    writer_cstr(w, name);
    writer_cstr(w, value);
}

int startup_message_end(struct writer *w)
{
    writer_u8(w, 0);
    return writer_end(w);
}
