/* sql/cast_impl.h: what the files behind cast.h share: cast.c has the table of the functions,
 * cast_number.c those that make integers and numerics, cast_array.c that of arrays. */
#pragma once

#include "base/cell.h"
#include "sql/cast.h"

#include <sqlite3.h>

static inline struct cell cast_cell(sqlite3_value *value)
{
    struct cell cell = { .kind = CELL_NULL };

    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        cell.kind = CELL_INT;
        cell.i = sqlite3_value_int64(value);
        break;
    case SQLITE_FLOAT:
        cell.kind = CELL_REAL;
        cell.r = sqlite3_value_double(value);
        break;
    case SQLITE_TEXT:
        cell.kind = CELL_TEXT;
        cell.bytes.data = sqlite3_value_text(value);
        cell.bytes.len = (size_t)sqlite3_value_bytes(value);
        break;
    case SQLITE_BLOB:
        cell.kind = CELL_BLOB;
        cell.bytes.data = sqlite3_value_blob(value);
        cell.bytes.len = (size_t)sqlite3_value_bytes(value);
        break;
    default:
        break;
    }
    return cell;
}

void cast_result(sqlite3_context *context, const struct cell *cell);
/* The function fails: with `failure` when `result` is FAILED, else for want of memory. */
void cast_fail(sqlite3_context *context, int result, struct failure *failure);

typedef void cast_call(sqlite3_context *context, int argc, sqlite3_value **argv);

/* cast_number.c */
cast_call cast_call_int2, cast_call_int4, cast_call_int8, cast_call_numeric;
/* cast_array.c */
cast_call cast_call_array_json;
