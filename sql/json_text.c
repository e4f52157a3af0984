/* sql/json_text.c: see json_text.h. */
#include "sql/json_text.h"

#include "protocol/utf8.h"

#include <ctype.h>
#include <stdlib.h>

void json_skip_space(struct view *at)
{
    while (at->len > 0 && isspace(at->data[0])) {
        view_advance(at, 1);
    }
}

void json_skip_string(struct view *at)
{
    view_advance(at, 1);
    while (at->len > 0 && at->data[0] != '"') {
        view_advance(at, at->data[0] == '\\' && at->len > 1 ? 2 : 1);
    }
    if (at->len > 0) {
        view_advance(at, 1);
    }
}

struct view json_take_value(struct view *at)
{
    json_skip_space(at);
    struct view value = *at;
    size_t depth = 0;

    while (at->len > 0) {
        uint8_t ch = at->data[0];
        if (ch == '"') {
            json_skip_string(at);
        } else if (ch == '{' || ch == '[') {
            depth++;
            view_advance(at, 1);
            continue;
        } else if ((ch == '}' || ch == ']') && depth > 0) {
            depth--;
            view_advance(at, 1);
        } else if (depth > 0) {
            view_advance(at, 1);
            continue;
        } else {
            while (at->len > 0 && strchr(",]} \t\r\n:", at->data[0]) == NULL) {
                view_advance(at, 1);
            }
        }
        if (depth == 0) {
            break;
        }
    }
    value.len -= at->len;
    return value;
}

static uint32_t hex4(const uint8_t *p)
{
    char text[5] = { (char)p[0], (char)p[1], (char)p[2], (char)p[3], 0 };

    return (uint32_t)strtoul(text, NULL, 16);
}

/* A JSON string's text, byte by byte: to compare it needs no memory. */
struct string_reader {
    struct view rest; /* of the JSON, without its quotes */
    uint8_t bytes[4]; /* of an escape */
    size_t len, next; /* of these */
};

static struct string_reader string_reader_over(struct view json)
{
    view_advance(&json, 1);
    json.len -= json.len > 0;
    return (struct string_reader){ .rest = json };
}

static void read_escape(struct string_reader *r)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    struct view *s = &r->rest;
    const char *known = s->len > 1 ? strchr(from, s->data[1]) : NULL;
    size_t used = s->len > 1 ? 2 : 1;

    if (s->len >= 6 && s->data[1] == 'u') {
        uint32_t code = hex4(s->data + 2);
        used = 6;
        if (code >= 0xd800 && code < 0xdc00 && s->len >= 12 && s->data[6] == '\\') {
            code = 0x10000 + ((code - 0xd800) << 10) + (hex4(s->data + 8) - 0xdc00);
            used = 12;
        }
        r->len = utf8_put(r->bytes, code);
    } else {
        r->bytes[0] = known != NULL ? (uint8_t)to[known - from] : s->data[used - 1];
        r->len = 1;
    }
    r->next = 0;
    view_advance(s, used);
}

/* False at the end. */
static bool string_reader_next(struct string_reader *r, uint8_t *ret_byte)
{
    if (r->next == r->len && r->rest.len > 0 && r->rest.data[0] == '\\') {
        read_escape(r);
    }
    if (r->next < r->len) {
        *ret_byte = r->bytes[r->next++];
        return true;
    }
    if (r->rest.len == 0) {
        return false;
    }
    *ret_byte = r->rest.data[0];
    view_advance(&r->rest, 1);
    return true;
}

int json_unquote(struct view s, struct buf *out)
{
    struct string_reader reader = string_reader_over(s);
    uint8_t byte;
    int r = 0;

    while (r == 0 && string_reader_next(&reader, &byte)) {
        r = buf_append_byte(out, byte);
    }
    return r;
}

bool json_string_is(struct view json, struct view text)
{
    struct string_reader reader = string_reader_over(json);
    uint8_t byte;

    while (string_reader_next(&reader, &byte)) {
        if (text.len == 0 || text.data[0] != byte) {
            return false;
        }
        view_advance(&text, 1);
    }
    return text.len == 0;
}

bool json_strings_equal(struct view a, struct view b)
{
    struct string_reader in_a = string_reader_over(a), in_b = string_reader_over(b);
    uint8_t from_a, from_b;

    while (string_reader_next(&in_a, &from_a)) {
        if (!string_reader_next(&in_b, &from_b) || from_a != from_b) {
            return false;
        }
    }
    return !string_reader_next(&in_b, &from_b);
}

bool json_open(struct view *json, char bracket)
{
    json_skip_space(json);
    if (json->len == 0 || json->data[0] != bracket) {
        return false;
    }
    view_advance(json, 1);
    return true;
}

/* A comma before it is passed over. */
static bool at_next(struct view *json)
{
    json_skip_space(json);
    if (json->len > 0 && json->data[0] == ',') {
        view_advance(json, 1);
        json_skip_space(json);
    }
    return json->len > 0;
}

bool json_next_member(struct view *json, struct view *ret_name, struct view *ret_value)
{
    if (!at_next(json) || json->data[0] != '"') {
        return false;
    }
    *ret_name = json_take_value(json);
    json_skip_space(json);
    if (json->len > 0) {
        view_advance(json, 1); /* the colon */
    }
    *ret_value = json_take_value(json);
    return true;
}

bool json_next_item(struct view *json, struct view *ret_item)
{
    if (!at_next(json) || json->data[0] == ']') {
        return false;
    }
    *ret_item = json_take_value(json);
    return ret_item->len > 0;
}

static bool find_member(struct view json, bool (*is_it)(struct view name, struct view wanted),
                        struct view wanted, struct view *ret_value)
{
    struct view name, value;
    bool found = false;

    if (!json_open(&json, '{')) {
        return false;
    }
    while (json_next_member(&json, &name, &value)) {
        if (is_it(name, wanted)) {
            *ret_value = value;
            found = true;
        }
    }
    return found;
}

bool json_get_key(struct view json, struct view key, struct view *ret_value)
{
    return find_member(json, json_string_is, key, ret_value);
}

bool json_get_member(struct view json, struct view name, struct view *ret_value)
{
    return find_member(json, json_strings_equal, name, ret_value);
}

int64_t json_array_length(struct view json)
{
    struct view item;
    int64_t length = 0;

    if (!json_open(&json, '[')) {
        return -1;
    }
    while (json_next_item(&json, &item)) {
        length++;
    }
    return length;
}

bool json_get_index(struct view json, int64_t index, struct view *ret_value)
{
    if (index < 0) {
        index += json_array_length(json);
    }
    if (index < 0 || !json_open(&json, '[')) {
        return false;
    }
    while (json_next_item(&json, ret_value)) {
        if (index-- == 0) {
            return true;
        }
    }
    return false;
}
