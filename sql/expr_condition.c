/* sql/expr_condition.c: conditions: AND, OR, NOT, and tests of NULL and of truth. */
#include "sql/expr_impl.h"

enum { balanced_from = 4, bool_terms_max = 10000 };

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

struct expr expr_bool(struct rewriter *r, const PgQuery__Node *node)
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
        return expr_none();
    }
    parts = arena_alloc(r->arena, b->n_args * sizeof(*parts));
    if (parts == NULL) {
        rewrite_fail_nomem(r);
        return expr_none();
    }
    for (size_t i = 0; i < b->n_args; i++) {
        struct expr e = expr_condition(r, b->args[i], is_and ? "AND" : "OR");

        parts[i] = expr_in(r, &e, (enum expr_prec)(prec + 1));
    }
    return (struct expr){ .type = TYPE_OF(OID_BOOL),
                          .prec = prec,
                          .text = expr_balanced(r, parts, b->n_args, is_and ? "AND" : "OR") };
}

struct expr expr_null_test(struct rewriter *r, const PgQuery__Node *node)
{
    const PgQuery__NullTest *test = node->null_test;
    struct expr e = expr_typed(r, test->arg, TYPE_NONE);
    bool is_null = test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;

    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "%s IS %sNULL", expr_in(r, &e, PREC_EQUAL),
                     is_null ? "" : "NOT ");
}

struct expr expr_boolean_test(struct rewriter *r, const PgQuery__Node *node)
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
