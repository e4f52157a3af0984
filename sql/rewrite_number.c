/* sql/rewrite_number.c: operators of numbers: sums, products, bits and powers, and what stands
 * before one.
 */
#include "sql/rewrite_op.h"

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
        return op_infix(r, type, PREC_PRODUCT, op == '/' ? "/" : "%", left, right);
    }
    return expr_make(r, type, PREC_PRIMARY, "%s(%s, %s)",
                     op == '%'  ? "pond_mod"
                     : integers ? "pond_div"
                                : "pond_divide",
                     left.text, right.text);
}

struct expr op_arithmetic(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
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
    e = op_infix(r, type, op[0] == '*' ? PREC_PRODUCT : PREC_SUM, op, left, right);
    e.overflows = type_is_integer(type.oid) && type.oid != OID_OID;
    e.inexact = type.oid == OID_NUMERIC;
    return e;
}

struct expr op_bits(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
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
    return op_infix(r, type, PREC_BITS, op, left, right);
}

struct expr op_power(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
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

struct expr op_unary(struct rewriter *r, const PgQuery__AExpr *node, const char *op)
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
