/* sql/cast_array.c: an array, which is its text, as JSON that SQLite can read: for = ANY($1). */
#include "sql/cast_impl.h"

#include "protocol/value.h"
#include "sql/session_state.h"
#include "sql/types.h"

#include <errno.h>
#include <strings.h>

static int json_string(struct buf *out, struct view text)
{
    int result = buf_append_byte(out, '"');

    for (size_t i = 0; i < text.len && result == 0; i++) {
        uint8_t byte = text.data[i];

        result = byte < 0x20 || byte == '"' || byte == '\\' ? buf_printf(out, "\\u%04x", byte)
                                                            : buf_append_byte(out, byte);
    }
    return result != 0 ? result : buf_append_byte(out, '"');
}

static int json_element(struct sql_session *sql, struct buf *out, struct view text, bool quoted,
                        uint32_t oid, struct failure *f)
{
    struct buf scratch cleanup(buf_finish) = { 0 };
    struct cell cell;
    int result;

    if (!quoted && text.len == 4 && strncasecmp((const char *)text.data, "null", 4) == 0) {
        return buf_append_str(out, "null");
    }
    result = value_decode(oid, -1, FORMAT_TEXT, text, &sql->style, &scratch, &cell, f);
    if (result != 0) {
        return result;
    }
    switch (cell.kind) {
    case CELL_INT:
        return buf_printf(out, "%lld", (long long)cell.i);
    case CELL_REAL:
        return buf_printf(out, "%.17g", cell.r);
    case CELL_TEXT:
        return json_string(out, cell.bytes);
    default:
        return failure_set(f, "0A000", "this array type is not supported by pond yet");
    }
}

static int array_to_json(struct sql_session *sql, struct view in, uint32_t oid, struct buf *out,
                         struct failure *f)
{
    struct buf item cleanup(buf_finish) = { 0 };
    size_t at = 1;
    int result = buf_append_byte(out, '[');

    if (in.len < 2 || in.data[0] != '{' || in.data[in.len - 1] != '}') {
        return failure_set(f, "22P02", "malformed array literal: \"%.*s\"", (int)in.len,
                           (const char *)in.data);
    }
    while (result == 0 && at < in.len - 1) {
        bool quoted = in.data[at] == '"';

        buf_clear(&item);
        at += quoted;
        while (at < in.len - 1 && (quoted ? in.data[at] != '"' : in.data[at] != ',')) {
            at += in.data[at] == '\\' && at + 2 < in.len;
            if (buf_append_byte(&item, in.data[at++]) != 0) {
                return -ENOMEM;
            }
        }
        at += quoted;
        if (at < in.len - 1 && in.data[at] != ',') {
            return failure_set(f, "22P02", "malformed array literal: \"%.*s\"", (int)in.len,
                               (const char *)in.data);
        }
        result = json_element(sql, out, buf_view(&item), quoted, oid, f);
        if (result == 0 && at < in.len - 1) {
            result = buf_append_byte(out, ',');
        }
        at++;
    }
    return result != 0 ? result : buf_append_byte(out, ']');
}

void cast_call_array_json(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct cell cell = cast_cell(argv[0]);
    struct buf out cleanup(buf_finish) = { 0 };
    struct failure failure = { 0 };
    int result;

    (void)argc;
    if (cell.kind != CELL_TEXT) {
        return;
    }
    result = array_to_json(sql_of_function(context), cell.bytes,
                           (uint32_t)sqlite3_value_int64(argv[1]), &out, &failure);
    if (result != 0) {
        cast_fail(context, result, &failure);
        return;
    }
    sqlite3_result_text64(context, (const char *)out.data, out.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}
