/* sql/rewrite_system.c: relations of pg_catalog that are no tables: each is a subquery over a
 * function of pond's that gives its rows as JSON (sql/listing.h). */
#include "sql/expr.h"

struct system_column {
    const char *name;
    uint32_t oid;
};

/* In the order of the function's values. */
static const struct system_column cursor_columns[] = {
    { "name", OID_TEXT },      { "statement", OID_TEXT },     { "is_holdable", OID_BOOL },
    { "is_binary", OID_BOOL }, { "is_scrollable", OID_BOOL }, { "creation_time", OID_TIMESTAMPTZ },
};

static const struct system_relation {
    const char *name;
    const char *function;
    const struct system_column *columns;
    size_t count;
} system_relations[] = {
    { "pg_cursors", "pond_cursors()", cursor_columns, ARRAY_LEN(cursor_columns) },
};

static const struct system_relation *find_system(const PgQuery__RangeVar *table)
{
    bool has_schema = table->schemaname != NULL && table->schemaname[0] != '\0';

    if (has_schema && strcmp(table->schemaname, "pg_catalog") != 0) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(system_relations); i++) {
        if (strcmp(system_relations[i].name, table->relname) == 0) {
            return &system_relations[i];
        }
    }
    return NULL;
}

/* AS c(a, b): names for the first columns. */
static const char *column_name(const struct system_relation *row, const PgQuery__Alias *alias,
                               size_t i)
{
    return alias != NULL && i < alias->n_colnames ? alias->colnames[i]->string->sval
                                                  : row->columns[i].name;
}

struct relation *from_system(struct rewriter *r, const PgQuery__RangeVar *table)
{
    const struct system_relation *row = find_system(table);
    struct relation *relation =
        row == NULL ? NULL
                    : relation_new(r, table->alias != NULL ? table->alias->aliasname : row->name);

    if (relation == NULL) {
        return NULL;
    }
    rewrite_str(r, "(SELECT ");
    for (size_t i = 0; i < row->count; i++) {
        const char *name = column_name(row, table->alias, i);

        rewrite_printf(r, "%svalue->>%zu AS ", i > 0 ? ", " : "", i);
        rewrite_ident(r, name);
        (void)relation_add(r, relation, name, TYPE_OF(row->columns[i].oid));
    }
    rewrite_printf(r, " FROM json_each(%s)) AS ", row->function);
    rewrite_ident(r, relation->name);
    return relation;
}
