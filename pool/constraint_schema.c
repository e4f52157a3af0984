/* pool/constraint_schema.c: what constraint errors ask of the schema and of the failed statement's
 * text. See constraint_impl.h. */
#include "pool/constraint_impl.h"

#include "pool/sqltext.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void schema_each_row(struct sqlite3 *db, const char *sql, const char *param,
                     bool (*fn)(sqlite3_stmt *, void *), void *arg)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, param, -1, SQLITE_STATIC);
        while (sqlite3_step(stmt) == SQLITE_ROW && fn(stmt, arg)) {
        }
    }
    sqlite3_finalize(stmt);
}

const char *schema_text(sqlite3_stmt *stmt, int i)
{
    const unsigned char *text = sqlite3_column_text(stmt, i);

    return text == NULL ? "" : (const char *)text;
}

static bool search_text(sqlite3_stmt *stmt, void *arg)
{
    struct constraint_search *search = arg;
    struct table_text text;
    struct table_constraint constraint;

    table_text_init(&text, view_of_str(schema_text(stmt, 0)));
    while (table_text_next(&text, &constraint)) {
        if (constraint.kind == search->kind &&
            (search->columns == NULL || strcasecmp(constraint.columns, search->columns) == 0) &&
            (search->name == NULL || strcasecmp(constraint.name, search->name) == 0)) {
            search->found = constraint;
            search->is_found = true;
            return false;
        }
    }
    return true;
}

void constraint_find(struct sqlite3 *db, const char *table, struct constraint_search *search)
{
    schema_each_row(
        db,
        "SELECT sql FROM temp.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE "
        "UNION ALL "
        "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
        table, search_text, search);
}

void constraint_make_name(const char *table, const char *columns, const char *suffix, char *name,
                          size_t size)
{
    size_t used = (size_t)snprintf(name, size, "%s_", table);

    for (const char *c = columns; *c != '\0' && used + 1 < size; c++) {
        if (c[0] == ',' && c[1] == ' ') {
            c++;
            name[used++] = '_';
        } else {
            name[used++] = *c;
        }
    }
    if (used < size) {
        snprintf(name + used, size - used, "%s%s", columns[0] == '\0' ? "" : "_", suffix);
    }
}

void constraint_name(struct sqlite3 *db, const char *table, enum table_constraint_kind kind,
                     const char *columns, char *name, size_t size)
{
    static const char *const suffixes[] = {
        [TABLE_PRIMARY_KEY] = "pkey",
        [TABLE_UNIQUE] = "key",
        [TABLE_FOREIGN_KEY] = "fkey",
        [TABLE_CHECK] = "check",
    };
    struct constraint_search search = { .kind = kind,
                                        .columns = kind == TABLE_PRIMARY_KEY ? NULL : columns };

    constraint_find(db, table, &search);
    if (search.is_found && search.found.name[0] != '\0') {
        snprintf(name, size, "%s", search.found.name);
    } else {
        constraint_make_name(table, kind == TABLE_PRIMARY_KEY ? "" : columns, suffixes[kind], name,
                             size);
    }
}

/* ---- the failed statement ---- */

const char *constraint_subject(const char *message)
{
    const char *colon = strstr(message, ": ");

    return colon == NULL ? "" : colon + 2;
}

/* INSERT [OR x] INTO t, UPDATE [OR x] t, DELETE FROM t; a schema's name before the table's is
 * skipped. */
void constraint_find_target(struct view sql, struct constraint_target *ret_target)
{
    struct sqltext_token token;
    bool found = false;

    *ret_target = (struct constraint_target){ .verb = "" };
    sqltext_verb(sql, ret_target->verb, sizeof(ret_target->verb));
    const char *before = strcmp(ret_target->verb, "INSERT") == 0   ? "INTO"
                         : strcmp(ret_target->verb, "DELETE") == 0 ? "FROM"
                                                                   : "UPDATE";
    while (!found && (token = sqltext_next(&sql)).kind != SQLTEXT_END) {
        found = sqltext_is(&token, before);
    }
    token = sqltext_next(&sql);
    if (sqltext_is(&token, "OR")) {
        (void)sqltext_next(&sql);
        token = sqltext_next(&sql);
    }
    struct sqltext_token dot = sqltext_next(&sql);
    if (sqltext_is_byte(&dot, '.')) {
        token = sqltext_next(&sql);
    }
    sqltext_identifier(&token, ret_target->table, sizeof(ret_target->table));
}

void constraint_add_fields(struct failure *f, const char *table, const char *column,
                           const char *constraint)
{
    failure_add(f, FIELD_SCHEMA, "public");
    if (table[0] != '\0') {
        failure_add(f, FIELD_TABLE, "%s", table);
    }
    if (column != NULL) {
        failure_add(f, FIELD_COLUMN, "%s", column);
    }
    if (constraint != NULL) {
        failure_add(f, FIELD_CONSTRAINT, "%s", constraint);
    }
}
