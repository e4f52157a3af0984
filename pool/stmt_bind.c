/* pool/stmt_bind.c: see stmt_bind.h. */
#include "pool/stmt_bind.h"

static int bind_one(sqlite3_stmt *stmt, int number, const struct cell *cell,
                    sqlite3_destructor_type bytes_are)
{
    static const char empty[1];
    const void *bytes =
        cell->kind >= CELL_TEXT && cell->bytes.len > 0 ? (const void *)cell->bytes.data : empty;

    switch (cell->kind) {
    case CELL_INT:
        return sqlite3_bind_int64(stmt, number, cell->i);
    case CELL_REAL:
        return sqlite3_bind_double(stmt, number, cell->r);
    case CELL_TEXT:
        return sqlite3_bind_text64(stmt, number, bytes, cell->bytes.len, bytes_are, SQLITE_UTF8);
    case CELL_BLOB:
        return sqlite3_bind_blob64(stmt, number, bytes, cell->bytes.len, bytes_are);
    case CELL_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, number);
}

int stmt_bind(sqlite3_stmt *stmt, const struct cell *params, size_t count, bool lent)
{
    size_t wanted = (size_t)sqlite3_bind_parameter_count(stmt);
    int rc = SQLITE_OK;

    for (size_t i = 0; rc == SQLITE_OK && i < count && i < wanted; i++) {
        rc = bind_one(stmt, (int)i + 1, &params[i], lent ? SQLITE_STATIC : SQLITE_TRANSIENT);
    }
    return rc;
}
