/* sql/rewrite_sublink.c: subqueries in expressions: EXISTS, IN, ANY, ALL, and those that give one
 * value. */
#include "sql/expr.h"

#include "sql/functions.h"
#include "sql/grammar.h"

static struct expr row_in_select(struct rewriter *r, const PgQuery__SubLink *s, const char *query,
                                 const struct relation *columns)
{
    const PgQuery__RowExpr *row = s->testexpr->row_expr;
    const char *left = "";

    if (row->n_args != columns->count) {
        rewrite_fail(r, s->location, "42601", "subquery has too %s columns",
                     columns->count < row->n_args ? "few" : "many");
        return expr_none();
    }
    for (size_t i = 0; i < row->n_args; i++) {
        left = rewrite_text(r, "%s%s%s", left, i > 0 ? ", " : "",
                            expr_typed(r, row->args[i], columns->columns[i].type).text);
    }
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "(%s) IN (%s)", left, query);
}

/* x > ALL (query): over the query's rows, since SQLite has only IN. Like IN it is NULL when a NULL
 * leaves it open. */
static struct expr compare_all(struct rewriter *r, const PgQuery__SubLink *s, const char *op,
                               bool all)
{
    struct relation columns = { 0 };
    const char *query = select_text(r, s->subselect->select_stmt, NULL, &columns);
    struct expr value = { .text = "pond_value", .prec = PREC_PRIMARY };
    struct expr e;

    if (!r->failed && columns.count != 1) {
        rewrite_fail(r, s->location, "42601", "subquery has too many columns");
    }
    if (r->failed) {
        return expr_none();
    }
    value.type = columns.columns[0].type;
    e = expr_compare(r, op, expr_of(r, s->testexpr), value, s->location);
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_PRIMARY,
                     "(SELECT CASE WHEN %s(pond_is) = %d THEN %d WHEN count(*) > count(pond_is)"
                     " THEN NULL ELSE %d END FROM (SELECT %s AS pond_is FROM (SELECT %s AS "
                     "pond_value FROM (%s))))",
                     all ? "min" : "max", !all, !all, all, e.text,
                     rewrite_ident_text(r, columns.columns[0].name), query);
}

static bool is_comparison(const char *op)
{
    static const char *const ops[] = { "=", "<>", "<", ">", "<=", ">=" };

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (strcmp(ops[i], op) == 0) {
            return true;
        }
    }
    return false;
}

static struct expr any_sublink(struct rewriter *r, const PgQuery__SubLink *s, bool all)
{
    const char *op = s->n_oper_name > 0 ? node_string(s->oper_name[s->n_oper_name - 1]) : "=";
    struct relation columns = { 0 };
    struct select_wish wish = { 0 };
    struct expr left;
    const char *query;
    struct expr probe;

    if (all ? strcmp(op, "<>") != 0 : strcmp(op, "=") != 0) {
        if (is_comparison(op) && s->testexpr->node_case != PG_QUERY__NODE__NODE_ROW_EXPR) {
            return compare_all(r, s, op, all);
        }
        rewrite_unsupported(r, s->location, "ANY or ALL of a subquery with this operator");
        return expr_none();
    }
    query = select_text(r, s->subselect->select_stmt, NULL, &columns);
    if (r->failed) {
        return expr_none();
    }
    if (s->testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        return row_in_select(r, s, query, &columns);
    }
    if (columns.count != 1) {
        rewrite_fail(r, s->location, "42601", "subquery has too many columns");
        return expr_none();
    }
    left = expr_typed(r, s->testexpr, columns.columns[0].type);
    probe = (struct expr){ .type = columns.columns[0].type, .text = "", .prec = PREC_PRIMARY };
    probe = expr_compare(r, "=", left, probe, s->location); /* only for its errors */
    (void)probe;
    if (type_is_date(left.type.oid) && left.type.oid != columns.columns[0].type.oid) {
        wish = (struct select_wish){ .types = &left.type, .type_count = 1 };
        columns = (struct relation){ 0 };
        query = select_text(r, s->subselect->select_stmt, &wish, &columns);
    }
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "%s %sIN (%s)",
                     expr_in(r, &left, PREC_COMPARE), all ? "NOT " : "", query);
}

/* Can it give no second row, as far as is plain to see: max(id), LIMIT 1, no FROM? */
static bool has_one_row(const PgQuery__SelectStmt *s)
{
    const PgQuery__Node *limit = s->limit_count;
    const PgQuery__Node *target = s->n_target_list == 1 ? s->target_list[0]->res_target->val : NULL;

    if (limit != NULL && limit->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        limit->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL &&
        limit->a_const->ival->ival <= 1) {
        return true;
    }
    if (s->op != PG_QUERY__SET_OPERATION__SETOP_NONE || s->n_group_clause > 0 || target == NULL) {
        return false;
    }
    if (target->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && target->func_call->over == NULL) {
        const PgQuery__FuncCall *call = target->func_call;
        const char *name = node_string(call->funcname[call->n_funcname - 1]);

        return strcmp(name, "count") == 0 || function_is_aggregate(name);
    }
    return s->n_from_clause == 0;
}

static struct expr scalar_sublink(struct rewriter *r, const PgQuery__SubLink *s)
{
    struct relation columns = { 0 };
    const char *query = select_text(r, s->subselect->select_stmt, NULL, &columns);

    if (r->failed) {
        return expr_none();
    }
    if (columns.count != 1) {
        rewrite_fail(r, s->location, "42601", "subquery must return only one column");
        return expr_none();
    }
    if (has_one_row(s->subselect->select_stmt)) {
        return expr_make(r, columns.columns[0].type, PREC_PRIMARY, "(%s)", query);
    }
    r->uses_functions = true;
    return expr_make(r, columns.columns[0].type, PREC_PRIMARY, "(SELECT pond_single(%s) FROM (%s))",
                     rewrite_ident_text(r, columns.columns[0].name), query);
}

struct expr expr_sublink(struct rewriter *r, const PgQuery__SubLink *s)
{
    struct relation columns = { 0 };

    if (s->subselect == NULL || s->subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        rewrite_unsupported(r, s->location, "this subquery");
        return expr_none();
    }
    switch (s->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        return expr_make(r, TYPE_OF(OID_BOOL), PREC_PRIMARY, "EXISTS (%s)",
                         select_text(r, s->subselect->select_stmt, NULL, &columns));
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
        return any_sublink(r, s, false);
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
        return any_sublink(r, s, true);
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        return scalar_sublink(r, s);
    default:
        rewrite_unsupported(r, s->location, "ARRAY(subquery)");
        return expr_none();
    }
}
