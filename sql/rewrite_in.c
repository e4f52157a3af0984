/* sql/rewrite_in.c: BETWEEN, IN, = ANY and <> ALL. */
#include "sql/rewrite_op.h"

#include "base/buf.h"
#include "sql/grammar.h"
#include "sql/literal.h"

/* ---- BETWEEN, IN, ANY, NULLIF, DISTINCT ---- */

struct expr op_between(struct rewriter *r, const PgQuery__AExpr *node)
{
    bool negated = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN ||
                   node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    bool symmetric = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM ||
                     node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    PgQuery__Node *const *bounds = node->rexpr->list->items;
    struct expr low =
        expr_compare(r, ">=", expr_of(r, node->lexpr), expr_of(r, bounds[0]), node->location);
    struct expr high =
        expr_compare(r, "<=", expr_of(r, node->lexpr), expr_of(r, bounds[1]), node->location);
    const char *not_ = negated ? "NOT " : "";

    if (symmetric) {
        struct expr low2 =
            expr_compare(r, "<=", expr_of(r, node->lexpr), expr_of(r, bounds[0]), node->location);
        struct expr high2 =
            expr_compare(r, ">=", expr_of(r, node->lexpr), expr_of(r, bounds[1]), node->location);

        return expr_make(r, TYPE_OF(OID_BOOL), PREC_NOT, "%s(%s AND %s OR %s AND %s)", not_,
                         low.text, high.text, low2.text, high2.text);
    }
    return negated
               ? expr_make(r, TYPE_OF(OID_BOOL), PREC_NOT, "NOT (%s AND %s)", low.text, high.text)
               : expr_make(r, TYPE_OF(OID_BOOL), PREC_AND, "%s AND %s", low.text, high.text);
}

/* left [NOT] IN (texts) with the left side's type settled. */
static struct expr in_texts(struct rewriter *r, struct expr left, bool negated,
                            const char *const *texts, size_t count)
{
    struct buf list cleanup(buf_finish) = { 0 };
    int result = buf_append_str(&list, "");

    for (size_t i = 0; i < count && result == 0; i++) {
        result = buf_printf(&list, "%s%s", i > 0 ? ", " : "", texts[i]);
    }
    if (result != 0 || buf_append_byte(&list, 0) != 0) {
        rewrite_fail_nomem(r);
        return expr_none();
    }
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "%s %sIN (%s)",
                     expr_in(r, &left, PREC_COMPARE), negated ? "NOT " : "",
                     (const char *)list.data);
}

static struct expr in_rows(struct rewriter *r, const PgQuery__RowExpr *left,
                           PgQuery__Node *const *items, size_t count, bool negated)
{
    const char **parts = arena_alloc(r->arena, count * sizeof(*parts));
    const char *text;

    if (!expr_count_terms(r, count, node_location(items[0]))) {
        return expr_none();
    }
    if (parts == NULL) {
        rewrite_fail_nomem(r);
    }
    for (size_t i = 0; i < count && !r->failed; i++) {
        const PgQuery__RowExpr *row = op_row(items[i]);

        if (row == NULL) {
            rewrite_unsupported(r, node_location(items[i]), "IN with a row and something else");
            break;
        }
        parts[i] = op_compare_rows(r, "=", left, row).text;
    }
    text = r->failed ? "" : expr_balanced(r, parts, count, "OR");
    return expr_make(r, TYPE_OF(OID_BOOL), negated ? PREC_NOT : PREC_OR, "%s%s%s",
                     negated ? "NOT (" : "", text, negated ? ")" : "");
}

/* All sides of an IN or = ANY come to one type, as PostgreSQL does it. */
static struct expr in_items(struct rewriter *r, struct expr left, PgQuery__Node *const *nodes,
                            size_t count, bool negated, int32_t location)
{
    struct expr *items = arena_alloc(r->arena, (count + 1) * sizeof(*items));
    const char **texts = arena_alloc(r->arena, (count + 1) * sizeof(*texts));
    struct type type = TYPE_NONE;

    if (items == NULL || texts == NULL) {
        rewrite_fail_nomem(r);
        return expr_none();
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = expr_of(r, nodes[i]);
        if (items[i].untyped == NULL && type.oid == 0) {
            type = op_bare_type(items[i].type);
        }
    }
    left = expr_resolve(r, left, type);
    for (size_t i = 0; i < count && !r->failed; i++) {
        struct expr side = left;

        op_settle(r, &side, &items[i]);
        if (!r->failed && !op_comparable(r, &side, &items[i])) {
            return op_missing(r, negated ? "<>" : "=", left, items[i], location);
        }
        if (side.type.oid != left.type.oid) { /* a wider instant: the others follow */
            left = side;
            i = (size_t)-1;
            continue;
        }
        texts[i] = op_key(r, items[i]).text;
    }
    return in_texts(r, op_key(r, left), negated, texts, count);
}

struct expr op_in(struct rewriter *r, const PgQuery__AExpr *node)
{
    bool negated = strcmp(node_string(node->name[0]), "<>") == 0;
    const PgQuery__List *list = node->rexpr->list;
    const PgQuery__RowExpr *row = op_row(node->lexpr);

    if (row != NULL) {
        return in_rows(r, row, list->items, list->n_items, negated);
    }
    return in_items(r, expr_of(r, node->lexpr), list->items, list->n_items, negated,
                    node->location);
}

/* = ANY of an array that is known only when the statement runs: its elements become rows. */
static struct expr any_value(struct rewriter *r, struct expr left, const PgQuery__Node *node,
                             struct type element, bool negated, int32_t location)
{
    const struct pgtype *row;
    struct expr array;

    left = expr_resolve(r, left, element);
    if (element.oid == 0) {
        element = left.type;
    }
    row = pgtype_by_oid(element.oid);
    array = expr_typed(r, node, row != NULL ? TYPE_OF(row->array_oid) : TYPE_NONE);
    if (!r->failed && type_element(array.type.oid) == 0) {
        rewrite_fail(r, location, "42809", "op ANY/ALL (array) requires array on right side");
    }
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL,
                     "%s %sIN (SELECT value FROM json_each(pond_array_json(%s, %u)))",
                     expr_in(r, &left, PREC_COMPARE), negated ? "NOT " : "", array.text,
                     type_element(array.type.oid));
}

/* ARRAY[...], '{...}' or either with a cast. */
struct expr op_any(struct rewriter *r, const PgQuery__AExpr *node)
{
    const char *op = node_string(node->name[node->n_name - 1]);
    bool all = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL;
    bool negated = all && strcmp(op, "<>") == 0;
    const PgQuery__Node *array = node->rexpr;
    struct expr left = expr_of(r, node->lexpr);
    struct type element = TYPE_NONE;
    const char **texts;
    size_t count;

    if (!negated && (all || strcmp(op, "=") != 0)) {
        rewrite_unsupported(r, node->location, "ANY or ALL with this operator");
        return expr_none();
    }
    if (array->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
        struct failure failure = { 0 };
        struct type type = TYPE_NONE;

        if (type_of_name(array->type_cast->type_name, &type, &failure) == 0) {
            element = TYPE_OF(type_element(type.oid));
        }
        array = array->type_cast->arg;
    }
    if (array->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
        return in_items(r, left, array->a_array_expr->elements, array->a_array_expr->n_elements,
                        negated, node->location);
    }
    if (array->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        array->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL) {
        left = expr_resolve(r, left, element);
        if (!literal_array(r, array->a_const->sval->sval, element.oid != 0 ? element : left.type,
                           array->a_const->location, &texts, &count)) {
            return expr_none();
        }
        return in_texts(r, left, negated, texts, count);
    }
    return any_value(r, left, array, element, negated, node->location);
}
