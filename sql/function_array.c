/* sql/function_array.c: functions of arrays, which are no more than their text: {a,"b c",NULL}. */
#include "sql/function_support.h"

#include <strings.h>

static bool is_null(struct view item)
{
    return item.len == 4 && strncasecmp((const char *)item.data, "NULL", 4) == 0;
}

/* What array_out() writes: quotes around what needs them, a backslash before " and \. */
static size_t read_quoted(struct view array, size_t at, struct buf *item, int *r)
{
    for (at++; at < array.len && array.data[at] != '"'; at++) {
        at += array.data[at] == '\\' && at + 1 < array.len;
        if (*r == 0) {
            *r = buf_append_byte(item, array.data[at]);
        }
    }
    return at + 1;
}

struct joining {
    struct buf out;
    struct view separator;
    const struct view *null; /* NULL: nulls are left out */
    bool started;
    int result;
};

static void join_item(struct joining *j, struct view item, bool quoted)
{
    if (!quoted && is_null(item)) {
        if (j->null == NULL) {
            return;
        }
        item = *j->null;
    }
    if (j->result == 0 && j->started) {
        j->result = buf_append_view(&j->out, j->separator);
    }
    if (j->result == 0) {
        j->result = buf_append_view(&j->out, item);
    }
    j->started = true;
}

/* Nested arrays' items come behind each other, as PostgreSQL has them. */
static void join(struct joining *j, struct view array)
{
    struct buf item = { 0 };

    for (size_t at = 0; at < array.len && j->result == 0;) {
        size_t end = at;

        if (array.data[at] == '"') {
            buf_clear(&item);
            at = read_quoted(array, at, &item, &j->result);
            join_item(j, buf_view(&item), true);
            continue;
        }
        while (end < array.len && memchr("{},", array.data[end], 3) == NULL) {
            end++;
        }
        if (end > at) {
            join_item(j, view_of(array.data + at, end - at), false);
        }
        at = end > at ? end : at + 1;
    }
    buf_finish(&item);
}

FN(array_to_string)
{
    struct joining j = { 0 };
    struct view null;

    if (fn_any_null(n < 2 ? n : 2, v)) {
        return;
    }
    buf_init(&j.out, fn_result_max);
    j.separator = fn_text(v[1]);
    if (n == 3 && sqlite3_value_type(v[2]) != SQLITE_NULL) {
        null = fn_text(v[2]);
        j.null = &null;
    }
    join(&j, fn_text(v[0]));
    fn_result_buf(c, &j.out, j.result);
    buf_finish(&j.out);
}

static const struct function rows[] = {
    { .name = "array_to_string",
      .min_args = 2,
      .max_args = 3,
      .args = { 0, OID_TEXT, OID_TEXT },
      .result = RESULT_FIXED,
      .oid = OID_TEXT,
      .call = array_to_string },
};

FUNCTION_TABLE(function_array_table, rows);
