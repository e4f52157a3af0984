/* sql/function_text_make.c: strings that are made: of one that is repeated, turned around, put
 * behind others. They may be long, and have a limit. */
#include "sql/function_string.h"

/* The text again and again, up to that many bytes, by doubling what is there. */
static int append_times(struct buf *out, struct view text, size_t len)
{
    size_t start = out->len;
    int r = buf_reserve(out, len + 1); /* fn_result_buf() puts a NUL behind it */

    if (r == 0) {
        r = buf_append(out, text.data, text.len < len ? text.len : len);
    }
    while (r == 0 && out->len - start < len) {
        size_t done = out->len - start;

        r = buf_append(out, out->data + start, len - done < done ? len - done : done);
    }
    return r;
}

/* The text again and again, so many characters of it. */
static int fill(struct buf *out, struct view with, size_t chars)
{
    size_t each = utf8_chars(with);

    if (each == 0) {
        return 0; /* no UTF-8: from an SQLite file */
    }
    size_t whole = chars / each;
    size_t rest = utf8_offset(with, chars % each);
    if (whole > fn_result_max / with.len) {
        return BUF_FULL;
    }
    return append_times(out, with, whole * with.len + rest);
}

static void pad(sqlite3_context *c, int n, sqlite3_value **v, bool in_front)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    int r = 0;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]), with = n > 2 ? fn_text(v[2]) : view_of_str(" ");
    int64_t want = sqlite3_value_int64(v[1]);
    size_t chars = utf8_chars(s), missing = 0;
    if (want <= (int64_t)chars) {
        fn_result_text(c, s.data, want <= 0 ? 0 : utf8_offset(s, (size_t)want));
        return;
    }
    missing = with.len == 0 ? 0 : (size_t)want - chars;
    if (missing > fn_result_max) {
        fn_result_buf(c, &out, BUF_FULL);
        return;
    }
    if (in_front && missing > 0) {
        r = fill(&out, with, missing);
    }
    r = r == 0 ? buf_append_view(&out, s) : r;
    if (!in_front && missing > 0 && r == 0) {
        r = fill(&out, with, missing);
    }
    fn_result_buf(c, &out, r);
}

void function_lpad(sqlite3_context *c, int n, sqlite3_value **v)
{
    pad(c, n, v, true);
}

void function_rpad(sqlite3_context *c, int n, sqlite3_value **v)
{
    pad(c, n, v, false);
}

void function_repeat(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    int r = 0;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]);
    int64_t times = s.len == 0 ? 0 : sqlite3_value_int64(v[1]);
    if (times > 0 && (uint64_t)times > fn_result_max / s.len) {
        r = BUF_FULL;
    }
    if (times > 0 && r == 0) {
        r = append_times(&out, s, (size_t)times * s.len);
    }
    fn_result_buf(c, &out, r);
}

void function_reverse(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    int r = 0;

    if (fn_any_null(n, v)) {
        return;
    }
    struct view s = fn_text(v[0]);
    for (size_t end = s.len; end > 0 && r == 0;) {
        size_t start = end - 1;
        while (start > 0 && (s.data[start] & 0xc0) == 0x80) {
            start--;
        }
        r = buf_append(&out, s.data + start, end - start);
        end = start;
    }
    fn_result_buf(c, &out, r);
}

/* concat(...): NULLs are nothing; booleans come with their type so that they print as t and f. */
static void concat_with(sqlite3_context *c, int n, sqlite3_value **v, struct view by)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };
    bool first = true;
    int r = 0;

    for (int i = 0; i + 1 < n && r == 0; i += 2) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) {
            continue;
        }
        r = first ? 0 : buf_append_view(&out, by);
        first = false;
        if (r == 0 && sqlite3_value_int64(v[i + 1]) == OID_BOOL) {
            r = buf_append_byte(&out, sqlite3_value_int(v[i]) ? 't' : 'f');
        } else if (r == 0) {
            r = fn_append_value(&out, v[i], (uint32_t)sqlite3_value_int64(v[i + 1]));
        }
    }
    fn_result_buf(c, &out, r);
}

void function_concat(sqlite3_context *c, int n, sqlite3_value **v)
{
    concat_with(c, n, v, (struct view){ 0 });
}

void function_concat_ws(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (n >= 2 && sqlite3_value_type(v[0]) != SQLITE_NULL) {
        concat_with(c, n - 2, v + 2, fn_text(v[0]));
    }
}
