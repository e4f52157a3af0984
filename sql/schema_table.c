/* sql/schema_table.c: pond_schema(): the statements that make the database anew (schema_list.h), as
 * rows. They are collected at the first row, from what the statement's snapshot sees. */
#include "sql/rows_function.h"

#include "base/alloc.h"
#include "sql/schema_list.h"
#include "sql/session_state.h"
#include "sql/virtual_table.h"

#include <sqlite3.h>

struct schema_table {
    sqlite3_vtab base;
    sqlite3 *db; /* whose schema it is: the session's, or one that its cursors took */
};

struct schema_cursor {
    sqlite3_vtab_cursor base; /* first, as in the table: sql/virtual_table.h */
    struct schema_list list;
    enum schema_part part;
    const struct schema_row *row; /* NULL: the end */
    int64_t number;
};

enum { column_section, column_name, column_table, column_definition, column_known, column_called };

/* ---- collecting ---- */

static void finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

static const char *text_of(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);

    return text == NULL ? "" : text;
}

/* What pond cannot say in PostgreSQL's words is at least named. */
static void add_object(struct schema_list *list, sqlite3_stmt *stmt)
{
    const char *type = text_of(stmt, 0);
    const char *name = text_of(stmt, 1);
    const char *sql = text_of(stmt, 3);

    if (strcmp(type, "index") == 0) {
        schema_add_index(list, name, text_of(stmt, 2), sql);
    } else if (strcmp(type, "view") == 0) {
        schema_add_view(list, name, sql);
    } else if (strcmp(type, "table") == 0 && strncasecmp(sql, "CREATE VIRTUAL", 14) != 0) {
        schema_add_table(list, name, sql);
    } else {
        schema_list_leave_out(list, strcmp(type, "table") == 0 ? "virtual table" : type, name,
                              NULL);
    }
}

static void add_sequence(struct schema_list *list, sqlite3_stmt *stmt)
{
    bool owned = sqlite3_column_type(stmt, 9) != SQLITE_NULL; /* its owner is there */

    schema_add_sequence(list, &(struct schema_sequence){
                                  .name = text_of(stmt, 0),
                                  .start = sqlite3_column_int64(stmt, 1),
                                  .increment = sqlite3_column_int64(stmt, 2),
                                  .min = sqlite3_column_int64(stmt, 3),
                                  .max = sqlite3_column_int64(stmt, 4),
                                  .cycle = sqlite3_column_int(stmt, 5) != 0,
                                  .last = sqlite3_column_int64(stmt, 6),
                                  .called = sqlite3_column_int(stmt, 7) != 0,
                                  .owner = owned ? text_of(stmt, 8) : NULL,
                                  .owner_column = owned ? text_of(stmt, 9) : NULL,
                              });
}

static void add_rowid(struct schema_list *list, sqlite3_stmt *stmt)
{
    schema_add_rowid(list, text_of(stmt, 0), text_of(stmt, 1), sqlite3_column_int64(stmt, 2));
}

static const struct step {
    const char *needs; /* a table that may not be there */
    const char *query;
    void (*add)(struct schema_list *list, sqlite3_stmt *stmt);
} steps[] = {
    { NULL,
      "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND name NOT "
      "LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'pond_sequence' AND name NOT IN (SELECT name FROM "
      "pragma_table_list WHERE schema = 'main' AND type = 'shadow') ORDER BY rowid",
      add_object },
    { "pond_sequence",
      "SELECT name, start, increment, min, max, cycle, last, called, owner, (SELECT name FROM "
      "pragma_table_info(coalesce(owner, '')) LIMIT 1) FROM main.pond_sequence ORDER BY name",
      add_sequence },
    { "sqlite_sequence",
      "SELECT q.name, i.name, q.seq FROM main.sqlite_sequence q, pragma_table_info(q.name) i WHERE "
      "i.pk = 1 ORDER BY q.name",
      add_rowid },
};

static int is_there(sqlite3 *db, const char *table, bool *ret_there)
{
    cleanup(finalizep) sqlite3_stmt *stmt = NULL;
    int rc =
        sqlite3_prepare_v2(db, "SELECT 1 FROM main.sqlite_schema WHERE name = ?1", -1, &stmt, NULL);

    rc = rc == SQLITE_OK ? sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC) : rc;
    rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
    *ret_there = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_step(sqlite3 *db, const struct step *step, struct schema_list *list)
{
    cleanup(finalizep) sqlite3_stmt *stmt = NULL;
    bool there = true;
    int rc = step->needs == NULL ? SQLITE_OK : is_there(db, step->needs, &there);

    if (rc != SQLITE_OK || !there) {
        return rc;
    }
    rc = sqlite3_prepare_v2(db, step->query, -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        step->add(list, stmt);
        rc = list->failed ? SQLITE_NOMEM : SQLITE_OK;
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int collect(sqlite3 *db, struct schema_list *list)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < ARRAY_LEN(steps) && rc == SQLITE_OK; i++) {
        rc = run_step(db, &steps[i], list);
    }
    schema_sort_views(list);
    return rc;
}

/* ---- the table ---- */

static int on_connect(sqlite3 *db, void *unused, int argc, const char *const *argv,
                      sqlite3_vtab **ret_table, char **ret_error)
{
    sqlite3_vtab *base;
    int rc = virtual_table_connect(db,
                                   "CREATE TABLE x(schema_section, schema_name, schema_table, "
                                   "schema_definition, schema_known, called HIDDEN)",
                                   sizeof(struct schema_table), &base);

    (void)argc, (void)argv, (void)ret_error, (void)unused;
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct schema_table *table = container_of(base, struct schema_table, base);
    table->db = db;
    *ret_table = base;
    return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedRows = 100;
    info->estimatedCost = 1000;
    return rows_function_called(info, column_called) ? SQLITE_OK : SQLITE_CONSTRAINT;
}

/* ---- the cursor ---- */

static int on_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    (void)table;
    return virtual_table_open(sizeof(struct schema_cursor), ret_cursor);
}

static int on_close(sqlite3_vtab_cursor *base)
{
    struct schema_cursor *cursor = container_of(base, struct schema_cursor, base);

    schema_list_finish(&cursor->list);
    mem_free(cursor);
    return SQLITE_OK;
}

/* To the first row of this part or a later one. */
static void settle(struct schema_cursor *cursor)
{
    while (cursor->row == NULL && ++cursor->part < SCHEMA_PARTS) {
        cursor->row = cursor->list.first[cursor->part];
    }
    cursor->number++;
}

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                     sqlite3_value **argv)
{
    struct schema_cursor *cursor = container_of(base, struct schema_cursor, base);
    struct schema_table *table = container_of(base->pVtab, struct schema_table, base);

    (void)number, (void)text, (void)argc, (void)argv;
    schema_list_finish(&cursor->list);
    cursor->number = 0;
    int rc = collect(table->db, &cursor->list);
    cursor->part = 0;
    cursor->row = cursor->list.first[0];
    settle(cursor);
    return rc;
}

static int on_next(sqlite3_vtab_cursor *base)
{
    struct schema_cursor *cursor = container_of(base, struct schema_cursor, base);

    cursor->row = cursor->row->next;
    settle(cursor);
    return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
    return container_of(base, struct schema_cursor, base)->row == NULL;
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct schema_cursor *cursor = container_of(base, struct schema_cursor, base);

    if (column == column_known) {
        sqlite3_result_int(context, cursor->row->known);
    } else if (column != column_called) {
        const char *text = column == column_section ? schema_part_section(cursor->part)
                           : column == column_name  ? cursor->row->name
                           : column == column_table ? cursor->row->table
                                                    : cursor->row->definition;

        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
    }
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
    *ret_rowid = container_of(base, struct schema_cursor, base)->number;
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

int schema_table_register(struct sql_session *sql)
{
    return virtual_table_register(sql->session, "pond_schema", &module);
}
