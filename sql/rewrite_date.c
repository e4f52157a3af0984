/* sql/rewrite_date.c: + - * / of dates, times and intervals: a table of operand types and the calls
 * that they become. */
#include "sql/rewrite_op.h"

/* ---- date and time arithmetic ---- */

enum operand_class {
    ANY_TIMESTAMP = 1,
    ANY_INTEGER = 2,
    ANY_NUMBER = 3
}; /* no type has these oids */

static const struct {
    char op;
    uint32_t left;
    uint32_t right;
    uint32_t result;  /* 0: the left one's */
    const char *text; /* %1, %2: the operands */
} date_rows[] = {
    { '+', OID_DATE, ANY_INTEGER, OID_DATE, "pond_date_add(%1, %2)" },
    { '+', ANY_INTEGER, OID_DATE, OID_DATE, "pond_date_add(%2, %1)" },
    { '-', OID_DATE, ANY_INTEGER, OID_DATE, "pond_date_add(%1, -(%2))" },
    { '-', OID_DATE, OID_DATE, OID_INT4, "pond_date_diff(%1, %2)" },
    { '+', OID_DATE, OID_INTERVAL, OID_TIMESTAMP, "pond_timestamp_add(%1, %2)" },
    { '-', OID_DATE, OID_INTERVAL, OID_TIMESTAMP, "pond_timestamp_sub(%1, %2)" },
    { '+', OID_DATE, OID_TIME, OID_TIMESTAMP, "(%1 || ' ' || %2)" },
    { '+', OID_TIME, OID_DATE, OID_TIMESTAMP, "(%2 || ' ' || %1)" },
    { '+', ANY_TIMESTAMP, OID_INTERVAL, 0, "pond_timestamp_add(%1, %2)" },
    { '-', ANY_TIMESTAMP, OID_INTERVAL, 0, "pond_timestamp_sub(%1, %2)" },
    { '-', ANY_TIMESTAMP, ANY_TIMESTAMP, OID_INTERVAL, "pond_timestamp_diff(%1, %2)" },
    { '+', OID_TIME, OID_INTERVAL, OID_TIME, "pond_time_add(%1, %2)" },
    { '-', OID_TIME, OID_INTERVAL, OID_TIME, "pond_time_sub(%1, %2)" },
    { '-', OID_TIME, OID_TIME, OID_INTERVAL, "pond_time_diff(%1, %2)" },
    { '+', OID_INTERVAL, OID_INTERVAL, OID_INTERVAL, "pond_interval_add(%1, %2)" },
    { '-', OID_INTERVAL, OID_INTERVAL, OID_INTERVAL, "pond_interval_sub(%1, %2)" },
    { '+', OID_INTERVAL, OID_DATE, OID_TIMESTAMP, "pond_timestamp_add(%2, %1)" },
    { '+', OID_INTERVAL, OID_TIMESTAMP, OID_TIMESTAMP, "pond_timestamp_add(%2, %1)" },
    { '+', OID_INTERVAL, OID_TIMESTAMPTZ, OID_TIMESTAMPTZ, "pond_timestamp_add(%2, %1)" },
    { '*', OID_INTERVAL, ANY_NUMBER, OID_INTERVAL, "pond_interval_mul(%1, %2)" },
    { '*', ANY_NUMBER, OID_INTERVAL, OID_INTERVAL, "pond_interval_mul(%2, %1)" },
    { '/', OID_INTERVAL, ANY_NUMBER, OID_INTERVAL, "pond_interval_div(%1, %2)" },
};

static bool in_class(uint32_t oid, uint32_t wanted)
{
    switch (wanted) {
    case ANY_TIMESTAMP:
        return oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ;
    case ANY_INTEGER:
        return type_is_integer(oid);
    case ANY_NUMBER:
        return type_is_number(oid);
    default:
        return oid == wanted;
    }
}

/* An untyped operand beside a date or time: what PostgreSQL makes of it. */
static struct type untyped_beside(char op, uint32_t known)
{
    if (op == '-') {
        return TYPE_OF(known);
    }
    if (op == '*' || op == '/') {
        return TYPE_OF(known == OID_INTERVAL ? OID_FLOAT8 : known);
    }
    return TYPE_OF(known == OID_DATE ? OID_INT4 : OID_INTERVAL);
}

/* A date beside a timestamp becomes one; a timestamp beside a timestamptz too. */
static void widen_instants(struct rewriter *r, struct expr *left, struct expr *right)
{
    if (op_is_instant(left->type.oid) && op_is_instant(right->type.oid) &&
        left->type.oid != right->type.oid) {
        (void)op_comparable(r, left, right);
    }
}

bool op_dates(struct rewriter *r, char op, struct expr left, struct expr right,
              struct expr *ret_expr)
{
    if (!type_is_date(left.type.oid) && !type_is_date(right.type.oid)) {
        return false;
    }
    if (left.untyped != NULL) {
        left = expr_resolve(r, left, untyped_beside(op, right.type.oid));
    }
    if (right.untyped != NULL) {
        right = expr_resolve(r, right, untyped_beside(op, left.type.oid));
    }
    if (op == '-') {
        widen_instants(r, &left, &right);
    }
    for (size_t i = 0; i < ARRAY_LEN(date_rows); i++) {
        if (date_rows[i].op == op && in_class(left.type.oid, date_rows[i].left) &&
            in_class(right.type.oid, date_rows[i].right)) {
            uint32_t result = date_rows[i].result != 0 ? date_rows[i].result : left.type.oid;

            *ret_expr = (struct expr){ .type = TYPE_OF(result), .prec = PREC_PRIMARY };
            ret_expr->text = rewrite_fill(r, date_rows[i].text, left.text, right.text);
            return true;
        }
    }
    return false;
}
