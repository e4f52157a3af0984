/* sql/rewrite_conflict.c: INSERT ... ON CONFLICT. */
#include "sql/rewrite_dml.h"

static void conflict_target(struct rewriter *r, const PgQuery__InferClause *infer)
{
    if (infer->conname != NULL && infer->conname[0] != '\0') {
        rewrite_unsupported(r, infer->location, "ON CONFLICT ON CONSTRAINT");
        if (r->failure != NULL) {
            failure_add(r->failure, FIELD_HINT,
                        "Name the constraint's columns: ON CONFLICT (column, ...).");
        }
        return;
    }
    for (size_t i = 0; i < infer->n_index_elems && !r->failed; i++) {
        const PgQuery__IndexElem *element = infer->index_elems[i]->index_elem;

        rewrite_str(r, i == 0 ? " (" : ", ");
        if (element->expr != NULL) {
            rewrite_str(r, expr_typed(r, element->expr, TYPE_NONE).text);
        } else {
            PgQuery__String name = PG_QUERY__STRING__INIT;
            PgQuery__Node field = PG_QUERY__NODE__INIT;
            PgQuery__Node *fields[] = { &field };
            PgQuery__ColumnRef ref = PG_QUERY__COLUMN_REF__INIT;

            name.sval = element->name;
            field.node_case = PG_QUERY__NODE__NODE_STRING;
            field.string = &name;
            ref.n_fields = 1;
            ref.fields = fields;
            ref.location = infer->location;
            rewrite_str(r, scope_column(r, &ref).text);
        }
    }
    rewrite_str(r, ")");
    if (infer->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, infer->where_clause, "WHERE").text);
    }
}

static void conflict_target_bare(struct rewriter *r, const PgQuery__InferClause *infer,
                                 const struct relation *table)
{
    struct query_scope scope = { .unqualified = true };

    scope_push(r, &scope);
    scope_add(&scope, relation_copy(r, table, table->name));
    conflict_target(r, infer);
    scope_pop(r);
}

static void conflict_update(struct rewriter *r, const PgQuery__InsertStmt *stmt,
                            const struct relation *target)
{
    const PgQuery__OnConflictClause *c = stmt->on_conflict_clause;
    struct query_scope scope = { 0 };
    struct relation *excluded = relation_copy(r, target, "excluded");
    struct relation *table = relation_copy(r, target, target->name);
    PgQuery__UpdateStmt update_part = PG_QUERY__UPDATE_STMT__INIT;

    if (excluded == NULL || table == NULL) {
        return;
    }
    excluded->qualified_only = true;
    scope_push(r, &scope);
    scope_add(&scope, table);
    scope_add(&scope, excluded);
    update_part.relation = stmt->relation;
    update_part.target_list = c->target_list;
    update_part.n_target_list = c->n_target_list;
    rewrite_str(r, " DO UPDATE");
    dml_set_list(r, &update_part, target);
    if (c->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, c->where_clause, "WHERE").text);
    }
    scope_pop(r);
}

void dml_on_conflict(struct rewriter *r, const PgQuery__InsertStmt *stmt,
                     const struct relation *table)
{
    const PgQuery__OnConflictClause *c = stmt->on_conflict_clause;
    bool nothing;

    if (c == NULL || r->failed) {
        return;
    }
    nothing = c->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING;
    rewrite_str(r, " ON CONFLICT");
    if (c->infer != NULL &&
        !(nothing && c->infer->conname != NULL && c->infer->conname[0] != '\0')) {
        conflict_target_bare(r, c->infer, table);
    }
    if (nothing) {
        rewrite_str(r, " DO NOTHING");
    } else {
        conflict_update(r, stmt, table);
    }
}
