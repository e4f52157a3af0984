/* sql/expr.c: a row per kind of expression node. What is not in the table is refused with 0A000. */
#include "sql/expr.h"

#include "sql/grammar.h"
#include "sql/literal.h"
#include "sql/session_state.h"

#include <stdarg.h>
#include <stdio.h>

enum { expr_depth_max = 1200, params_max = 65535, balanced_from = 4, bool_terms_max = 10000 };

static struct expr no_expr(void)
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
    struct expr e = no_expr();

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
    struct expr e = no_expr();

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

/* ---- conditions ---- */

struct expr expr_condition(struct rewriter *r, const PgQuery__Node *node, const char *clause)
{
    struct expr e = expr_typed(r, node, TYPE_OF(OID_BOOL));

    if (e.type.oid != OID_BOOL && e.type.oid != 0) {
        rewrite_fail(r, node_location(node), "42804",
                     "argument of %s must be type boolean, not type %s", clause,
                     type_text(r, e.type));
    }
    return e;
}

static void print_balanced(struct rewriter *r, const char *const *parts, size_t count,
                           const char *op)
{
    size_t half = count / 2;

    if (count > balanced_from) {
        rewrite_str(r, "(");
        print_balanced(r, parts, half, op);
        rewrite_printf(r, ") %s (", op);
        print_balanced(r, parts + half, count - half, op);
        rewrite_str(r, ")");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        rewrite_str(r, i > 0 ? " " : "");
        rewrite_str(r, i > 0 ? op : "");
        rewrite_str(r, i > 0 ? " " : "");
        rewrite_str(r, parts[i]);
    }
}

const char *expr_balanced(struct rewriter *r, const char *const *parts, size_t count,
                          const char *op)
{
    struct buf saved = capture_begin(r);

    print_balanced(r, parts, count, op);
    return capture_end(r, &saved);
}

/* SQLite plans as long as it takes, and while it does so nobody else has a turn. */
bool expr_count_terms(struct rewriter *r, size_t count, int32_t location)
{
    r->bool_terms += count;
    if (r->bool_terms <= bool_terms_max || r->failed) {
        return !r->failed;
    }
    rewrite_fail(r, location, "54001", "statement has more than %d terms of AND and OR",
                 bool_terms_max);
    if (r->failure != NULL) {
        failure_add(r->failure, FIELD_HINT,
                    "Ask for the values with IN (...) or = ANY (...), or join with VALUES or with "
                    "a table of them.");
    }
    return false;
}

static struct expr bool_expr(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__BoolExpr *b = node->bool_expr;
    bool is_and = b->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
    enum expr_prec prec = is_and ? PREC_AND : PREC_OR;
    const char **parts;

    if (b->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) {
        struct expr e = expr_condition(r, b->args[0], "NOT");

        return expr_make(r, TYPE_OF(OID_BOOL), PREC_NOT, "NOT %s", expr_in(r, &e, PREC_EQUAL));
    }
    if (!expr_count_terms(r, b->n_args, b->location)) {
        return no_expr();
    }
    parts = arena_alloc(r->arena, b->n_args * sizeof(*parts));
    if (parts == NULL) {
        rewrite_fail_nomem(r);
        return no_expr();
    }
    for (size_t i = 0; i < b->n_args; i++) {
        struct expr e = expr_condition(r, b->args[i], is_and ? "AND" : "OR");

        parts[i] = expr_in(r, &e, (enum expr_prec)(prec + 1));
    }
    return (struct expr){ .type = TYPE_OF(OID_BOOL),
                          .prec = prec,
                          .text = expr_balanced(r, parts, b->n_args, is_and ? "AND" : "OR") };
}

static struct expr null_test(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__NullTest *test = node->null_test;
    struct expr e = expr_typed(r, test->arg, TYPE_NONE);
    bool is_null = test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;

    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "%s IS %sNULL", expr_in(r, &e, PREC_EQUAL),
                     is_null ? "" : "NOT ");
}

static struct expr boolean_test(struct rewriter *r, const PgQuery__Node *node)
{
    static const char *const tests[] = {
        [PG_QUERY__BOOL_TEST_TYPE__IS_TRUE] = "IS TRUE",
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE] = "IS NOT TRUE",
        [PG_QUERY__BOOL_TEST_TYPE__IS_FALSE] = "IS FALSE",
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE] = "IS NOT FALSE",
        [PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN] = "IS NULL",
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN] = "IS NOT NULL",
    };
    size_t kind = (size_t)node->boolean_test->booltesttype;
    const char *test = kind < ARRAY_LEN(tests) && tests[kind] != NULL ? tests[kind] : "IS TRUE";
    struct expr e = expr_condition(r, node->boolean_test->arg, test);

    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "%s %s", expr_in(r, &e, PREC_EQUAL), test);
}

/* ---- CASE, COALESCE, GREATEST, LEAST, ROW ---- */

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

static struct expr coalesce(struct rewriter *r, const PgQuery__Node *node)
{
    struct type type = TYPE_NONE;
    size_t count = node->coalesce_expr->n_args;
    struct expr *items = common_items(r, node->coalesce_expr->args, count, "COALESCE", &type);

    if (items == NULL) {
        return no_expr();
    }
    return count == 1
               ? items[0]
               : expr_make(r, type, PREC_PRIMARY, "%s", call_text(r, "coalesce", items, count));
}

/* PostgreSQL's GREATEST passes over NULLs, SQLite's max() does not. */
static struct expr min_max(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__MinMaxExpr *m = node->min_max_expr;
    bool greatest = m->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
    struct type type = TYPE_NONE;
    struct expr *items =
        common_items(r, m->args, m->n_args, greatest ? "GREATEST" : "LEAST", &type);

    if (items == NULL) {
        return no_expr();
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

static struct expr case_expr(struct rewriter *r, const PgQuery__Node *node)
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
        return no_expr();
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
        return no_expr();
    }
    return expr_make(r, type, PREC_PRIMARY, "%.*s%s%s END", (int)text.len, (const char *)text.data,
                     has_else ? " ELSE " : "", has_else ? items[0].text : "");
}

static struct expr row_expr(struct rewriter *r, const PgQuery__Node *node)
{
    rewrite_unsupported(r, node->row_expr->location, "a row as a value");
    return no_expr();
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
        return no_expr();
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
    return no_expr();
}

static struct expr to_default(struct rewriter *r, const PgQuery__Node *node)
{
    rewrite_fail(r, node->set_to_default->location, "42601",
                 "DEFAULT is not allowed in this context");
    return no_expr();
}

static struct expr array_expr(struct rewriter *r, const PgQuery__Node *node)
{
    rewrite_unsupported(r, node->a_array_expr->location, "ARRAY[] as a value");
    return no_expr();
}

/* SQLite text that rewrite_dml.c put into the tree: a column's default. The grammar has no such
 * expression. */
static struct expr sqlite_text(struct rewriter *r, const PgQuery__Node *node)
{
    return expr_make(r, TYPE_NONE, PREC_PRIMARY, "%s", node->string->sval);
}

static const struct {
    PgQuery__Node__NodeCase node;
    struct expr (*print)(struct rewriter *r, const PgQuery__Node *node);
} expr_rows[] = {
    { PG_QUERY__NODE__NODE_A_CONST, constant },
    { PG_QUERY__NODE__NODE_COLUMN_REF, column_ref },
    { PG_QUERY__NODE__NODE_PARAM_REF, parameter },
    { PG_QUERY__NODE__NODE_A_EXPR, a_expr },
    { PG_QUERY__NODE__NODE_BOOL_EXPR, bool_expr },
    { PG_QUERY__NODE__NODE_FUNC_CALL, func_call },
    { PG_QUERY__NODE__NODE_TYPE_CAST, type_cast },
    { PG_QUERY__NODE__NODE_NULL_TEST, null_test },
    { PG_QUERY__NODE__NODE_BOOLEAN_TEST, boolean_test },
    { PG_QUERY__NODE__NODE_CASE_EXPR, case_expr },
    { PG_QUERY__NODE__NODE_COALESCE_EXPR, coalesce },
    { PG_QUERY__NODE__NODE_MIN_MAX_EXPR, min_max },
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
    struct expr e = no_expr();

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
