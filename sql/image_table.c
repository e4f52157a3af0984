/* sql/image_table.c: pond_image(): the pages of the database image that the statement sees
 * (pool/image.h), one at a time: they are shared, so that reading them takes no memory and what is
 * written meanwhile changes nothing. */
#include "sql/rows_function.h"

#include "base/alloc.h"
#include "pool/image.h"
#include "pool/session.h"
#include "sql/session_state.h"
#include "sql/virtual_table.h"

#include <sqlite3.h>

struct image_table {
    sqlite3_vtab base;
    sqlite3 *db;             /* whose image it is: the session's, or one that its cursors took */
    struct session *session; /* pool's */
};

struct image_cursor {
    sqlite3_vtab_cursor base; /* first, as in the table: sql/virtual_table.h */
    struct image image;
    uint32_t page;
};

enum { column_page, column_data, column_called };

/* ---- the table ---- */

static int on_connect(sqlite3 *db, void *session, int argc, const char *const *argv,
                      sqlite3_vtab **ret_table, char **ret_error)
{
    sqlite3_vtab *base;
    int rc = virtual_table_connect(db, "CREATE TABLE x(image_page, image_data, called HIDDEN)",
                                   sizeof(struct image_table), &base);

    (void)argc, (void)argv, (void)ret_error;
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct image_table *table = container_of(base, struct image_table, base);
    table->db = db;
    table->session = session;
    *ret_table = base;
    return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    if (!rows_function_called(info, column_called)) {
        return SQLITE_CONSTRAINT;
    }
    info->estimatedRows = 1000;
    info->estimatedCost = 1000;
    return SQLITE_OK;
}

/* ---- the cursor ---- */

static int on_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    (void)table;
    return virtual_table_open(sizeof(struct image_cursor), ret_cursor);
}

static int on_close(sqlite3_vtab_cursor *base)
{
    struct image_cursor *cursor = container_of(base, struct image_cursor, base);

    image_finish(&cursor->image);
    mem_free(cursor);
    return SQLITE_OK;
}

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                     sqlite3_value **argv)
{
    struct image_cursor *cursor = container_of(base, struct image_cursor, base);
    struct image_table *table = container_of(base->pVtab, struct image_table, base);
    struct failure failure;

    (void)number, (void)text, (void)argc, (void)argv;
    image_finish(&cursor->image);
    cursor->page = 1;
    return image_take(table->session, table->db, &cursor->image, &failure) == 0
               ? SQLITE_OK
               : virtual_table_fail(base->pVtab, &failure);
}

static int on_next(sqlite3_vtab_cursor *base)
{
    container_of(base, struct image_cursor, base)->page++;
    return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
    const struct image_cursor *cursor = container_of(base, struct image_cursor, base);

    return cursor->page > image_pages(&cursor->image);
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct image_cursor *cursor = container_of(base, struct image_cursor, base);
    int page_bytes = (int)image_page_bytes(&cursor->image);

    if (column == column_page) {
        sqlite3_result_int64(context, cursor->page);
        return SQLITE_OK;
    }
    const uint8_t *data = image_page(&cursor->image, cursor->page);
    if (data != NULL) {
        sqlite3_result_blob(context, data, page_bytes, SQLITE_TRANSIENT);
    } else {
        sqlite3_result_zeroblob(context, page_bytes);
    }
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
    *ret_rowid = container_of(base, struct image_cursor, base)->page;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = on_connect,
    .xBestIndex = on_best_index,
    .xDisconnect = virtual_table_disconnect,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_rowid,
};

int image_table_register(struct sql_session *sql)
{
    return virtual_table_register(sql->session, "pond_image", &module);
}
