/* pool/constraint.c: SQLITE_CONSTRAINT_* as PostgreSQL tells them: which constraint of which table.
 *
 * SQLite names columns ("UNIQUE constraint failed: t.a, t.b"), an index or a CHECK; the rest is
 * asked of the schema. Where the schema cannot tell (no memory, several foreign keys), the message
 * names less. */
#include "pool/constraint_impl.h"

#include "pool/sqltext.h"

#include <stdio.h>
#include <strings.h>

/* "t.a, t.b" -> "t" and "a, b". */
static void split_columns(const char *subject, char *table, size_t table_size, char *columns,
                          size_t columns_size)
{
    const char *dot = strchr(subject, '.');
    size_t prefix = dot == NULL ? 0 : (size_t)(dot - subject) + 1;
    size_t used = 0;

    snprintf(table, table_size, "%.*s", prefix == 0 ? 0 : (int)prefix - 1, subject);
    columns[0] = '\0';
    while (subject != NULL && strlen(subject) > prefix && used + 1 < columns_size) {
        const char *comma = strstr(subject, ", ");
        int len =
            comma == NULL ? (int)strlen(subject + prefix) : (int)(comma - subject) - (int)prefix;
        int n = snprintf(columns + used, columns_size - used, "%s%.*s", used == 0 ? "" : ", ",
                         len < 0 ? 0 : len, subject + prefix);

        used += (size_t)n;
        subject = comma == NULL ? NULL : comma + 2;
    }
}

static int translate_not_null(const struct sqlite_error *error, struct failure *f)
{
    char table[table_name_bytes];
    char column[constraint_list_bytes];

    split_columns(constraint_subject(error->message), table, sizeof(table), column, sizeof(column));
    failure_set(f, "23502",
                "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                column, table);
    constraint_add_fields(f, table, column, NULL);
    return FAILED;
}

/* The unique index on exactly these columns. */
struct index_search {
    const char *columns;
    char name[table_name_bytes];
    char origin; /* 'c': CREATE UNIQUE INDEX, 'u': UNIQUE, 'p': PRIMARY KEY; 0: not found */
};

static bool search_index(sqlite3_stmt *stmt, void *arg)
{
    struct index_search *search = arg;

    if (strcasecmp(schema_text(stmt, 2), search->columns) != 0) {
        return true;
    }
    snprintf(search->name, sizeof(search->name), "%s", schema_text(stmt, 0));
    search->origin = schema_text(stmt, 1)[0];
    return false;
}

void constraint_tell_duplicate(const char *table, const char *name, struct failure *ret_failure)
{
    failure_set(ret_failure, "23505", "duplicate key value violates unique constraint \"%s\"",
                name);
    constraint_add_fields(ret_failure, table, NULL, name);
}

static bool copy_first(sqlite3_stmt *stmt, void *arg)
{
    snprintf(arg, table_name_bytes, "%s", schema_text(stmt, 0));
    return false;
}

/* An index on expressions is named, not its columns: "index 'name'". */
static int translate_index(const struct sqlite_error *error, const char *subject, struct failure *f)
{
    char name[table_name_bytes];
    char table[table_name_bytes] = "";
    struct view rest = view_of_str(subject);
    (void)sqltext_next(&rest);
    struct sqltext_token quoted = sqltext_next(&rest);

    sqltext_identifier(&quoted, name, sizeof(name));
    schema_each_row(error->db,
                    "SELECT tbl_name FROM main.sqlite_schema WHERE type = 'index' AND name = ?1",
                    name, copy_first, table);
    constraint_tell_duplicate(table, name, f);
    return FAILED;
}

static int translate_unique(const struct sqlite_error *error, struct failure *f)
{
    const char *subject = constraint_subject(error->message);
    char table[table_name_bytes];
    char columns[constraint_list_bytes];
    char name[constraint_name_bytes];
    struct index_search search = { .columns = columns };

    if (strncmp(subject, "index '", 7) == 0) {
        return translate_index(error, subject, f);
    }
    split_columns(subject, table, sizeof(table), columns, sizeof(columns));
    bool primary = error->code != SQLITE_CONSTRAINT_UNIQUE;
    if (!primary) {
        schema_each_row(
            error->db,
            "SELECT il.name, il.origin, (SELECT group_concat(name, ', ') FROM (SELECT name FROM "
            "pragma_index_info(il.name) ORDER BY seqno)) FROM pragma_index_list(?1) AS il "
            "WHERE il.\"unique\" ORDER BY il.origin DESC",
            table, search_index, &search);
    }
    if (search.origin == 'c') {
        constraint_tell_duplicate(table, search.name, f);
        return FAILED;
    }
    primary = primary || search.origin == 'p';
    constraint_name(error->db, table, primary ? TABLE_PRIMARY_KEY : TABLE_UNIQUE, columns, name,
                    sizeof(name));
    constraint_tell_duplicate(table, name, f);
    return FAILED;
}

/* STRICT tables: "cannot store TEXT value in INTEGER column t.c". */
static int translate_datatype(const struct sqlite_error *error, struct failure *f)
{
    char value[32];
    char type[32];
    char where[constraint_list_bytes];
    char table[table_name_bytes];
    char column[constraint_list_bytes];

    if (sscanf(error->message, "cannot store %31s value in %31s column %511s", value, type,
               where) != 3) {
        return failure_set(f, "42804", "%s", error->message);
    }
    split_columns(where, table, sizeof(table), column, sizeof(column));
    failure_set(f, "42804", "column \"%s\" is of type %s but expression is of type %s", column,
                type, value);
    constraint_add_fields(f, table, column, NULL);
    return FAILED;
}

/* To SQLite ON DELETE RESTRICT is a trigger that raises what a key says. */
static int kind_of(const struct sqlite_error *error)
{
    return error->code == SQLITE_CONSTRAINT_TRIGGER &&
                   strcmp(error->message, "FOREIGN KEY constraint failed") == 0
               ? SQLITE_CONSTRAINT_FOREIGNKEY
               : error->code;
}

int constraint_translate(const struct sqlite_error *error, struct failure *ret_failure)
{
    int kind = kind_of(error);

    static const struct {
        int code;
        int (*translate)(const struct sqlite_error *error, struct failure *f);
    } kinds[] = {
        { SQLITE_CONSTRAINT_CHECK, constraint_translate_check },
        { SQLITE_CONSTRAINT_FOREIGNKEY, constraint_translate_foreign_key },
        { SQLITE_CONSTRAINT_NOTNULL, translate_not_null },
        { SQLITE_CONSTRAINT_PRIMARYKEY, translate_unique },
        { SQLITE_CONSTRAINT_UNIQUE, translate_unique },
        { SQLITE_CONSTRAINT_ROWID, translate_unique },
        { SQLITE_CONSTRAINT_DATATYPE, translate_datatype },
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].code == kind) {
            return kinds[i].translate(error, ret_failure);
        }
    }
    return failure_set(ret_failure, sqlite_error_sqlstate(error->code), "%s", error->message);
}
