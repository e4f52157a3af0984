/* pool/stmt_row.c: SQLite hands out the values of a row one by one, and enters and leaves its API
 * for each. They are the members of one array, though, as their distances show: so all of them are
 * where they were in the row before if the first one is. If that ever is not so, each is asked for.
 *
 * sqlite_setup() chose a threading mode in which the values of a result row may be asked. */
#include "pool/stmt_row.h"

#include <string.h>

void stmt_row_init(struct stmt_row *row, void *room, size_t columns)
{
    struct cell *cells = room;

    *row = (struct stmt_row){
        .columns = columns,
        .values = (sqlite3_value **)(cells + columns),
        .cells = cells,
    };
    memset(room, 0, columns * stmt_row_bytes_per_column);
}

static bool are_equidistant(sqlite3_value *const *values, size_t count)
{
    for (size_t i = 2; i < count; i++) {
        if ((uintptr_t)values[i] - (uintptr_t)values[i - 1] !=
            (uintptr_t)values[1] - (uintptr_t)values[0]) {
            return false;
        }
    }
    return true;
}

static void find_values(struct stmt_row *row, sqlite3_stmt *stmt)
{
    if (!row->scattered && sqlite3_column_value(stmt, 0) == row->values[0]) {
        return;
    }
    for (size_t i = 0; i < row->columns; i++) {
        row->values[i] = sqlite3_column_value(stmt, (int)i);
    }
    row->scattered = !are_equidistant(row->values, row->columns);
}

static bool read_cell(sqlite3_value *value, struct cell *cell)
{
    const void *bytes;

    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        *cell = (struct cell){ .kind = CELL_INT, .i = sqlite3_value_int64(value) };
        return true;
    case SQLITE_FLOAT:
        *cell = (struct cell){ .kind = CELL_REAL, .r = sqlite3_value_double(value) };
        return true;
    case SQLITE_TEXT:
        bytes = sqlite3_value_text(value);
        cell->kind = CELL_TEXT;
        break;
    case SQLITE_BLOB:
        bytes = sqlite3_value_blob(value);
        cell->kind = CELL_BLOB;
        break;
    default:
        *cell = (struct cell){ .kind = CELL_NULL };
        return true;
    }
    cell->bytes = view_of(bytes, (size_t)sqlite3_value_bytes(value));
    return bytes != NULL || (cell->kind == CELL_BLOB && cell->bytes.len == 0);
}

bool stmt_row_read(struct stmt_row *row, sqlite3_stmt *stmt)
{
    find_values(row, stmt);
    for (size_t i = 0; i < row->columns; i++) {
        if (!read_cell(row->values[i], &row->cells[i])) {
            return false;
        }
    }
    return true;
}
