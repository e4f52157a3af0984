/* sql/cast_number.c: what becomes an integer or a numeric: rounded, and within its type. */
#include "sql/cast_impl.h"

#include "protocol/value.h"
#include "sql/functions.h"
#include "sql/session_state.h"
#include "sql/types.h"

#include <math.h>

static void fail_range(sqlite3_context *context, int bytes)
{
    struct failure failure = { 0 };

    (void)failure_set(&failure, "22003", "%s out of range",
                      bytes == 2   ? "smallint"
                      : bytes == 4 ? "integer"
                                   : "bigint");
    function_fail(context, &failure);
}

/* A text in an integer's place (SQLite is loosely typed): as PostgreSQL reads it. */
static bool read_number(sqlite3_context *context, sqlite3_value *value, uint32_t oid,
                        struct cell *cell)
{
    struct failure failure = { 0 };
    struct buf scratch cleanup(buf_finish) = { 0 };
    struct view text = cell->bytes;
    struct sql_session *sql = sql_of_function(context);
    int result = value_decode(oid, -1, FORMAT_TEXT, text, &sql->style, &scratch, cell, &failure);

    (void)value;
    if (result != 0) {
        cast_fail(context, result, &failure);
    }
    return result == 0;
}

static void call_int(sqlite3_context *context, int argc, sqlite3_value **argv, int bytes)
{
    int64_t most = bytes == 8 ? INT64_MAX : bytes == 4 ? INT32_MAX : INT16_MAX;
    struct cell cell = cast_cell(argv[0]);

    if (cell.kind == CELL_NULL ||
        (cell.kind == CELL_TEXT && !read_number(context, argv[0], OID_NUMERIC, &cell))) {
        return;
    }
    if (cell.kind == CELL_REAL) {
        double rounded = argc > 1 ? nearbyint(cell.r) : round(cell.r);

        if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0)) {
            fail_range(context, bytes);
            return;
        }
        cell.kind = CELL_INT;
        cell.i = (int64_t)rounded;
    }
    if (cell.i > most || cell.i < -most - 1) {
        fail_range(context, bytes);
        return;
    }
    sqlite3_result_int64(context, cell.i);
}

void cast_call_int2(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    call_int(context, argc, argv, 2);
}

void cast_call_int4(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    call_int(context, argc, argv, 4);
}

void cast_call_int8(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    call_int(context, argc, argv, 8);
}

void cast_call_numeric(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct sql_session *sql = sql_of_function(context);
    struct cell cell = cast_cell(argv[0]);
    struct buf text cleanup(buf_finish) = { 0 };
    struct buf out cleanup(buf_finish) = { 0 };
    struct failure failure = { 0 };
    int result;

    (void)argc;
    if (cell.kind == CELL_NULL) {
        return;
    }
    if (value_numeric_fits(&cell, sqlite3_value_int(argv[1]))) {
        sqlite3_result_value(context, argv[0]);
        return;
    }
    result = value_encode(OID_NUMERIC, -1, FORMAT_TEXT, &cell, &sql->style, &text, &failure);
    if (result == 0) {
        result = value_decode(OID_NUMERIC, sqlite3_value_int(argv[1]), FORMAT_TEXT, buf_view(&text),
                              &sql->style, &out, &cell, &failure);
    }
    if (result != 0) {
        cast_fail(context, result, &failure);
        return;
    }
    cast_result(context, &cell);
}
