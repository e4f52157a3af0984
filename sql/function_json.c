/* sql/function_json.c: JSON as text: PostgreSQL's operators on it.
 *
 * A value was checked when it came in, so reading it here is a walk over its bytes; whatever is no
 * JSON ends the walk. */
#include "sql/function_support.h"

#include "protocol/number.h"
#include "protocol/utf8.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- reading: valid JSON is taken for granted (checked when it came in); anything else ends the
 * walk ---- */

enum { json_depth_max = 1000 };

static void skip_space(struct view *at)
{
    while (at->len > 0 && isspace(at->data[0])) {
        view_advance(at, 1);
    }
}

static void skip_string(struct view *at)
{
    view_advance(at, 1);
    while (at->len > 0 && at->data[0] != '"') {
        view_advance(at, at->data[0] == '\\' && at->len > 1 ? 2 : 1);
    }
    if (at->len > 0) {
        view_advance(at, 1);
    }
}

/* One value, whatever its kind: its bytes. */
static struct view take_value(struct view *at)
{
    skip_space(at);
    struct view value = *at;
    size_t depth = 0;

    while (at->len > 0) {
        uint8_t ch = at->data[0];
        if (ch == '"') {
            skip_string(at);
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

/* The text that a JSON string stands for. */
static int unquote(struct view s, struct buf *out)
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

static bool string_is(struct view json, struct view text)
{
    cleanup(buf_finish) struct buf plain = { 0 };

    return unquote(json, &plain) == 0 && view_equal(buf_view(&plain), text);
}

/* The member of an object; the last of several, as jsonb has it. */
static bool get_key(struct view json, struct view key, struct view *ret_value)
{
    bool found = false;

    skip_space(&json);
    if (json.len == 0 || json.data[0] != '{') {
        return false;
    }
    view_advance(&json, 1);
    for (skip_space(&json); json.len > 0 && json.data[0] == '"'; skip_space(&json)) {
        struct view name = take_value(&json);
        skip_space(&json);
        if (json.len > 0) {
            view_advance(&json, 1); /* the colon */
        }
        struct view value = take_value(&json);
        if (string_is(name, key)) {
            *ret_value = value;
            found = true;
        }
        skip_space(&json);
        if (json.len > 0 && json.data[0] == ',') {
            view_advance(&json, 1);
        }
    }
    return found;
}

/* The next item of an array, from just behind its bracket or a comma. */
static bool next_item(struct view *json, struct view *ret_item)
{
    skip_space(json);
    if (json->len > 0 && json->data[0] == ',') {
        view_advance(json, 1);
        skip_space(json);
    }
    if (json->len == 0 || json->data[0] == ']') {
        return false;
    }
    *ret_item = take_value(json);
    return ret_item->len > 0;
}

static bool open_array(struct view *json)
{
    skip_space(json);
    if (json->len == 0 || json->data[0] != '[') {
        return false;
    }
    view_advance(json, 1);
    return true;
}

static int64_t array_length(struct view json)
{
    struct view item;
    int64_t length = 0;

    if (!open_array(&json)) {
        return -1;
    }
    while (next_item(&json, &item)) {
        length++;
    }
    return length;
}

static bool get_index(struct view json, int64_t index, struct view *ret_value)
{
    if (index < 0) {
        index += array_length(json);
    }
    if (index < 0 || !open_array(&json)) {
        return false;
    }
    while (next_item(&json, ret_value)) {
        if (index-- == 0) {
            return true;
        }
    }
    return false;
}

static bool get_value(struct view json, sqlite3_value *key, struct view *ret_value)
{
    return sqlite3_value_type(key) == SQLITE_INTEGER
               ? get_index(json, sqlite3_value_int64(key), ret_value)
               : get_key(json, fn_text(key), ret_value);
}

/* ---- -> ->> #> #>> ---- */

static void result_value(sqlite3_context *c, struct view value, bool as_text)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (!as_text) {
        fn_result_text(c, value.data, value.len);
    } else if (value.data[0] == '"') {
        fn_result_buf(c, &out, unquote(value, &out));
    } else if (!view_equal_str(value, "null")) {
        fn_result_text(c, value.data, value.len);
    }
}

static void get(sqlite3_context *c, int n, sqlite3_value **v, bool as_text)
{
    struct view value;

    if (!fn_any_null(n, v) && get_value(fn_text(v[0]), v[1], &value)) {
        result_value(c, value, as_text);
    }
}

FN(json_get)
{
    get(c, n, v, false);
}

FN(json_get_text)
{
    get(c, n, v, true);
}

/* '{a,1,"b c"}' : one step of the path. */
static bool next_step(struct view *path, struct view *ret_step)
{
    skip_space(path);
    if (path->len > 0 && (path->data[0] == ',' || path->data[0] == '{')) {
        view_advance(path, 1);
        skip_space(path);
    }
    if (path->len == 0 || path->data[0] == '}') {
        return false;
    }
    if (path->data[0] == '"') {
        struct view quoted = *path;
        skip_string(path);
        *ret_step = view_of(quoted.data + 1, quoted.len - path->len - 2);
        return true;
    }
    struct view plain = *path;
    while (path->len > 0 && path->data[0] != ',' && path->data[0] != '}') {
        view_advance(path, 1);
    }
    *ret_step = view_of(plain.data, plain.len - path->len);
    return true;
}

static void get_path(sqlite3_context *c, int n, sqlite3_value **v, bool as_text)
{
    struct view step;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view json = fn_text(v[0]), path = fn_text(v[1]);
    json = take_value(&json);
    while (next_step(&path, &step)) {
        int64_t index = 0;
        if (json.len > 0 && json.data[0] == '[') {
            if (number_parse_int(step, &index) != 0 || !get_index(json, index, &json)) {
                return;
            }
        } else if (!get_key(json, step, &json)) {
            return;
        }
    }
    if (json.len > 0) {
        result_value(c, json, as_text);
    }
}

FN(json_path)
{
    get_path(c, n, v, false);
}

FN(json_path_text)
{
    get_path(c, n, v, true);
}

/* ---- ? and @> ---- */

FN(json_exists)
{
    struct view value;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view json = fn_text(v[0]), key = fn_text(v[1]);
    bool found = get_key(json, key, &value);
    if (!found && open_array(&json)) {
        while (!found && next_item(&json, &value)) {
            found = value.data[0] == '"' && string_is(value, key);
        }
    }
    sqlite3_result_int(c, found);
}

static bool same_scalar(struct view a, struct view b)
{
    double x = 0, y = 0;

    if (a.data[0] == '"' && b.data[0] == '"') {
        cleanup(buf_finish) struct buf plain = { 0 };
        return unquote(b, &plain) == 0 && string_is(a, buf_view(&plain));
    }
    if (number_parse_double(a, &x) == 0 && number_parse_double(b, &y) == 0) {
        return x == y;
    }
    return view_equal(a, b);
}

static bool contains(struct view a, struct view b, unsigned depth);

static bool object_contains(struct view a, struct view b, unsigned depth)
{
    view_advance(&b, 1);
    for (skip_space(&b); b.len > 0 && b.data[0] == '"'; skip_space(&b)) {
        cleanup(buf_finish) struct buf name = { 0 };
        struct view key = take_value(&b), mine;
        skip_space(&b);
        if (b.len > 0) {
            view_advance(&b, 1);
        }
        struct view wanted = take_value(&b);
        if (unquote(key, &name) != 0 || !get_key(a, buf_view(&name), &mine) ||
            !contains(mine, wanted, depth + 1)) {
            return false;
        }
        skip_space(&b);
        if (b.len > 0 && b.data[0] == ',') {
            view_advance(&b, 1);
        }
    }
    return true;
}

static bool array_has(struct view a, struct view wanted, unsigned depth)
{
    struct view item;

    (void)open_array(&a);
    while (next_item(&a, &item)) {
        if (contains(item, wanted, depth + 1)) {
            return true;
        }
    }
    return false;
}

/* As deep as the wanted value, which is bounded. */
static bool contains(struct view a, struct view b, unsigned depth)
{
    struct view item;

    a = take_value(&a);
    b = take_value(&b);
    if (a.len == 0 || b.len == 0 || depth > json_depth_max / 10) {
        return false;
    }
    if (a.data[0] == '{' && b.data[0] == '{') {
        return object_contains(a, b, depth);
    }
    if (a.data[0] != '[') {
        return b.data[0] != '{' && b.data[0] != '[' && a.data[0] != '{' && same_scalar(a, b);
    }
    if (b.data[0] != '[') {
        return depth == 0 && b.data[0] != '{' &&
               array_has(a, b, depth); /* an array has a bare scalar */
    }
    (void)open_array(&b);
    while (next_item(&b, &item)) {
        if (!array_has(a, item, depth)) {
            return false;
        }
    }
    return true;
}

FN(json_contains)
{
    if (!fn_any_null(n, v)) {
        sqlite3_result_int(c, contains(fn_text(v[0]), fn_text(v[1]), 0));
    }
}

FN(json_array_length)
{
    if (fn_any_null(n, v)) {
        return;
    }
    int64_t length = array_length(fn_text(v[0]));
    if (length < 0) {
        fn_fail(c, "22023", "cannot get array length of a non-array");
    } else {
        sqlite3_result_int64(c, length);
    }
}

FN(json_typeof)
{
    if (fn_any_null(n, v)) {
        return;
    }
    struct view json = fn_text(v[0]);
    skip_space(&json);
    uint8_t ch = json.len == 0 ? 'n' : json.data[0];
    fn_result_str(c, ch == '{'                ? "object"
                     : ch == '['              ? "array"
                     : ch == '"'              ? "string"
                     : ch == 't' || ch == 'f' ? "boolean"
                     : ch == 'n'              ? "null"
                                              : "number");
}

/* clang-format off */
#define T OID_TEXT
#define J OID_JSON
#define JB OID_JSONB
#define IN FUNCTION_INTERNAL
static const struct function rows[] = {
    { "pond_json_get", 2, 2, { 0 }, RESULT_FIRST, 0, IN, NULL, json_get, NULL, NULL },
    { "pond_json_get_text", 2, 2, { 0 }, RESULT_FIXED, T, IN, NULL, json_get_text, NULL, NULL },
    { "pond_json_path", 2, 2, { 0 }, RESULT_FIRST, 0, IN, NULL, json_path, NULL, NULL },
    { "pond_json_path_text", 2, 2, { 0 }, RESULT_FIXED, T, IN, NULL, json_path_text, NULL, NULL },
    { "pond_json_contains", 2, 2, { 0 }, RESULT_FIXED, OID_BOOL, IN, NULL, json_contains, NULL, NULL },
    { "pond_json_exists", 2, 2, { 0 }, RESULT_FIXED, OID_BOOL, IN, NULL, json_exists, NULL, NULL },
    { "json_array_length", 1, 1, { J }, RESULT_FIXED, OID_INT4, 0, "pond_json_length", json_array_length, NULL, NULL },
    { "jsonb_array_length", 1, 1, { JB }, RESULT_FIXED, OID_INT4, 0, "pond_json_length", NULL, NULL, NULL },
    { "json_typeof", 1, 1, { J }, RESULT_FIXED, T, 0, NULL, json_typeof, NULL, NULL },
    { "jsonb_typeof", 1, 1, { JB }, RESULT_FIXED, T, 0, "json_typeof", NULL, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_json_table, rows);
