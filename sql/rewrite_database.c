/* sql/rewrite_database.c: UPDATE pg_database, by which test harnesses make templates and keep
 * clients out. It becomes a query that calls pond_alter_database() for each row meant, and counts.
 */
#include "sql/expr.h"

#include "sql/rewrite_dml.h"

enum { settable_count = 3 };

/* The arguments of pond_alter_database() behind the name. */
static const struct {
    const char *name;
    uint32_t oid;
} settable[settable_count] = {
    { "datistemplate", OID_BOOL },
    { "datallowconn", OID_BOOL },
    { "datconnlimit", OID_INT4 },
};

static void read_target(struct rewriter *r, const PgQuery__UpdateStmt *u, size_t number,
                        const struct relation *table, const char *values[settable_count])
{
    const PgQuery__ResTarget *target = u->target_list[number]->res_target;
    const struct relation_column *column = dml_column(r, table, u->relation, target);

    for (size_t i = 0; i < settable_count && column != NULL; i++) {
        bool plain = target->val->node_case != PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF &&
                     target->val->node_case != PG_QUERY__NODE__NODE_SET_TO_DEFAULT;

        if (plain && strcmp(settable[i].name, column->name) == 0) {
            values[i] = expr_assigned(r, target->val, TYPE_OF(settable[i].oid), column->name).text;
            return;
        }
    }
    rewrite_unsupported(r, target->location, "this change of pg_database");
}

static void print(struct rewriter *r, const PgQuery__UpdateStmt *u, struct relation *table,
                  const char *from)
{
    const char *values[settable_count] = { "NULL", "NULL", "NULL" };

    for (size_t i = 0; i < u->n_target_list && !r->failed; i++) {
        read_target(r, u, i, table, values);
    }
    rewrite_printf(r, "SELECT count(pond_alter_database(%s.datname, %s, %s, %s)) FROM %s",
                   rewrite_ident_text(r, table->name), values[0], values[1], values[2], from);
    if (u->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, u->where_clause, "WHERE").text);
    }
}

bool rewrite_update_database(struct rewriter *r, const PgQuery__UpdateStmt *u)
{
    struct query_scope scope = { 0 };

    if (strcmp(u->relation->relname, "pg_database") != 0) {
        return false;
    }
    struct buf saved = capture_begin(r);
    struct relation *table = from_system(r, u->relation);
    const char *from = capture_end(r, &saved);
    if (table == NULL) {
        return r->failed;
    }
    if (u->with_clause != NULL || u->n_from_clause > 0 || u->n_returning_list > 0) {
        rewrite_unsupported(r, u->relation->location, "this kind of UPDATE of pg_database");
        return true;
    }
    scope_push(r, &scope);
    scope_add(&scope, table);
    print(r, u, table, from);
    scope_pop(r);
    r->alone = true;
    r->counts = true;
    return true;
}
