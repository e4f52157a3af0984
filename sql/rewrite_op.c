/* sql/rewrite_op.c: operators. Comparisons bring both sides to one type; dates and intervals are
 * calls; the rest is a table of operator, type classes, result and SQLite text. */
#include "sql/rewrite_op.h"

#include "sql/grammar.h"
#include "sql/literal.h"

#include <stdio.h>

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

static struct expr infix(struct rewriter *r, struct type type, enum expr_prec prec, const char *op,
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
    return infix(r, TYPE_OF(OID_BOOL), equality ? PREC_EQUAL : PREC_COMPARE, op,
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

/* ---- numbers ---- */

static uint32_t wider_number(uint32_t a, uint32_t b)
{
    static const uint32_t order[] = { OID_INT2,    OID_INT4,   OID_OID,   OID_INT8,
                                      OID_NUMERIC, OID_FLOAT4, OID_FLOAT8 };
    uint32_t widest = OID_INT2;

    if (a == OID_FLOAT4 && b == OID_FLOAT4) {
        return OID_FLOAT4;
    }
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (a == order[i] || b == order[i]) {
            widest = order[i];
        }
    }
    return widest == OID_FLOAT4 ? OID_FLOAT8 : widest;
}

static bool is_nonzero_literal(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
           node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL && node->a_const->ival->ival > 0;
}

/* What a sum, difference, product or remainder shows behind its point. */
static struct type arithmetic_type(char op, struct type left, struct type right)
{
    uint32_t oid = wider_number(left.oid, right.oid);
    int a = type_scale(left);
    int b = type_scale(right);

    if (oid != OID_NUMERIC || op == '/' || a < 0 || b < 0) {
        return TYPE_OF(oid);
    }
    return type_numeric(op == '*' ? a + b : a > b ? a : b);
}

static struct expr divide(struct rewriter *r, char op, struct type type, struct expr left,
                          struct expr right, bool nonzero)
{
    bool integers = type_is_integer(type.oid);

    if (nonzero && integers) {
        return infix(r, type, PREC_PRODUCT, op == '/' ? "/" : "%", left, right);
    }
    return expr_make(r, type, PREC_PRIMARY, "%s(%s, %s)",
                     op == '%'  ? "pond_mod"
                     : integers ? "pond_div"
                                : "pond_divide",
                     left.text, right.text);
}

static struct expr arithmetic(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                              struct expr left, struct expr right)
{
    struct type type;
    struct expr e;

    if (left.untyped != NULL && right.untyped != NULL) {
        rewrite_fail(r, node->location, "42725", "operator is not unique: unknown %s unknown", op);
        if (r->failure != NULL) {
            failure_add(r->failure, FIELD_HINT,
                        "Could not choose a best candidate operator. You might need to add "
                        "explicit type casts.");
        }
    }
    op_settle(r, &left, &right);
    if (r->failed) {
        return expr_none();
    }
    if (left.type.oid == 0 || right.type.oid == 0) {
        type = TYPE_OF(left.type.oid == 0 ? right.type.oid
                                          : left.type.oid); /* a view's column: trust the other */
    } else if (!type_is_number(left.type.oid) || !type_is_number(right.type.oid)) {
        return op_missing(r, op, left, right, node->location);
    } else {
        type = arithmetic_type(op[0], left.type, right.type);
    }
    if (op[0] == '/' || op[0] == '%') {
        return divide(r, op[0], type, left, right, is_nonzero_literal(node->rexpr));
    }
    e = infix(r, type, op[0] == '*' ? PREC_PRODUCT : PREC_SUM, op, left, right);
    e.overflows = type_is_integer(type.oid) && type.oid != OID_OID;
    e.inexact = type.oid == OID_NUMERIC;
    return e;
}

static struct expr bits(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                        struct expr left, struct expr right)
{
    struct type type;

    op_settle(r, &left, &right);
    if (r->failed) {
        return expr_none();
    }
    if (!type_is_integer(left.type.oid) || !type_is_integer(right.type.oid)) {
        return op_missing(r, op, left, right, node->location);
    }
    type = TYPE_OF(op[1] != '\0' ? left.type.oid : wider_number(left.type.oid, right.type.oid));
    if (op[0] == '#') {
        return expr_make(r, type, PREC_PRIMARY, "pond_xor(%s, %s)", left.text, right.text);
    }
    return infix(r, type, PREC_BITS, op, left, right);
}

static struct expr power(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                         struct expr left, struct expr right)
{
    bool is_numeric;

    op_settle(r, &left, &right);
    if (r->failed) {
        return expr_none();
    }
    if (!type_is_number(left.type.oid) || !type_is_number(right.type.oid)) {
        return op_missing(r, op, left, right, node->location);
    }
    is_numeric = wider_number(left.type.oid, right.type.oid) == OID_NUMERIC;
    return expr_make(r, TYPE_OF(is_numeric ? OID_NUMERIC : OID_FLOAT8), PREC_PRIMARY,
                     "pond_power(%s, %s)", left.text, right.text);
}

/* ---- strings, patterns, JSON ---- */

static struct expr concat(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                          struct expr left, struct expr right)
{
    if (left.type.oid == OID_BYTEA && (right.type.oid == OID_BYTEA || right.untyped != NULL)) {
        right = expr_resolve(r, right, TYPE_OF(OID_BYTEA));
        return expr_make(r, TYPE_OF(OID_BYTEA), PREC_PRIMARY, "CAST(%s || %s AS BLOB)",
                         expr_in(r, &left, PREC_CONCAT), expr_in(r, &right, PREC_COLLATE));
    }
    if (type_element(left.type.oid) != 0 || type_element(right.type.oid) != 0 ||
        left.type.oid == OID_JSONB) {
        rewrite_unsupported(r, node->location, "|| of arrays and jsonb");
        return expr_none();
    }
    left = expr_resolve(r, left, TYPE_OF(OID_TEXT));
    right = expr_resolve(r, right, TYPE_OF(OID_TEXT));
    if (!r->failed && left.type.oid != 0 && right.type.oid != 0 && !type_is_string(left.type.oid) &&
        !type_is_string(right.type.oid)) {
        return op_missing(r, op, left, right, node->location);
    }
    left = expr_cast(r, left, TYPE_OF(OID_TEXT), CAST_EXPLICIT, -1);
    right = expr_cast(r, right, TYPE_OF(OID_TEXT), CAST_EXPLICIT, -1);
    return infix(r, TYPE_OF(OID_TEXT), PREC_CONCAT, "||", left, right);
}

static bool both_text(struct rewriter *r, struct expr *left, struct expr *right)
{
    *left = expr_resolve(r, *left, TYPE_OF(OID_TEXT));
    *right = expr_resolve(r, *right, TYPE_OF(OID_TEXT));
    return !r->failed && (type_is_string(left->type.oid) || left->type.oid == 0) &&
           (type_is_string(right->type.oid) || right->type.oid == 0);
}

static struct expr regex(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                         struct expr left, struct expr right)
{
    bool negated = op[0] == '!';

    if (!both_text(r, &left, &right)) {
        return r->failed ? expr_none() : op_missing(r, op, left, right, node->location);
    }
    return expr_make(r, TYPE_OF(OID_BOOL), negated ? PREC_NOT : PREC_PRIMARY,
                     "%spond_regex_match(%s, %s, %d)", negated ? "NOT " : "", left.text, right.text,
                     op[strlen(op) - 1] == '*');
}

static const char *const json_names[][3] = {
    { "->", "pond_json_get", "json" },      { "->>", "pond_json_get_text", "text" },
    { "#>", "pond_json_path", "json" },     { "#>>", "pond_json_path_text", "text" },
    { "@>", "pond_json_contains", "bool" }, { "<@", "pond_json_contains", "bool" },
    { "?", "pond_json_exists", "bool" },
};

static struct expr json(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                        struct expr left, struct expr right)
{
    bool containment = strcmp(op, "@>") == 0 || strcmp(op, "<@") == 0;

    if (left.untyped != NULL) {
        left = expr_resolve(r, left, containment ? TYPE_OF(OID_JSONB) : TYPE_NONE);
    }
    if (left.type.oid != OID_JSON && left.type.oid != OID_JSONB && left.type.oid != 0) {
        right = expr_resolve(r, right, TYPE_OF(left.type.oid));
        return op_missing(r, op, left, right, node->location);
    }
    right = expr_resolve(r, right, TYPE_OF(containment ? OID_JSONB : OID_TEXT));
    for (size_t i = 0; i < ARRAY_LEN(json_names) && !r->failed; i++) {
        if (strcmp(json_names[i][0], op) == 0) {
            char kind = json_names[i][2][0];
            struct type type =
                kind == 'j' ? TYPE_OF(left.type.oid) : TYPE_OF(kind == 't' ? OID_TEXT : OID_BOOL);
            bool turned = op[0] == '<';

            return expr_make(r, type, PREC_PRIMARY, "%s(%s, %s)", json_names[i][1],
                             turned ? right.text : left.text, turned ? left.text : right.text);
        }
    }
    return expr_none();
}

static const char *like_escape(struct rewriter *r, const PgQuery__Node **pattern)
{
    const PgQuery__FuncCall *call;

    if ((*pattern)->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
        return "'\\'";
    }
    call = (*pattern)->func_call;
    if (strcmp(node_string(call->funcname[call->n_funcname - 1]), "like_escape") != 0 &&
        strcmp(node_string(call->funcname[call->n_funcname - 1]), "similar_to_escape") != 0) {
        return "'\\'";
    }
    *pattern = call->args[0];
    return call->n_args > 1 ? expr_typed(r, call->args[1], TYPE_OF(OID_TEXT)).text : "'\\'";
}

static struct expr like(struct rewriter *r, const PgQuery__AExpr *node, const char *op)
{
    const PgQuery__Node *pattern = node->rexpr;
    const char *escape = like_escape(r, &pattern);
    struct expr left = expr_of(r, node->lexpr);
    struct expr right = expr_of(r, pattern);
    const char *not_ = op[0] == '!' ? "NOT " : "";

    if (!both_text(r, &left, &right)) {
        return r->failed ? expr_none() : op_missing(r, op, left, right, node->location);
    }
    if (node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR) {
        return expr_make(r, TYPE_OF(OID_BOOL), PREC_NOT, "%spond_similar(%s, %s, %s)", not_,
                         left.text, right.text, escape);
    }
    if (op[strlen(op) - 1] == '*') {
        return expr_make(r, TYPE_OF(OID_BOOL), PREC_NOT, "%spond_ilike(%s, %s, %s)", not_,
                         left.text, right.text, escape);
    }
    if (escape[0] == '\'' && escape[1] == '\'') {
        return infix(r, TYPE_OF(OID_BOOL), PREC_EQUAL, op[0] == '!' ? "NOT LIKE" : "LIKE", left,
                     right);
    }
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "%s %sLIKE %s ESCAPE %s",
                     expr_in(r, &left, PREC_COMPARE), not_, expr_in(r, &right, PREC_COMPARE),
                     escape);
}

static struct expr like_operator(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                                 struct expr left, struct expr right)
{
    (void)left;
    (void)right;
    return like(r, node, op);
}

static struct expr comparison(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                              struct expr left, struct expr right)
{
    return expr_compare(r, op, left, right, node->location);
}

/* ---- the table ---- */

static const struct {
    const char *op;
    struct expr (*print)(struct rewriter *, const PgQuery__AExpr *, const char *, struct expr,
                         struct expr);
} binary_rows[] = {
    { "=", comparison },
    { "<>", comparison },
    { "<", comparison },
    { ">", comparison },
    { "<=", comparison },
    { ">=", comparison },
    { "+", arithmetic },
    { "-", arithmetic },
    { "*", arithmetic },
    { "/", arithmetic },
    { "%", arithmetic },
    { "^", power },
    { "&", bits },
    { "|", bits },
    { "#", bits },
    { "<<", bits },
    { ">>", bits },
    { "||", concat },
    { "~", regex },
    { "~*", regex },
    { "!~", regex },
    { "!~*", regex },
    { "->", json },
    { "->>", json },
    { "#>", json },
    { "#>>", json },
    { "@>", json },
    { "<@", json },
    { "?", json },
    { "~~", like_operator },
    { "!~~", like_operator },
    { "~~*", like_operator },
    { "!~~*", like_operator },
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

static struct expr unary(struct rewriter *r, const PgQuery__AExpr *node, const char *op)
{
    struct expr e = expr_typed(r, node->rexpr, TYPE_OF(OID_FLOAT8));

    if (r->failed) {
        return e;
    }
    if (op[0] == '-' && e.type.oid == OID_INTERVAL) {
        return expr_make(r, e.type, PREC_PRIMARY, "pond_interval_neg(%s)", e.text);
    }
    if (!type_is_number(e.type.oid) && e.type.oid != 0) {
        rewrite_fail(r, node->location, "42883", "operator does not exist: %s %s", op,
                     type_text(r, e.type));
    }
    if (strcmp(op, "-") == 0) {
        bool widest = e.text[0] == '2' && strcmp(e.text, "2147483648") == 0;

        return expr_make(r, widest ? TYPE_OF(OID_INT8) : type_plain(e.type), PREC_UNARY, "-%s",
                         e.text[0] == '-' ? rewrite_text(r, "(%s)", e.text)
                                          : expr_in(r, &e, PREC_UNARY));
    }
    if (strcmp(op, "+") == 0) {
        return e;
    }
    if (strcmp(op, "~") == 0) {
        return expr_make(r, e.type, PREC_UNARY, "~%s", expr_in(r, &e, PREC_UNARY));
    }
    if (strcmp(op, "|/") == 0) {
        return expr_make(r, TYPE_OF(OID_FLOAT8), PREC_PRIMARY, "pond_sqrt(%s)", e.text);
    }
    if (strcmp(op, "@") == 0) {
        return expr_make(r, type_plain(e.type), PREC_PRIMARY, "abs(%s)", e.text);
    }
    rewrite_unsupported(r, node->location, rewrite_text(r, "operator %s", op));
    return e;
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
        return like(r, node, op);
    }
    return node->lexpr == NULL ? unary(r, node, op) : binary(r, node, op);
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
        return like(r, node, node_string(node->name[node->n_name - 1]));
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
