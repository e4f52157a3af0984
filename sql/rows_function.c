/* sql/rows_function.c: a row per function; see rows_function.h. */
#include "sql/rows_function.h"

#include "sql/grammar.h"

#include <sqlite3.h>

enum { columns_most = 5 };

static const struct rows_function {
    const char *name; /* the virtual table's, too */
    struct {
        const char *sqlite;
        const char *name;
        uint32_t type;
    } columns[columns_most]; /* up to the first without a name */
} functions[] = {
    { "pond_image", { { "image_page", "page", OID_INT4 }, { "image_data", "data", OID_BYTEA } } },
    { "pond_schema",
      { { "schema_section", "section", OID_TEXT },
        { "schema_name", "name", OID_TEXT },
        { "schema_table", "table_name", OID_TEXT },
        { "schema_definition", "definition", OID_TEXT },
        { "schema_known", "known", OID_BOOL } } },
};

static const struct rows_function *find(const PgQuery__FuncCall *call)
{
    const char *name = node_string(call->funcname[call->n_funcname - 1]);

    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

bool rows_function_is_call(const PgQuery__Node *node)
{
    return node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && find(node->func_call) != NULL;
}

static void check(struct rewriter *r, const PgQuery__RangeFunction *f,
                  const PgQuery__FuncCall *call)
{
    if (f->ordinality || f->n_coldeflist > 0) {
        rewrite_unsupported(r, call->location, "this kind of function in FROM");
    }
    if (call->n_args > 0) {
        rewrite_fail(r, call->location, "42883", "function %s takes no arguments",
                     find(call)->name);
    }
    (void)call_schema_is_known(r, call);
}

struct relation *from_rows_function(struct rewriter *r, const PgQuery__RangeFunction *f,
                                    const PgQuery__FuncCall *call)
{
    const struct rows_function *function = find(call);
    struct relation *relation =
        relation_new(r, f->alias != NULL ? f->alias->aliasname : function->name);

    check(r, f, call);
    for (size_t i = 0; i < columns_most && function->columns[i].name != NULL; i++) {
        (void)relation_add(r, relation, function->columns[i].name,
                           TYPE_OF(function->columns[i].type));
    }
    if (f->alias != NULL && relation != NULL) {
        from_rename(r, relation, f->alias);
    }
    if (r->failed || relation == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < relation->count; i++) {
        rewrite_printf(r, "%s%s AS %s", i == 0 ? "(SELECT " : ", ", function->columns[i].sqlite,
                       rewrite_ident_text(r, relation->columns[i].name));
    }
    rewrite_printf(r, " FROM %s(1)) AS %s", function->name, rewrite_ident_text(r, relation->name));
    return relation;
}

bool rows_function_called(sqlite3_index_info *info, int column)
{
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];

        if (constraint->iColumn == column && constraint->op == SQLITE_INDEX_CONSTRAINT_EQ &&
            constraint->usable) {
            info->aConstraintUsage[i].argvIndex = 1;
            info->aConstraintUsage[i].omit = 1;
            return true;
        }
    }
    return false;
}
