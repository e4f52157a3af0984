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

static int append_escape(struct view *s, struct buf *out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *known = s->len > 1 ? strchr(from, s->data[1]) : NULL;

    if (s->len >= 6 && s->data[1] == 'u') {
        uint32_t code = hex4(s->data + 2);
        uint8_t bytes[4];
        size_t used = 6;
        if (code >= 0xd800 && code < 0xdc00 && s->len >= 12 && s->data[6] == '\\') {
            code = 0x10000 + ((code - 0xd800) << 10) + (hex4(s->data + 8) - 0xdc00);
            used = 12;
        }
        view_advance(s, used);
        return buf_append(out, bytes, utf8_put(bytes, code));
    }
    uint8_t ch = known != NULL ? (uint8_t)to[known - from] : s->len > 1 ? s->data[1] : '\\';
    view_advance(s, s->len > 1 ? 2 : 1);
    return buf_append_byte(out, ch);
}

int json_unquote(struct view s, struct buf *out)
{
    int r = 0;

    view_advance(&s, 1);
    s.len -= s.len > 0;
    while (s.len > 0 && r == 0) {
        if (s.data[0] == '\\') {
            r = append_escape(&s, out);
        } else {
            r = buf_append_byte(out, s.data[0]);
            view_advance(&s, 1);
        }
    }
    return r;
}

bool json_string_is(struct view json, struct view text)
{
    cleanup(buf_finish) struct buf plain = { 0 };

    return json_unquote(json, &plain) == 0 && view_equal(buf_view(&plain), text);
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

bool json_get_key(struct view json, struct view key, struct view *ret_value)
{
    struct view name, value;
    bool found = false;

    if (!json_open(&json, '{')) {
        return false;
    }
    while (json_next_member(&json, &name, &value)) {
        if (json_string_is(name, key)) {
            *ret_value = value;
            found = true;
        }
    }
    return found;
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
