/* client/cli/json.c: see json.h. RFC 8259. */
#include "client/cli/json.h"

#include "client/cli/text.h"
#include "protocol/pgtype.h"

#include <stdio.h>

/* ---- strings ---- */

static void put_escape(struct output *out, uint8_t c)
{
    static const char letters[] = "btn?fr"; /* 8 ... 13 */

    if (c == '"' || c == '\\') {
        output_byte(out, '\\');
        output_byte(out, (char)c);
    } else if (c >= 8 && c <= 13 && c != 11) {
        output_byte(out, '\\');
        output_byte(out, letters[c - 8]);
    } else {
        output_printf(out, "\\u%04x", c);
    }
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void json_put_string(struct output *out, const char *s, size_t len)
{
    size_t at = 0;

    output_byte(out, '"');
    while (at < len) {
        size_t run = at;
        uint32_t c;

        while (run < len && is_plain((uint8_t)s[run])) {
            run++;
        }
        output_write(out, s + at, run - at);
        if (run == len) {
            break;
        }
        size_t n = text_decode(s + run, len - run, &c);
        if (n == 0) {
            output_str(out, "\xef\xbf\xbd");
        } else if (n == 1) {
            put_escape(out, (uint8_t)c);
        } else {
            output_write(out, s + run, n);
        }
        at = run + (n == 0 ? 1 : n);
    }
    output_byte(out, '"');
}

/* ---- the grammar ---- */

/* What is left of a text; each skip_ takes what it is for and says whether it was there. */
struct scan {
    const char *at;
    const char *end;
};

static bool skip_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c) {
        return false;
    }
    s->at++;
    return true;
}

static bool skip_digits(struct scan *s)
{
    const char *begin = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        s->at++;
    }
    return s->at > begin;
}

static bool skip_number(struct scan *s)
{
    skip_char(s, '-');
    if (!skip_char(s, '0') && !skip_digits(s)) {
        return false;
    }
    if (skip_char(s, '.') && !skip_digits(s)) {
        return false;
    }
    if (skip_char(s, 'e') || skip_char(s, 'E')) {
        if (!skip_char(s, '+')) {
            skip_char(s, '-');
        }
        return skip_digits(s);
    }
    return true;
}

bool json_is_number(const char *text, size_t len)
{
    struct scan s = { text, text + len };

    return skip_number(&s) && s.at == s.end;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) {
        s->at++;
    }
}

static bool skip_escape(struct scan *s)
{
    if (s->at == s->end) {
        return false;
    }
    if (*s->at != 'u') {
        return strchr("\"\\/bfnrt", *s->at++) != NULL && s->at[-1] != '\0';
    }
    s->at++;
    for (int i = 0; i < 4; i++, s->at++) {
        if (s->at == s->end || *s->at == '\0' || strchr("0123456789abcdefABCDEF", *s->at) == NULL) {
            return false;
        }
    }
    return true;
}

static bool skip_string(struct scan *s)
{
    if (!skip_char(s, '"')) {
        return false;
    }
    while (s->at < s->end && *s->at != '"') {
        uint32_t c;
        size_t n = text_decode(s->at, (size_t)(s->end - s->at), &c);

        if (n == 0 || c < 0x20) {
            return false;
        }
        s->at += n;
        if (c == '\\' && !skip_escape(s)) {
            return false;
        }
    }
    return skip_char(s, '"');
}

static bool skip_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0) {
        return false;
    }
    s->at += len;
    return true;
}

static bool skip_scalar(struct scan *s)
{
    switch (s->at == s->end ? '\0' : *s->at) {
    case '"':
        return skip_string(s);
    case 't':
        return skip_word(s, "true");
    case 'f':
        return skip_word(s, "false");
    case 'n':
        return skip_word(s, "null");
    default:
        return skip_number(s);
    }
}

/* The key of an object's next member, and the colon. */
static bool skip_key(struct scan *s)
{
    skip_space(s);
    bool is_key = skip_string(s);
    skip_space(s);
    return is_key && skip_char(s, ':');
}

/* What follows a complete value: closes what ends, up to a comma or the end of all. */
static bool close_values(struct scan *s, const char *open, size_t *depth)
{
    while (*depth > 0) {
        skip_space(s);
        char closing = open[*depth - 1];
        if (skip_char(s, ',')) {
            return closing != '}' || skip_key(s);
        }
        if (!skip_char(s, closing)) {
            return false;
        }
        --*depth;
    }
    return true;
}

/* No recursion: `open` has the bracket that ends each level. */
bool json_is_valid(const char *text, size_t len)
{
    struct scan s = { text, text + len };
    char open[json_depth_most];
    size_t depth = 0;

    do {
        skip_space(&s);
        char closing = skip_char(&s, '{') ? '}' : skip_char(&s, '[') ? ']' : '\0';

        if (closing == '\0') {
            if (!skip_scalar(&s)) {
                return false;
            }
        } else {
            skip_space(&s);
            if (!skip_char(&s, closing)) {
                if (depth == json_depth_most || (closing == '}' && !skip_key(&s))) {
                    return false;
                }
                open[depth++] = closing;
                continue;
            }
        }
        if (!close_values(&s, open, &depth)) {
            return false;
        }
    } while (depth > 0);
    skip_space(&s);
    return s.at == s.end;
}

/* ---- values ---- */

static bool is_number_type(uint32_t oid)
{
    return oid == OID_INT2 || oid == OID_INT4 || oid == OID_INT8 || oid == OID_OID ||
           oid == OID_XID || oid == OID_FLOAT4 || oid == OID_FLOAT8 || oid == OID_NUMERIC;
}

/* Line breaks are white space between tokens there: nowhere else in JSON may they stand. */
static void put_on_one_line(struct output *out, const char *s, size_t len)
{
    while (len > 0) {
        const char *end = memchr(s, '\n', len);
        size_t n = end == NULL ? len : (size_t)(end - s);

        output_write(out, s, n);
        if (end != NULL) {
            output_byte(out, ' ');
            n++;
        }
        s += n;
        len -= n;
    }
}

void json_put_value(struct output *out, uint32_t type_oid, const char *s, size_t len)
{
    if (type_oid == OID_BOOL && len == 1 && (s[0] == 't' || s[0] == 'f')) {
        output_str(out, s[0] == 't' ? "true" : "false");
    } else if (is_number_type(type_oid) && json_is_number(s, len)) {
        output_write(out, s, len);
    } else if ((type_oid == OID_JSON || type_oid == OID_JSONB) && json_is_valid(s, len)) {
        put_on_one_line(out, s, len);
    } else {
        json_put_string(out, s, len);
    }
}
