/* sql/function_json_build.c: JSON made of values and rows. Each argument is followed by its type.
 */
#include "sql/function_support.h"

#include "protocol/number.h"

static int append_string(struct buf *out, struct view s)
{
    int r = buf_append_byte(out, '"');

    for (size_t i = 0; i < s.len && r == 0; i++) {
        uint8_t ch = s.data[i];
        static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
        const char *known = ch == 0 ? NULL : strchr(from, ch);
        if (known != NULL) {
            r = buf_printf(out, "\\%c", to[known - from]);
        } else if (ch < 32) {
            r = buf_printf(out, "\\u%04x", ch);
        } else {
            r = buf_append_byte(out, ch);
        }
    }
    return r == 0 ? buf_append_byte(out, '"') : r;
}

/* A timestamp's T: JSON has dates as ISO 8601, and in UTC here. */
static int append_json_date(struct buf *out, struct view s, bool tz)
{
    size_t start = out->len;
    int r = append_string(out, s);

    for (size_t i = start; r == 0 && i < out->len; i++) {
        if (out->data[i] == ' ') {
            out->data[i] = 'T';
            break;
        }
    }
    if (r == 0 && tz && out->len > 4 && memcmp(out->data + out->len - 4, "+00\"", 4) == 0) {
        out->len--;
        r = buf_append_str(out, ":00\"");
    }
    return r;
}

static int append_json(struct buf *out, sqlite3_value *v, uint32_t oid)
{
    int kind = sqlite3_value_type(v);

    if (kind == SQLITE_NULL) {
        return buf_append_str(out, "null");
    }
    if (oid == OID_BOOL) {
        return buf_append_str(out, sqlite3_value_int(v) ? "true" : "false");
    }
    if (oid == OID_JSON || oid == OID_JSONB) {
        return buf_append_view(out, fn_text(v));
    }
    if (kind == SQLITE_INTEGER || type_of_code(oid).oid == OID_NUMERIC) {
        return fn_append_value(out, v, oid);
    }
    if (kind == SQLITE_FLOAT) {
        char text[number_float_bytes];
        return buf_append(out, text, number_write_double(sqlite3_value_double(v), text));
    }
    if (oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ) {
        return append_json_date(out, fn_text(v), oid == OID_TIMESTAMPTZ);
    }
    return append_string(out, fn_text(v));
}

FN(to_json)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (n > 1 && sqlite3_value_type(v[0]) != SQLITE_NULL) {
        fn_result_buf(c, &out, append_json(&out, v[0], (uint32_t)sqlite3_value_int64(v[1])));
    }
}

/* json prints "k" : v, jsonb "k": v. */
static void build_object(sqlite3_context *c, int n, sqlite3_value **v, const char *colon)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    int r = buf_append_byte(&out, '{');

    if (n / 2 % 2 != 0) {
        fn_fail(c, "22023", "argument list must have even number of elements");
        return;
    }
    for (int i = 0; i + 3 < n && r == 0; i += 4) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) {
            fn_fail(c, "22023", "argument %d: key must not be null", i / 2 + 1);
            return;
        }
        r = i > 0 ? buf_append_str(&out, ", ") : 0;
        r = r == 0 ? append_string(&out, fn_text(v[i])) : r;
        r = r == 0 ? buf_append_str(&out, colon) : r;
        r = r == 0 ? append_json(&out, v[i + 2], (uint32_t)sqlite3_value_int64(v[i + 3])) : r;
    }
    r = r == 0 ? buf_append_byte(&out, '}') : r;
    fn_result_buf(c, &out, r);
}

FN(json_object)
{
    build_object(c, n, v, " : ");
}

FN(jsonb_object)
{
    build_object(c, n, v, ": ");
}

FN(json_array)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    int r = buf_append_byte(&out, '[');

    for (int i = 0; i + 1 < n && r == 0; i += 2) {
        r = i > 0 ? buf_append_str(&out, ", ") : 0;
        r = r == 0 ? append_json(&out, v[i], (uint32_t)sqlite3_value_int64(v[i + 1])) : r;
    }
    r = r == 0 ? buf_append_byte(&out, ']') : r;
    fn_result_buf(c, &out, r);
}

struct json_agg {
    struct buf out; /* owned; given back by the final call */
    int r;
};

static struct json_agg *agg_step(sqlite3_context *c, const char *open)
{
    struct json_agg *a = sqlite3_aggregate_context(c, sizeof *a);

    if (a == NULL) {
        sqlite3_result_error_nomem(c);
        return NULL;
    }
    if (a->out.len == 0) {
        a->out.max = fn_result_max;
        a->r = buf_append_str(&a->out, open);
    } else if (a->r == 0) {
        a->r = buf_append_str(&a->out, ", ");
    }
    return a;
}

FN(json_agg_step)
{
    struct json_agg *a = agg_step(c, "[");

    if (a != NULL && a->r == 0 && n > 1) {
        a->r = append_json(&a->out, v[0], (uint32_t)sqlite3_value_int64(v[1]));
    }
}

static void object_step(sqlite3_context *c, int n, sqlite3_value **v, const char *open,
                        const char *colon)
{
    if (n < 4 || sqlite3_value_type(v[0]) == SQLITE_NULL) {
        fn_fail(c, "22004", "field name must not be null");
        return;
    }
    struct json_agg *a = agg_step(c, open);
    if (a != NULL && a->r == 0) {
        a->r = append_string(&a->out, fn_text(v[0]));
        a->r = a->r == 0 ? buf_append_str(&a->out, colon) : a->r;
        a->r = a->r == 0 ? append_json(&a->out, v[2], (uint32_t)sqlite3_value_int64(v[3])) : a->r;
    }
}

FN(json_object_agg_step)
{
    object_step(c, n, v, "{ ", " : ");
}

FN(jsonb_object_agg_step)
{
    object_step(c, n, v, "{", ": ");
}

static void finish_agg(sqlite3_context *c, const char *close)
{
    struct json_agg *a = sqlite3_aggregate_context(c, 0);

    if (a == NULL || a->out.len == 0) {
        sqlite3_result_null(c);
        return;
    }
    int r = a->r != 0 ? a->r : buf_append_str(&a->out, close);
    fn_result_buf(c, &a->out, r);
    buf_finish(&a->out);
}

static void json_agg_final(sqlite3_context *c)
{
    finish_agg(c, "]");
}

static void json_object_agg_final(sqlite3_context *c)
{
    finish_agg(c, " }");
}

static void jsonb_object_agg_final(sqlite3_context *c)
{
    finish_agg(c, "}");
}

/* clang-format off */
#define J OID_JSON
#define JB OID_JSONB
#define PT FUNCTION_PASS_TYPES
static const struct function rows[] = {
    { "to_json", 1, 1, { 0 }, RESULT_FIXED, J, PT, "pond_to_json", to_json, NULL, NULL },
    { "to_jsonb", 1, 1, { 0 }, RESULT_FIXED, JB, PT, "pond_to_json", NULL, NULL, NULL },
    { "json_build_object", 0, -1, { 0 }, RESULT_FIXED, J, PT, NULL, json_object, NULL, NULL },
    { "jsonb_build_object", 0, -1, { 0 }, RESULT_FIXED, JB, PT, NULL, jsonb_object, NULL, NULL },
    { "json_build_array", 0, -1, { 0 }, RESULT_FIXED, J, PT, NULL, json_array, NULL, NULL },
    { "jsonb_build_array", 0, -1, { 0 }, RESULT_FIXED, JB, PT, "json_build_array", NULL, NULL, NULL },
    { "json_agg", 1, 1, { 0 }, RESULT_FIXED, J, PT | FUNCTION_AGGREGATE, NULL, NULL, json_agg_step, json_agg_final },
    { "jsonb_agg", 1, 1, { 0 }, RESULT_FIXED, JB, PT | FUNCTION_AGGREGATE, "json_agg", NULL, NULL, NULL },
    { "json_object_agg", 2, 2, { 0 }, RESULT_FIXED, J, PT | FUNCTION_AGGREGATE, NULL, NULL, json_object_agg_step, json_object_agg_final },
    { "jsonb_object_agg", 2, 2, { 0 }, RESULT_FIXED, JB, PT | FUNCTION_AGGREGATE, NULL, NULL, jsonb_object_agg_step, jsonb_object_agg_final },
};
/* clang-format on */

FUNCTION_TABLE(function_json_build_table, rows);
