/* pool/constraint_check.c: "CHECK constraint failed: ..." names the constraint or its expression,
 * but not its table: that is looked for by the statement. */
#include "pool/constraint_impl.h"

#include "pool/sqltext.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct check_search {
    const char *text;               /* the constraint's name or its expression */
    char columns[table_name_bytes]; /* the one column that the expression names */
    size_t count;
};

static bool count_column(sqlite3_stmt *stmt, void *arg)
{
    struct check_search *search = arg;
    const char *column = schema_text(stmt, 0);
    struct view text = view_of_str(search->text);
    struct sqltext_token token;

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END) {
        char name[table_name_bytes];

        sqltext_identifier(&token, name, sizeof(name));
        if (token.kind != SQLTEXT_STRING && strcasecmp(name, column) == 0) {
            snprintf(search->columns, sizeof(search->columns), "%s", column);
            search->count++;
            return true;
        }
    }
    return true;
}

static bool contains_text(sqlite3_stmt *stmt, void *arg)
{
    struct check_search *search = arg;

    search->count = strstr(schema_text(stmt, 0), search->text) != NULL;
    return false;
}

/* The target's CHECK with this name or this expression; false when it belongs to some other table
 * (a trigger's). */
static bool name_check(const struct sqlite_error *error, const char *table, const char *subject,
                       char *name, size_t size)
{
    struct constraint_search named = { .kind = TABLE_CHECK, .name = subject };
    struct check_search search = { .text = subject };

    constraint_find(error->db, table, &named);
    if (named.is_found) {
        snprintf(name, size, "%s", named.found.name);
        return true;
    }
    schema_each_row(
        error->db,
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE", table,
        contains_text, &search);
    if (search.count == 0) {
        return false;
    }
    search.count = 0;
    schema_each_row(error->db, "SELECT name FROM pragma_table_info(?1)", table, count_column,
                    &search);
    constraint_make_name(table, search.count == 1 ? search.columns : "", "check", name, size);
    return true;
}

int constraint_translate_check(const struct sqlite_error *error, struct failure *f)
{
    const char *subject = constraint_subject(error->message);
    char name[constraint_name_bytes];
    struct constraint_target target;

    constraint_find_target(error->sql, &target);
    if (name_check(error, target.table, subject, name, sizeof(name))) {
        failure_set(f, "23514", "new row for relation \"%s\" violates check constraint \"%s\"",
                    target.table, name);
        constraint_add_fields(f, target.table, NULL, name);
    } else {
        failure_set(f, "23514", "new row violates check constraint \"%s\"", subject);
        constraint_add_fields(f, "", NULL, subject);
    }
    return FAILED;
}
