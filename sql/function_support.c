/* sql/function_support.c: arguments and results of the C functions. */
#include "sql/function_support.h"

#include "protocol/number.h"
#include "protocol/value.h"
#include "sql/session_state.h"

#include <stdarg.h>
#include <stdio.h>

bool fn_any_null(int n, sqlite3_value **v)
{
    for (int i = 0; i < n; i++) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) {
            return true;
        }
    }
    return false;
}

struct view fn_text(sqlite3_value *v)
{
    const void *text = sqlite3_value_text(v);

    return view_of(text, text == NULL ? 0 : (size_t)sqlite3_value_bytes(v));
}

struct sql_session *fn_sql(sqlite3_context *c)
{
    return sql_of_function(c);
}

int fn_append_value(struct buf *out, sqlite3_value *v, uint32_t code)
{
    static const struct value_style plain = { 0 };
    struct type type = type_of_code(code);
    int scale = type_scale(type);
    int kind = sqlite3_value_type(v);
    struct cell cell = { .kind = CELL_INT };
    struct failure failure = { 0 };

    if (type.oid != OID_NUMERIC || scale < 0 || (kind != SQLITE_INTEGER && kind != SQLITE_FLOAT)) {
        return buf_append_view(out, fn_text(v));
    }
    if (kind == SQLITE_INTEGER) {
        cell.i = sqlite3_value_int64(v);
    } else {
        cell = (struct cell){ .kind = CELL_REAL, .r = sqlite3_value_double(v) };
    }
    return value_encode(OID_NUMERIC, type_scale_typmod(scale), FORMAT_TEXT, &cell, &plain, out,
                        &failure);
}

void fn_result_text(sqlite3_context *c, const void *text, size_t len)
{
    sqlite3_result_text64(c, text == NULL ? "" : text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void fn_result_str(sqlite3_context *c, const char *text)
{
    fn_result_text(c, text, strlen(text));
}

enum { result_copied_bytes = 65536 };

/* SQLite wants a NUL behind a text, and takes no length then: false when there is one inside, or no
 * room for one. */
static bool end_text(struct buf *b)
{
    return b->len < b->cap && memchr(b->data, 0, b->len) == NULL && buf_append_byte(b, 0) == 0;
}

void fn_result_buf(sqlite3_context *c, struct buf *b, int r)
{
    if (r == BUF_FULL) {
        fn_fail(c, "54000", "requested length too large");
    } else if (r != 0) {
        sqlite3_result_error_nomem(c);
    } else if (b->len > result_copied_bytes && end_text(b)) {
        sqlite3_result_text(c, (char *)b->data, -1, mem_free);
        *b = (struct buf){ 0 };
    } else {
        fn_result_text(c, b->data, b->len);
    }
}

void fn_fail(sqlite3_context *c, const char *sqlstate, const char *format, ...)
{
    struct failure failure;
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    failure_set(&failure, sqlstate, "%s", text);
    function_fail(c, &failure);
}

double fn_settled(double d)
{
    struct decimal decimal = decimal_of_double(d);
    double r = d;

    return decimal_to_double(&decimal, &r) == 0 ? r : d;
}

/* ---- UTF-8 ---- */

size_t utf8_step(struct view text, size_t at)
{
    size_t step = 1;

    while (at + step < text.len && (text.data[at + step] & 0xc0) == 0x80) {
        step++;
    }
    return step;
}

size_t utf8_chars(struct view text)
{
    size_t chars = 0;

    for (size_t i = 0; i < text.len; i++) {
        chars += (text.data[i] & 0xc0) != 0x80;
    }
    return chars;
}

size_t utf8_offset(struct view text, size_t characters)
{
    size_t at = 0;

    while (characters-- > 0 && at < text.len) {
        at += utf8_step(text, at);
    }
    return at;
}

/* ---- dates ---- */

static int bad_text(const char *type, struct view text, struct failure *ret_failure)
{
    return failure_set(ret_failure, "22007", "invalid input syntax for type %s: \"%.*s\"", type,
                       (int)(text.len > 100 ? 100 : text.len), (const char *)text.data);
}

int fn_read_timestamp(sqlite3_value *v, int64_t *ret_us, bool *ret_tz, struct failure *ret_failure)
{
    struct view text = fn_text(v);
    struct datetime d;

    if (datetime_parse(text, DATE_YMD, false, &d) != 0) {
        return bad_text("timestamp", text, ret_failure);
    }
    *ret_tz = d.has_zone;
    if (d.infinity != 0) {
        *ret_us = d.infinity > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INF;
        return 0;
    }
    int64_t days = d.is_epoch ? -10957 : days_of_civil(d.date);
    if (days > 106751000 || days < -106751000) {
        return failure_set(ret_failure, "22008", "timestamp out of range");
    }
    *ret_us = days * USECS_PER_DAY + d.time_us - (d.has_zone ? d.zone_s * USECS_PER_SEC : 0);
    return 0;
}

int fn_read_interval(sqlite3_value *v, struct interval *ret_interval, struct failure *ret_failure)
{
    struct view text = fn_text(v);

    return interval_parse(text, ret_interval) == 0 ? 0 : bad_text("interval", text, ret_failure);
}

bool fn_timestamp(sqlite3_context *c, sqlite3_value *v, int64_t *ret_us, bool *ret_tz)
{
    struct failure failure;

    if (fn_read_timestamp(v, ret_us, ret_tz, &failure) != 0) {
        function_fail(c, &failure);
        return false;
    }
    return true;
}

bool fn_interval(sqlite3_context *c, sqlite3_value *v, struct interval *ret_interval)
{
    struct failure failure;

    if (fn_read_interval(v, ret_interval, &failure) != 0) {
        function_fail(c, &failure);
        return false;
    }
    return true;
}

bool fn_result_timestamp(sqlite3_context *c, int64_t us, bool tz)
{
    static const struct value_style iso = { 0 };
    char text[datetime_bytes];

    if (us != TIMESTAMP_INFINITY && us != TIMESTAMP_MINUS_INF && !timestamp_is_valid(us)) {
        fn_fail(c, "22008", "timestamp out of range");
        return false;
    }
    fn_result_text(c, text,
                   tz ? timestamptz_write(us, &iso, text) : timestamp_write(us, &iso, text));
    return true;
}

void fn_result_date(sqlite3_context *c, int64_t days)
{
    static const struct value_style iso = { 0 };
    char text[datetime_bytes];

    if (!date_is_valid(days)) {
        fn_fail(c, "22008", "date out of range");
        return;
    }
    fn_result_text(c, text, date_write((int32_t)days, &iso, text));
}

void fn_result_interval(sqlite3_context *c, const struct interval *i)
{
    char text[datetime_bytes];

    fn_result_text(c, text, interval_write(i, INTERVAL_POSTGRES, text));
}
