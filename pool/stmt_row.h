/* pool/stmt_row.h: the row that a statement of SQLite stands on, as cells. Embedded by its cursor,
 * who lends the memory. */
#pragma once

#include "base/cell.h"

#include <sqlite3.h>

struct stmt_row {
    size_t columns;
    bool scattered;         /* the values are no array */
    sqlite3_value **values; /* where SQLite has them */
    struct cell *cells;
};

enum { stmt_row_bytes_per_column = sizeof(struct cell) + sizeof(sqlite3_value *) };

/* `room` has stmt_row_bytes_per_column for each column, is aligned as a cell is, and outlives it.
 */
void stmt_row_init(struct stmt_row *row, void *room, size_t columns);

/* After SQLITE_ROW: fills the cells, whose bytes are SQLite's until the next step. False: it had no
 * memory to hand them out. */
must_check bool stmt_row_read(struct stmt_row *row, sqlite3_stmt *stmt);
