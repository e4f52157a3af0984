/* sql/rewrite_op.c: operators: a table of them, and comparisons, which bring both sides to one
 * type. Those of numbers (rewrite_number.c), of strings, patterns and JSON (rewrite_pattern.c) and
 * of dates (rewrite_date.c) have files of their own. */
#include "sql/rewrite_op.h"

#include "sql/grammar.h"

struct expr op_missing(struct rewriter *r, const char *op, struct expr left, struct expr right,
                       int32_t location)
{
    rewrite_fail(r, location, "42883", "operator does not exist: %s %s %s", type_text(r, left.type),
                 op, type_text(r, right.type));
    if (r->failure != NULL) {
        failure_add(r->failure, FIELD_HINT,
                    "No operator matches the given name and argument types. You might need to add "
                    "explicit type casts.");
    }
    return expr_none();
}

struct expr op_infix(struct rewriter *r, struct type type, enum expr_prec prec, const char *op,
                     struct expr left, struct expr right)
{
    return expr_make(r, type, prec, "%s %s %s", expr_in(r, &left, prec), op,
                     expr_in(r, &right, (enum expr_prec)(prec + 1)));
}

/* ---- comparisons ---- */

struct type op_bare_type(struct type type)
{
    return type.oid == OID_BPCHAR ? type : TYPE_OF(type.oid);
}

/* An untyped side becomes what the other side is. */
void op_settle(struct rewriter *r, struct expr *left, struct expr *right)
{
    struct type left_type = left->untyped != NULL ? TYPE_NONE : op_bare_type(left->type);
    struct type right_type = right->untyped != NULL ? TYPE_NONE : op_bare_type(right->type);

    *left = expr_resolve(r, *left, right_type);
    *right = expr_resolve(r, *right, left_type);
}

bool op_is_instant(uint32_t oid)
{
    return oid == OID_DATE || oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ;
}

/* Brings two typed sides to what can be compared; false: PostgreSQL has no such operator. */
bool op_comparable(struct rewriter *r, struct expr *left, struct expr *right)
{
    uint32_t a = left->type.oid;
    uint32_t b = right->type.oid;

    if (a == b || a == 0 || b == 0 || (type_is_number(a) && type_is_number(b)) ||
        (type_is_string(a) && type_is_string(b))) {
        return a != OID_JSON || b != OID_JSON;
    }
    if (op_is_instant(a) && op_is_instant(b)) {
        struct type wide = a == OID_TIMESTAMPTZ || b == OID_TIMESTAMPTZ ? TYPE_OF(OID_TIMESTAMPTZ)
                                                                        : TYPE_OF(OID_TIMESTAMP);

        *left = expr_cast(r, *left, wide, CAST_IMPLICIT, -1);
        *right = expr_cast(r, *right, wide, CAST_IMPLICIT, -1);
        return true;
    }
    return false;
}

struct expr op_exact(struct rewriter *r, struct expr e)
{
    return e.inexact && e.type.oid == OID_NUMERIC
               ? expr_make(r, e.type, PREC_PRIMARY, "pond_exact(%s)", e.text)
               : e;
}

struct expr op_key(struct rewriter *r, struct expr e)
{
    return e.type.oid == OID_INTERVAL
               ? expr_make(r, TYPE_OF(OID_INT8), PREC_PRIMARY, "pond_interval_key(%s)", e.text)
               : e;
}

struct expr expr_compare(struct rewriter *r, const char *op, struct expr left, struct expr right,
                         int32_t location)
{
    bool equality = op[0] == '=' || strcmp(op, "<>") == 0 || op[0] == 'I';

    op_settle(r, &left, &right);
    if (r->failed) {
        return expr_none();
    }
    if (!op_comparable(r, &left, &right)) {
        return op_missing(r, op[0] == 'I' ? "=" : op, left, right, location);
    }
    return op_infix(r, TYPE_OF(OID_BOOL), equality ? PREC_EQUAL : PREC_COMPARE, op,
                    op_key(r, op_exact(r, left)), op_key(r, op_exact(r, right)));
}

/* ---- rows: (a, b) = (1, 2), (a, b) IN ((1, 2), ...) ---- */

const PgQuery__RowExpr *op_row(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR ? node->row_expr : NULL;
}

/* Both rows as texts whose items fit each other, item by item. */
static bool row_pair(struct rewriter *r, const PgQuery__RowExpr *left,
                     const PgQuery__RowExpr *right, const char **ret_left, const char **ret_right)
{
    const char *a = "";
    const char *b = "";

    if (left->n_args != right->n_args) {
        rewrite_fail(r, right->location, "42601", "unequal number of entries in row expressions");
        return false;
    }
    for (size_t i = 0; i < left->n_args && !r->failed; i++) {
        struct expr x = expr_of(r, left->args[i]);
        struct expr y = expr_of(r, right->args[i]);

        op_settle(r, &x, &y);
        if (!r->failed && !op_comparable(r, &x, &y)) {
            (void)op_missing(r, "=", x, y, left->location);
        }
        a = rewrite_text(r, "%s%s%s", a, i > 0 ? ", " : "", x.text);
        b = rewrite_text(r, "%s%s%s", b, i > 0 ? ", " : "", y.text);
    }
    *ret_left = a;
    *ret_right = b;
    return !r->failed;
}

struct expr op_compare_rows(struct rewriter *r, const char *op, const PgQuery__RowExpr *left,
                            const PgQuery__RowExpr *right)
{
    const char *a;
    const char *b;

    if (!row_pair(r, left, right, &a, &b)) {
        return expr_none();
    }
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "(%s) %s (%s)", a, op, b);
}

static struct expr like_operator(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                                 struct expr left, struct expr right)
{
    (void)left;
    (void)right;
    return op_like(r, node, op);
}

static struct expr comparison(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                              struct expr left, struct expr right)
{
    return expr_compare(r, op, left, right, node->location);
}

/* ---- the table ---- */

static const struct {
    const char *op;
    op_print_fn *print;
} binary_rows[] = {
    { "=", comparison },      { "<>", comparison },     { "<", comparison },
    { ">", comparison },      { "<=", comparison },     { ">=", comparison },
    { "+", op_arithmetic },   { "-", op_arithmetic },   { "*", op_arithmetic },
    { "/", op_arithmetic },   { "%", op_arithmetic },   { "^", op_power },
    { "&", op_bits },         { "|", op_bits },         { "#", op_bits },
    { "<<", op_bits },        { ">>", op_bits },        { "||", op_concat },
    { "~", op_regex },        { "~*", op_regex },       { "!~", op_regex },
    { "!~*", op_regex },      { "->", op_json },        { "->>", op_json },
    { "#>", op_json },        { "#>>", op_json },       { "@>", op_json },
    { "<@", op_json },        { "?", op_json },         { "~~", like_operator },
    { "!~~", like_operator }, { "~~*", like_operator }, { "!~~*", like_operator },
};

static struct expr binary(struct rewriter *r, const PgQuery__AExpr *node, const char *op)
{
    struct expr left = expr_of(r, node->lexpr);
    struct expr right = expr_of(r, node->rexpr);
    struct expr e;

    if (r->failed) {
        return expr_none();
    }
    if (op[1] == '\0' && strchr("+-*/", op[0]) != NULL && op_dates(r, op[0], left, right, &e)) {
        return e;
    }
    for (size_t i = 0; i < ARRAY_LEN(binary_rows); i++) {
        if (strcmp(binary_rows[i].op, op) == 0) {
            return binary_rows[i].print(r, node, op, left, right);
        }
    }
    rewrite_unsupported(r, node->location, rewrite_text(r, "operator %s", op));
    return expr_none();
}

/* ---- all kinds ---- */

static struct expr nullif(struct rewriter *r, const PgQuery__AExpr *node)
{
    struct expr left = expr_of(r, node->lexpr);
    struct expr right = expr_of(r, node->rexpr);

    op_settle(r, &left, &right);
    if (!r->failed && !op_comparable(r, &left, &right)) {
        return op_missing(r, "=", left, right, node->location);
    }
    return expr_make(r, left.type, PREC_PRIMARY, "nullif(%s, %s)", left.text, right.text);
}

static struct expr plain_operator(struct rewriter *r, const PgQuery__AExpr *node)
{
    const char *op = node_string(node->name[node->n_name - 1]);
    const PgQuery__RowExpr *left = op_row(node->lexpr);
    const PgQuery__RowExpr *right = op_row(node->rexpr);

    if (left != NULL && right != NULL) {
        return op_compare_rows(r, op, left, right);
    }
    if (strncmp(op, "~~", 2) == 0 || strncmp(op, "!~~", 3) == 0) {
        return op_like(r, node, op);
    }
    return node->lexpr == NULL ? op_unary(r, node, op) : binary(r, node, op);
}

struct expr expr_operator(struct rewriter *r, const PgQuery__AExpr *node)
{
    switch (node->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        return plain_operator(r, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
        return op_any(r, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        return expr_compare(r, "IS NOT", expr_of(r, node->lexpr), expr_of(r, node->rexpr),
                            node->location);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        return expr_compare(r, "IS", expr_of(r, node->lexpr), expr_of(r, node->rexpr),
                            node->location);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        return nullif(r, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        return op_in(r, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
        return op_like(r, node, node_string(node->name[node->n_name - 1]));
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
        return op_between(r, node);
    default:
        rewrite_unsupported(r, node->location, "this operator");
        return expr_none();
    }
}
