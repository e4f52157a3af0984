/* sql/function_json.c: PostgreSQL's operators on JSON. */
#include "sql/function_support.h"

#include "protocol/number.h"
#include "sql/json_text.h"

enum { json_depth_max = 1000 };

static bool get_value(struct view json, sqlite3_value *key, struct view *ret_value)
{
    return sqlite3_value_type(key) == SQLITE_INTEGER
               ? json_get_index(json, sqlite3_value_int64(key), ret_value)
               : json_get_key(json, fn_text(key), ret_value);
}

/* ---- -> ->> #> #>> ---- */

static void result_value(sqlite3_context *c, struct view value, bool as_text)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (!as_text) {
        fn_result_text(c, value.data, value.len);
    } else if (value.data[0] == '"') {
        fn_result_buf(c, &out, json_unquote(value, &out));
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
    json_skip_space(path);
    if (path->len > 0 && (path->data[0] == ',' || path->data[0] == '{')) {
        view_advance(path, 1);
        json_skip_space(path);
    }
    if (path->len == 0 || path->data[0] == '}') {
        return false;
    }
    if (path->data[0] == '"') {
        struct view quoted = *path;
        json_skip_string(path);
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
    json = json_take_value(&json);
    while (next_step(&path, &step)) {
        int64_t index = 0;
        if (json.len > 0 && json.data[0] == '[') {
            if (number_parse_int(step, &index) != 0 || !json_get_index(json, index, &json)) {
                return;
            }
        } else if (!json_get_key(json, step, &json)) {
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
    bool found = json_get_key(json, key, &value);
    if (!found && json_open(&json, '[')) {
        while (!found && json_next_item(&json, &value)) {
            found = value.data[0] == '"' && json_string_is(value, key);
        }
    }
    sqlite3_result_int(c, found);
}

static bool same_scalar(struct view a, struct view b)
{
    double x = 0, y = 0;

    if (a.data[0] == '"' && b.data[0] == '"') {
        return json_strings_equal(a, b);
    }
    if (number_parse_double(a, &x) == 0 && number_parse_double(b, &y) == 0) {
        return x == y;
    }
    return view_equal(a, b);
}

static bool contains(struct view a, struct view b, unsigned depth);

static bool object_contains(struct view a, struct view b, unsigned depth)
{
    struct view key, wanted, mine;

    (void)json_open(&b, '{');
    while (json_next_member(&b, &key, &wanted)) {
        if (!json_get_member(a, key, &mine) || !contains(mine, wanted, depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool array_has(struct view a, struct view wanted, unsigned depth)
{
    struct view item;

    (void)json_open(&a, '[');
    while (json_next_item(&a, &item)) {
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

    a = json_take_value(&a);
    b = json_take_value(&b);
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
    (void)json_open(&b, '[');
    while (json_next_item(&b, &item)) {
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

FN(json_length)
{
    if (fn_any_null(n, v)) {
        return;
    }
    int64_t length = json_array_length(fn_text(v[0]));
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
    json_skip_space(&json);
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
    { "json_array_length", 1, 1, { J }, RESULT_FIXED, OID_INT4, 0, "pond_json_length", json_length, NULL, NULL },
    { "jsonb_array_length", 1, 1, { JB }, RESULT_FIXED, OID_INT4, 0, "pond_json_length", NULL, NULL, NULL },
    { "json_typeof", 1, 1, { J }, RESULT_FIXED, T, 0, NULL, json_typeof, NULL, NULL },
    { "jsonb_typeof", 1, 1, { JB }, RESULT_FIXED, T, 0, "json_typeof", NULL, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_json_table, rows);
