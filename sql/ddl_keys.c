/* sql/ddl_keys.c: the keys of existing tables, which foreign keys refer to. */
#include "sql/ddl.h"

#include "pool/session.h"
#include "sql/session_state.h"

#include <sqlite3.h>

static void finalizep(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

static sqlite3_stmt *prepare(struct rewriter *r, const char *sql, const char *table)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(session_sqlite(r->sql->session), sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC) != SQLITE_OK) {
        rewrite_fail_nomem(r);
    }
    return stmt;
}

const char *table_primary_key(struct rewriter *r, const char *table)
{
    cleanup(finalizep) sqlite3_stmt *stmt =
        prepare(r,
                "SELECT coalesce((SELECT group_concat('\"' || replace(name, '\"', '\"\"') || '\"', "
                "', ') FROM "
                "(SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk)), "
                "(SELECT group_concat('\"' || replace(name, '\"', '\"\"') || '\"', ', ') FROM "
                "pragma_index_info(?1 || '_pkey')))",
                table);

    if (r->failed || sqlite3_step(stmt) != SQLITE_ROW ||
        sqlite3_column_type(stmt, 0) == SQLITE_NULL) {
        return NULL;
    }
    const char *text = arena_strdup(r->arena, (const char *)sqlite3_column_text(stmt, 0));
    if (text == NULL) {
        rewrite_fail_nomem(r);
    }
    return text;
}

static bool is_key(PgQuery__Node *const *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i]->node_case == PG_QUERY__NODE__NODE_STRING && name != NULL &&
            strcmp(keys[i]->string->sval, name) == 0) {
            return true;
        }
    }
    return false;
}

void table_check_unique(struct rewriter *r, const char *table, bool is_self,
                        PgQuery__Node *const *keys, size_t count)
{
    if (is_self || r->failed) {
        return; /* its own keys are in the same statement: SQLite says so at the first use */
    }
    /* One row per column: of the primary key, then of each unique index. */
    cleanup(finalizep) sqlite3_stmt *stmt =
        prepare(r,
                "SELECT '', name FROM pragma_table_info(?1) WHERE pk > 0 UNION ALL "
                "SELECT l.name, i.name FROM pragma_index_list(?1) l, pragma_index_info(l.name) i "
                "WHERE l.\"unique\" AND NOT l.partial",
                table);
    char current[128] = "";
    size_t found = 0, columns = 0;
    bool match = false;

    while (!r->failed && !match && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *index = (const char *)sqlite3_column_text(stmt, 0);
        if (index != NULL && strncmp(index, current, sizeof current - 1) != 0) {
            match = columns > 0 && columns == count && found == count;
            found = columns = 0;
            strncpy(current, index, sizeof current - 1);
        }
        if (!match) {
            columns++;
            found += is_key(keys, count, (const char *)sqlite3_column_text(stmt, 1));
        }
    }
    match = match || (columns > 0 && columns == count && found == count);
    if (!match) {
        rewrite_fail(
            r, -1, "42830",
            "there is no unique constraint matching given keys for referenced table \"%s\"", table);
    }
}
