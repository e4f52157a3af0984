/* sql/expr_case.c: CASE, COALESCE, GREATEST and LEAST: those whose results find a common type. */
#include "sql/expr_impl.h"

/* Analyses nodes, finds their common type and brings all to it. NULL: failed. */
static struct expr *common_items(struct rewriter *r, PgQuery__Node *const *nodes, size_t count,
                                 const char *context, struct type *ret_type)
{
    struct expr *items = arena_alloc(r->arena, (count + 1) * sizeof(*items));

    if (items == NULL) {
        rewrite_fail_nomem(r);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = expr_of(r, nodes[i]);
    }
    *ret_type = common_type(r, items, count, context, count > 0 ? node_location(nodes[0]) : -1);
    for (size_t i = 0; i < count && !r->failed; i++) {
        items[i] = expr_cast(r, expr_resolve(r, items[i], *ret_type), *ret_type, CAST_IMPLICIT,
                             node_location(nodes[i]));
    }
    return r->failed ? NULL : items;
}

static const char *call_text(struct rewriter *r, const char *name, const struct expr *items,
                             size_t count)
{
    struct buf text cleanup(buf_finish) = { 0 };
    int result = buf_printf(&text, "%s(", name);

    for (size_t i = 0; i < count && result == 0; i++) {
        result = buf_printf(&text, "%s%s", i > 0 ? ", " : "", items[i].text);
    }
    if (result == 0) {
        result = buf_append(&text, ")", 2);
    }
    if (result != 0) {
        rewrite_fail_nomem(r);
        return "";
    }
    return rewrite_text(r, "%s", (const char *)text.data);
}

struct expr expr_coalesce(struct rewriter *r, const PgQuery__Node *node)
{
    struct type type = TYPE_NONE;
    size_t count = node->coalesce_expr->n_args;
    struct expr *items = common_items(r, node->coalesce_expr->args, count, "COALESCE", &type);

    if (items == NULL) {
        return expr_none();
    }
    return count == 1
               ? items[0]
               : expr_make(r, type, PREC_PRIMARY, "%s", call_text(r, "coalesce", items, count));
}

/* PostgreSQL's GREATEST passes over NULLs, SQLite's max() does not. */
struct expr expr_min_max(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__MinMaxExpr *m = node->min_max_expr;
    bool greatest = m->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
    struct type type = TYPE_NONE;
    struct expr *items =
        common_items(r, m->args, m->n_args, greatest ? "GREATEST" : "LEAST", &type);

    if (items == NULL) {
        return expr_none();
    }
    return m->n_args == 1 ? items[0]
                          : expr_make(r, type, PREC_PRIMARY, "%s",
                                      call_text(r, greatest ? "pond_greatest" : "pond_least", items,
                                                m->n_args));
}

/* The conditions of a CASE as texts; NULL: failed. */
static const char **case_conditions(struct rewriter *r, const PgQuery__CaseExpr *c)
{
    const char **texts = arena_alloc(r->arena, (c->n_args + 1) * sizeof(*texts));

    for (size_t i = 0; i < c->n_args && texts != NULL; i++) {
        const PgQuery__Node *when = c->args[i]->case_when->expr;

        texts[i] = c->arg == NULL ? expr_condition(r, when, "CASE/WHEN").text
                                  : expr_compare(r, "=", expr_of(r, c->arg), expr_of(r, when),
                                                 node_location(when))
                                        .text;
    }
    if (texts == NULL) {
        rewrite_fail_nomem(r);
    }
    return r->failed ? NULL : texts;
}

struct expr expr_case(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__CaseExpr *c = node->case_expr;
    PgQuery__Node **results = arena_alloc(r->arena, (c->n_args + 1) * sizeof(*results));
    const char **conditions = case_conditions(r, c);
    struct buf text cleanup(buf_finish) = { 0 };
    bool has_else = c->defresult != NULL;
    struct type type = TYPE_NONE;
    struct expr *items;
    int result;

    if (results == NULL || conditions == NULL) {
        rewrite_fail_nomem(r);
        return expr_none();
    }
    results[0] = c->defresult; /* ELSE comes first when PostgreSQL chooses the type */
    for (size_t i = 0; i < c->n_args; i++) {
        results[i + has_else] = c->args[i]->case_when->result;
    }
    items = common_items(r, results, c->n_args + has_else, "CASE", &type);
    result = buf_append_str(&text, "CASE");
    for (size_t i = 0; i < c->n_args && items != NULL && result == 0; i++) {
        result = buf_printf(&text, " WHEN %s THEN %s", conditions[i], items[i + has_else].text);
    }
    if (items == NULL || result != 0) {
        rewrite_fail_nomem(r);
        return expr_none();
    }
    return expr_make(r, type, PREC_PRIMARY, "%.*s%s%s END", (int)text.len, (const char *)text.data,
                     has_else ? " ELSE " : "", has_else ? items[0].text : "");
}
