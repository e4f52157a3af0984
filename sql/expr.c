/* sql/expr.c: a row per kind of expression node; constants and parameters. What is not in the table
 * is refused with 0A000. */
#include "sql/expr_impl.h"

#include "sql/grammar.h"
#include "sql/literal.h"
#include "sql/session_state.h"

#include <stdarg.h>
#include <stdio.h>

enum { expr_depth_max = 1200, params_max = 65535 };

struct expr expr_none(void)
{
    return (struct expr){ .type = TYPE_NONE, .text = "NULL", .prec = PREC_PRIMARY };
}

struct expr expr_make(struct rewriter *r, struct type type, enum expr_prec prec, const char *format,
                      ...)
{
    struct expr e = { .type = type, .prec = prec };
    va_list args;

    va_start(args, format);
    e.text = rewrite_vtext(r, format, args);
    va_end(args);
    return e;
}

const char *expr_in(struct rewriter *r, const struct expr *e, enum expr_prec prec)
{
    return e->prec < prec ? rewrite_text(r, "(%s)", e->text) : e->text;
}

int32_t node_location(const PgQuery__Node *node)
{
    if (node == NULL) {
        return -1;
    }
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
        return node->a_const->location;
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return node->column_ref->location;
    case PG_QUERY__NODE__NODE_PARAM_REF:
        return node->param_ref->location;
    case PG_QUERY__NODE__NODE_A_EXPR: { /* PostgreSQL points at the leftmost part for types, at the
                                           operator else */
        int32_t left = node_location(node->a_expr->lexpr);

        return left >= 0 && left < node->a_expr->location ? left : node->a_expr->location;
    }
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return node->func_call->location;
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
        int32_t arg = node_location(node->type_cast->arg);

        return arg >= 0 && arg < node->type_cast->location ? arg : node->type_cast->location;
    }
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return node->bool_expr->location;
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return node->sub_link->location;
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return node->case_expr->location;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return node->coalesce_expr->location;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return node->min_max_expr->location;
    case PG_QUERY__NODE__NODE_NULL_TEST:
        return node_location(node->null_test->arg);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return node->sqlvalue_function->location;
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        return node->row_expr->location;
    default:
        return -1;
    }
}

/* ---- constants and parameters ---- */

static struct expr constant(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__AConst *c = node->a_const;
    struct expr e = expr_none();

    if (c->isnull) {
        e.type = TYPE_OF(OID_UNKNOWN);
        e.untyped = node;
        return e;
    }
    switch (c->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        return expr_make(r, TYPE_OF(OID_INT4), PREC_PRIMARY, "%d", c->ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL:
        return literal_number(r, c->fval->fval);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        return expr_make(r, TYPE_OF(OID_BOOL), PREC_PRIMARY, "%s",
                         c->boolval->boolval ? "TRUE" : "FALSE");
    case PG_QUERY__A__CONST__VAL_SVAL:
        e.type = TYPE_OF(OID_UNKNOWN);
        e.untyped = node;
        e.text = "";
        return e;
    default:
        rewrite_unsupported(r, c->location, "a bit string");
        return e;
    }
}

/* Makes room for $number. */
static bool grow_params(struct rewriter *r, size_t number)
{
    size_t room = r->param_room == 0 ? 8 : r->param_room;
    struct type *params;

    while (room < number) {
        room *= 2;
    }
    if (room > r->param_room) {
        params = mem_realloc(r->params, room * sizeof(*params));
        if (params == NULL) {
            rewrite_fail_nomem(r);
            return false;
        }
        r->params = params;
        r->param_room = room;
    }
    while (r->param_count < number) {
        r->params[r->param_count++] = TYPE_OF(OID_UNKNOWN);
    }
    return true;
}

void rewrite_set_params(struct rewriter *r, const uint32_t *oids, size_t count)
{
    if (count == 0 || !grow_params(r, count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        r->params[i] = oids[i] == 0 ? TYPE_OF(OID_UNKNOWN) : type_of_code(oids[i]);
    }
}

static struct expr parameter(struct rewriter *r, const PgQuery__Node *node)
{
    int32_t number = node->param_ref->number;
    struct expr e = expr_none();

    if (number < 1 || number > params_max) {
        rewrite_fail(r, node->param_ref->location, "42P02", "there is no parameter $%d", number);
        return e;
    }
    if (r->no_params) {
        rewrite_fail(r, node->param_ref->location, "42P02", "there is no parameter $%d", number);
        return e;
    }
    if ((size_t)number > r->param_count && !grow_params(r, (size_t)number)) {
        return e;
    }
    e = expr_make(r, r->params[number - 1], PREC_PRIMARY, "?%d", number);
    if (e.type.oid == OID_UNKNOWN) {
        e.untyped = node;
    }
    return e;
}

/* A modifier in `want` is a column's that the value is compared with: only bpchar's padding
 * matters. */
struct expr expr_resolve(struct rewriter *r, struct expr e, struct type want)
{
    const PgQuery__Node *node = e.untyped;

    if (node == NULL || r->failed) {
        return e;
    }
    if (want.oid == 0 || want.oid == OID_UNKNOWN) {
        want = TYPE_OF(OID_TEXT);
    }
    e.untyped = NULL;
    e.type = want;
    if (node->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
        r->params[node->param_ref->number - 1] = TYPE_OF(want.oid);
        return want.oid == OID_BPCHAR && want.typmod >= 4
                   ? expr_make(r, want, PREC_PRIMARY, "pond_pad(%s, %d)", e.text, want.typmod - 4)
                   : e;
    }
    if (node->a_const->isnull) {
        return e;
    }
    if (want.oid == OID_BPCHAR && strlen(node->a_const->sval->sval) > (size_t)(want.typmod - 4)) {
        want.typmod = -1; /* compared with a shorter column: no padding, and no error either */
    }
    e.text = literal_text(r, node->a_const->sval->sval, want, node->a_const->location);
    if (e.text[0] == '-') {
        e.prec = PREC_UNARY;
    }
    return e;
}

struct expr expr_typed(struct rewriter *r, const PgQuery__Node *node, struct type want)
{
    return expr_resolve(r, expr_of(r, node), want);
}

static struct expr row_expr(struct rewriter *r, const PgQuery__Node *node)
{
    rewrite_unsupported(r, node->row_expr->location, "a row as a value");
    return expr_none();
}

/* ---- other nodes ---- */

static struct expr column_ref(struct rewriter *r, const PgQuery__Node *node)
{
    return scope_column(r, node->column_ref);
}

static struct expr a_expr(struct rewriter *r, const PgQuery__Node *node)
{
    return expr_operator(r, node->a_expr);
}

static struct expr func_call(struct rewriter *r, const PgQuery__Node *node)
{
    return expr_call(r, node->func_call);
}

static struct expr value_function(struct rewriter *r, const PgQuery__Node *node)
{
    return expr_value_function(r, node->sqlvalue_function);
}

static struct expr sublink(struct rewriter *r, const PgQuery__Node *node)
{
    return expr_sublink(r, node->sub_link);
}

static struct expr type_cast(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__TypeCast *c = node->type_cast;
    struct type type = TYPE_NONE;
    struct failure failure = { 0 };

    if (type_of_name(c->type_name, &type, &failure) != 0) {
        rewrite_fail(r, c->type_name->location, failure.sqlstate, "%s",
                     failure_get(&failure, FIELD_MESSAGE));
        return expr_none();
    }
    return expr_cast(r, expr_of(r, c->arg), type, CAST_EXPLICIT, c->location);
}

static struct expr collate(struct rewriter *r, const PgQuery__Node *node)
{
    static const char *const plain[] = { "C", "POSIX", "default", "ucs_basic" };
    const PgQuery__CollateClause *c = node->collate_clause;
    const char *name = node_string(c->collname[c->n_collname - 1]);

    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (strcmp(plain[i], name) == 0) {
            return expr_typed(r, c->arg, TYPE_OF(OID_TEXT));
        }
    }
    rewrite_fail(r, c->location, "42704", "collation \"%s\" for encoding \"UTF8\" does not exist",
                 name);
    return expr_none();
}

static struct expr to_default(struct rewriter *r, const PgQuery__Node *node)
{
    rewrite_fail(r, node->set_to_default->location, "42601",
                 "DEFAULT is not allowed in this context");
    return expr_none();
}

static struct expr array_expr(struct rewriter *r, const PgQuery__Node *node)
{
    rewrite_unsupported(r, node->a_array_expr->location, "ARRAY[] as a value");
    return expr_none();
}

/* SQLite text that rewrite_dml.c put into the tree: a column's default. The grammar has no such
 * expression. */
static struct expr sqlite_text(struct rewriter *r, const PgQuery__Node *node)
{
    return expr_make(r, TYPE_NONE, PREC_PRIMARY, "%s", node->string->sval);
}

static const struct {
    PgQuery__Node__NodeCase node;
    expr_print_fn *print;
} expr_rows[] = {
    { PG_QUERY__NODE__NODE_A_CONST, constant },
    { PG_QUERY__NODE__NODE_COLUMN_REF, column_ref },
    { PG_QUERY__NODE__NODE_PARAM_REF, parameter },
    { PG_QUERY__NODE__NODE_A_EXPR, a_expr },
    { PG_QUERY__NODE__NODE_BOOL_EXPR, expr_bool },
    { PG_QUERY__NODE__NODE_FUNC_CALL, func_call },
    { PG_QUERY__NODE__NODE_TYPE_CAST, type_cast },
    { PG_QUERY__NODE__NODE_NULL_TEST, expr_null_test },
    { PG_QUERY__NODE__NODE_BOOLEAN_TEST, expr_boolean_test },
    { PG_QUERY__NODE__NODE_CASE_EXPR, expr_case },
    { PG_QUERY__NODE__NODE_COALESCE_EXPR, expr_coalesce },
    { PG_QUERY__NODE__NODE_MIN_MAX_EXPR, expr_min_max },
    { PG_QUERY__NODE__NODE_SUB_LINK, sublink },
    { PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION, value_function },
    { PG_QUERY__NODE__NODE_COLLATE_CLAUSE, collate },
    { PG_QUERY__NODE__NODE_ROW_EXPR, row_expr },
    { PG_QUERY__NODE__NODE_A_ARRAY_EXPR, array_expr },
    { PG_QUERY__NODE__NODE_SET_TO_DEFAULT, to_default },
    { PG_QUERY__NODE__NODE_STRING, sqlite_text },
};

struct expr expr_of(struct rewriter *r, const PgQuery__Node *node)
{
    struct expr e = expr_none();

    if (r->failed || node == NULL) {
        return e;
    }
    if (r->depth >= expr_depth_max) {
        rewrite_fail(r, -1, "54001", "stack depth limit exceeded");
        return e;
    }
    for (size_t i = 0; i < ARRAY_LEN(expr_rows); i++) {
        if (expr_rows[i].node == node->node_case) {
            const struct ungrouped *before = r->scope != NULL ? r->scope->ungrouped : NULL;

            r->depth++;
            e = expr_rows[i].print(r, node);
            r->depth--;
            group_settle(r, &e, before);
            return e;
        }
    }
    rewrite_unsupported(r, node_location(node), "this kind of expression");
    return e;
}
