/* sql/rewrite_dml.c: UPDATE, DELETE and RETURNING. */
#include "sql/rewrite_dml.h"

#include "pool/session.h"
#include "sql/grammar.h"

static const struct select_wish no_wish;

struct relation *dml_table(struct rewriter *r, const PgQuery__RangeVar *table)
{
    struct relation *relation = scope_table(r, table->relname);

    if (relation == NULL) {
        rewrite_fail(r, table->location, "42P01", "relation \"%s\" does not exist", table->relname);
        return NULL;
    }
    if (table->alias != NULL) {
        relation->name = table->alias->aliasname;
    }
    return relation;
}

void dml_print_table(struct rewriter *r, const PgQuery__RangeVar *table)
{
    rewrite_table(r, table);
    if (table->alias != NULL) {
        rewrite_printf(r, " AS %s", rewrite_ident_text(r, table->alias->aliasname));
    }
}

const struct relation_column *dml_column(struct rewriter *r, const struct relation *relation,
                                         const PgQuery__RangeVar *table,
                                         const PgQuery__ResTarget *target)
{
    const struct relation_column *column = relation_find(relation, target->name);

    if (target->n_indirection > 0) {
        rewrite_unsupported(r, target->location, "assigning to a part of a column");
    } else if (column == NULL) {
        rewrite_fail(r, target->location, "42703",
                     "column \"%s\" of relation \"%s\" does not exist", target->name,
                     table->relname);
    }
    return r->failed ? NULL : column;
}

/* ---- RETURNING ---- */

void dml_returning(struct rewriter *r, PgQuery__Node *const *list, size_t count,
                   struct relation *table, struct relation *columns)
{
    struct query_scope scope = { .unqualified = true };
    struct relation *copy;

    if (count == 0 || r->failed) {
        return;
    }
    copy = relation_copy(r, table, table->name);
    scope_push(r, &scope);
    scope_add(&scope, copy);
    rewrite_str(r, " RETURNING ");
    select_targets(r, list, count, &no_wish, columns);
    scope_pop(r);
}

/* ---- SET ---- */

static void set_from_select(struct rewriter *r, const PgQuery__UpdateStmt *u, size_t first,
                            size_t count, const struct relation *table, const PgQuery__Node *source)
{
    struct type *types = arena_alloc(r->arena, count * sizeof(*types));
    const char **names = arena_alloc(r->arena, count * sizeof(*names));
    const struct relation_column **rowids = arena_alloc(r->arena, count * sizeof(*rowids));
    struct select_wish wish = { .types = types, .type_count = count, .columns = names };
    struct relation columns = { 0 };

    if (types == NULL || names == NULL || rowids == NULL) {
        rewrite_fail_nomem(r);
        return;
    }
    wish.rowids = rowids;
    wish.table = u->relation->relname;
    for (size_t i = 0; i < count; i++) {
        const PgQuery__ResTarget *target = u->target_list[first + i]->res_target;
        const struct relation_column *column = dml_column(r, table, u->relation, target);

        if (column == NULL) {
            return;
        }
        types[i] = column->type;
        names[i] = column->name;
        rowids[i] = column->rowid ? column : NULL;
        rewrite_printf(r, "%s%s", i == 0 ? "(" : ", ", rewrite_ident_text(r, column->name));
    }
    rewrite_printf(r, ") = (%s)",
                   select_text(r, source->sub_link->subselect->select_stmt, &wish, &columns));
    if (!r->failed && columns.count != count) {
        rewrite_fail(r, source->sub_link->location, "42601",
                     "number of columns does not match number of values");
    }
}

static void set_one(struct rewriter *r, const PgQuery__RangeVar *table,
                    const PgQuery__ResTarget *target, const PgQuery__Node *value,
                    const struct relation *relation)
{
    const struct relation_column *column = dml_column(r, relation, table, target);
    struct expr e;

    if (column == NULL) {
        return;
    }
    if (value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
        rewrite_printf(r, "%s = %s", rewrite_ident_text(r, column->name),
                       scope_default(r, table->relname, column));
        return;
    }
    e = expr_assigned(r, value, column->type, column->name);
    rewrite_printf(r, "%s = %s", rewrite_ident_text(r, column->name),
                   column->rowid ? expr_not_null(r, e, table->relname, column).text : e.text);
}

/* (a, b) = (1, 2) and (a, b) = (SELECT ...). Gives how many targets it took. */
static size_t set_many(struct rewriter *r, const PgQuery__UpdateStmt *u, size_t first,
                       const struct relation *table)
{
    const PgQuery__MultiAssignRef *m = u->target_list[first]->res_target->val->multi_assign_ref;
    size_t count = (size_t)m->ncolumns;

    if (m->source->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        const PgQuery__RowExpr *row = m->source->row_expr;

        if (row->n_args != count) {
            rewrite_fail(r, row->location, "42601",
                         "number of columns does not match number of values");
            return count;
        }
        for (size_t i = 0; i < count && !r->failed; i++) {
            rewrite_str(r, i > 0 ? ", " : "");
            set_one(r, u->relation, u->target_list[first + i]->res_target, row->args[i], table);
        }
    } else if (m->source->node_case == PG_QUERY__NODE__NODE_SUB_LINK) {
        set_from_select(r, u, first, count, table, m->source);
    } else {
        rewrite_fail(
            r, node_location(m->source), "0A000",
            "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression");
    }
    return count;
}

void dml_set_list(struct rewriter *r, const PgQuery__UpdateStmt *u, const struct relation *table)
{
    rewrite_str(r, " SET ");
    for (size_t i = 0; i < u->n_target_list && !r->failed;) {
        const PgQuery__ResTarget *target = u->target_list[i]->res_target;

        rewrite_str(r, i > 0 ? ", " : "");
        if (target->val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
            i += set_many(r, u, i, table);
        } else {
            set_one(r, u->relation, target, target->val, table);
            i++;
        }
    }
}

/* ---- UPDATE, DELETE ---- */

static void update(struct rewriter *r, const PgQuery__UpdateStmt *u, struct relation *columns)
{
    struct query_scope scope = { 0 };
    struct relation *table;
    const char *from = "";

    select_with(r, u->with_clause);
    table = dml_table(r, u->relation);
    if (table == NULL) {
        return;
    }
    scope_push(r, &scope);
    scope_add(&scope, table);
    if (u->n_from_clause > 0) {
        struct buf saved = capture_begin(r);

        from_items(r, u->from_clause, u->n_from_clause);
        from = capture_end(r, &saved);
    }
    rewrite_str(r, "UPDATE ");
    dml_print_table(r, u->relation);
    dml_set_list(r, u, table);
    if (u->n_from_clause > 0) {
        rewrite_printf(r, " FROM %s", from);
    }
    if (u->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, u->where_clause, "WHERE").text);
    }
    scope_pop(r);
    dml_returning(r, u->returning_list, u->n_returning_list, table, columns);
}

/* SQLite has no USING: the rows to go are chosen by a subquery of the same alias. */
static void delete_using(struct rewriter *r, const PgQuery__DeleteStmt *d,
                         const struct relation *table)
{
    struct buf saved = capture_begin(r);
    const char *from;

    from_items(r, d->using_clause, d->n_using_clause);
    from = capture_end(r, &saved);
    rewrite_printf(r, " WHERE rowid IN (SELECT %s.rowid FROM ", rewrite_ident_text(r, table->name));
    dml_print_table(r, d->relation);
    rewrite_printf(r, ", %s", from);
    if (d->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, d->where_clause, "WHERE").text);
    }
    rewrite_str(r, ")");
}

static void delete_from(struct rewriter *r, const PgQuery__DeleteStmt *d, struct relation *columns)
{
    struct query_scope scope = { 0 };
    struct relation *table;

    select_with(r, d->with_clause);
    table = dml_table(r, d->relation);
    if (table == NULL) {
        return;
    }
    scope_push(r, &scope);
    scope_add(&scope, table);
    rewrite_str(r, "DELETE FROM ");
    dml_print_table(r, d->relation);
    if (d->n_using_clause > 0) {
        delete_using(r, d, table);
    } else if (d->where_clause != NULL) {
        rewrite_printf(r, " WHERE %s", expr_condition(r, d->where_clause, "WHERE").text);
    }
    scope_pop(r);
    dml_returning(r, d->returning_list, d->n_returning_list, table, columns);
}

/* ---- statements ---- */

void rewrite_statement(struct rewriter *r, const PgQuery__Node *node, struct relation *ret_relation)
{
    struct cte *ctes = r->ctes;

    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        rewrite_select(r, node->select_stmt, ret_relation);
        break;
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        r->cursor_flags |= CURSOR_WRITES;
        dml_insert(r, node->insert_stmt, ret_relation);
        break;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        if (rewrite_update_database(r, node->update_stmt)) {
            break;
        }
        r->cursor_flags |= CURSOR_WRITES;
        update(r, node->update_stmt, ret_relation);
        break;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        r->cursor_flags |= CURSOR_WRITES;
        delete_from(r, node->delete_stmt, ret_relation);
        break;
    default:
        rewrite_unsupported(r, -1, "this statement");
    }
    r->ctes = ctes;
}
