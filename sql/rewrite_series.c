/* sql/rewrite_series.c: generate_series() in FROM: which of PostgreSQL's five it is, and
 * pond_series() (series_table.h) in its place.
 *
 * Arguments may name what stands left of it in FROM, which SQLite allows a table-valued function
 * only when it stands in FROM itself. Else it is printed as a subquery, so that its columns have
 * PostgreSQL's names, also for USING; SQLite's planner takes such a subquery apart again. */
#include "sql/expr.h"

#include "sql/grammar.h"

/* ---- which one: https://www.postgresql.org/docs/15/typeconv-func.html ---- */

enum { arguments_most = 3 };

static const struct overload {
    uint32_t type; /* of start, stop and the rows */
    uint32_t step;
    size_t least; /* arguments */
} overloads[] = {
    { OID_INT4, OID_INT4, 2 },
    { OID_INT8, OID_INT8, 2 },
    { OID_NUMERIC, OID_NUMERIC, 2 },
    { OID_TIMESTAMP, OID_INTERVAL, 3 },
    { OID_TIMESTAMPTZ, OID_INTERVAL, 3 },
};

struct candidates {
    bool in[ARRAY_LEN(overloads)];
    size_t count;
};

struct arguments {
    struct expr *exprs;
    const uint32_t *oids;
    size_t count;
};

static uint32_t wanted_at(const struct overload *overload, size_t argument)
{
    return argument < 2 ? overload->type : overload->step;
}

static bool is_unknown(uint32_t oid)
{
    return oid == OID_UNKNOWN || oid == 0;
}

/* Each argument is of that type, untyped, or cast to it without being asked. */
static bool accepts(const struct overload *overload, const struct arguments *args)
{
    bool fits = args->count >= overload->least && args->count <= arguments_most;

    for (size_t i = 0; i < args->count && fits; i++) {
        uint32_t oid = args->oids[i];

        fits = is_unknown(oid) || (oid != OID_OID && cast_is_implicit(oid, wanted_at(overload, i)));
    }
    return fits;
}

/* timestamptz is what PostgreSQL prefers among dates; no number here is so. */
static bool is_preferred(uint32_t oid)
{
    return oid == OID_TIMESTAMPTZ || oid == OID_INTERVAL;
}

static int count_exact(const struct overload *overload, const struct arguments *args)
{
    int count = 0;

    for (size_t i = 0; i < args->count; i++) {
        count += args->oids[i] == wanted_at(overload, i);
    }
    return count;
}

static int count_exact_or_preferred(const struct overload *overload, const struct arguments *args)
{
    int count = 0;

    for (size_t i = 0; i < args->count; i++) {
        uint32_t wanted = wanted_at(overload, i);

        count += args->oids[i] == wanted || (!is_unknown(args->oids[i]) && is_preferred(wanted));
    }
    return count;
}

static bool is_mixed(const struct candidates *c)
{
    bool numbers = false;
    bool dates = false;

    for (size_t i = 0; i < ARRAY_LEN(overloads); i++) {
        numbers = numbers || (c->in[i] && type_is_number(overloads[i].type));
        dates = dates || (c->in[i] && type_is_date(overloads[i].type));
    }
    return numbers && dates;
}

static int count_preferred_for_unknown(const struct overload *overload,
                                       const struct arguments *args)
{
    int count = 0;

    for (size_t i = 0; i < args->count; i++) {
        count += is_unknown(args->oids[i]) && is_preferred(wanted_at(overload, i));
    }
    return count;
}

/* Keeps the best of them. */
static void keep_best(struct candidates *c, const struct arguments *args,
                      int (*rate)(const struct overload *, const struct arguments *))
{
    int best = 0;

    for (size_t i = 0; i < ARRAY_LEN(overloads); i++) {
        int rating = c->in[i] ? rate(&overloads[i], args) : 0;

        best = rating > best ? rating : best;
    }
    c->count = 0;
    for (size_t i = 0; i < ARRAY_LEN(overloads); i++) {
        c->in[i] = c->in[i] && rate(&overloads[i], args) == best;
        c->count += c->in[i];
    }
}

/* NULL: failed with 42883 or 42725. */
static const struct overload *choose(struct rewriter *r, const struct arguments *args,
                                     int32_t location)
{
    struct candidates c = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(overloads); i++) {
        c.in[i] = accepts(&overloads[i], args);
        c.count += c.in[i];
    }
    if (c.count == 0) {
        call_fail_unknown(r, series_name, args->exprs, args->count, location);
        return NULL;
    }
    keep_best(&c, args, count_exact);
    keep_best(&c, args, count_exact_or_preferred);
    if (!is_mixed(&c)) { /* else an untyped argument has no category */
        keep_best(&c, args, count_preferred_for_unknown);
    }
    if (c.count > 1) {
        call_fail_ambiguous(r, series_name, args->exprs, args->count, location);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(overloads); i++) {
        if (c.in[i]) {
            return &overloads[i];
        }
    }
    return NULL;
}

/* ---- printing ---- */

/* As the chosen one takes them; "pond_series(23, 1, 10, 1)". */
static const char *call_text(struct rewriter *r, const struct overload *overload,
                             struct arguments *args, int32_t location)
{
    const char *text = rewrite_text(r, "pond_series(%u", overload->type);

    for (size_t i = 0; i < args->count && !r->failed; i++) {
        struct type wanted = TYPE_OF(wanted_at(overload, i));
        struct expr e = expr_resolve(r, args->exprs[i], wanted);

        args->exprs[i] = expr_checked(r, expr_cast(r, e, wanted, CAST_IMPLICIT, location));
        text = rewrite_text(r, "%s, %s", text, args->exprs[i].text);
    }
    return rewrite_text(r, "%s%s)", text, args->count < arguments_most ? ", 1" : "");
}

/* A numeric shows as many digits as start or step have. */
static struct type row_type(const struct overload *overload, const struct arguments *args)
{
    int start = type_scale(args->exprs[0].type);
    int step = args->count < arguments_most ? 0 : type_scale(args->exprs[2].type);

    if (overload->type != OID_NUMERIC) {
        return TYPE_OF(overload->type);
    }
    return type_numeric(start < 0 || step < 0 ? -1 : start > step ? start : step);
}

static struct relation *relation_of(struct rewriter *r, const PgQuery__RangeFunction *f,
                                    struct type type)
{
    const char *name = f->alias != NULL ? f->alias->aliasname : series_name;
    struct relation *relation = relation_new(r, name);

    (void)relation_add(r, relation, name, type);
    if (f->ordinality) {
        (void)relation_add(r, relation, "ordinality", TYPE_OF(OID_INT8));
    }
    if (f->alias != NULL && relation != NULL) {
        from_rename(r, relation, f->alias);
    }
    return r->failed ? NULL : relation;
}

static const char *const sqlite_columns[] = { "series_value", "series_ordinality" };

static void print_table(struct rewriter *r, const char *call, struct relation *relation)
{
    for (size_t i = 0; i < relation->count; i++) {
        relation->columns[i].sqlite_name = sqlite_columns[i];
    }
    rewrite_printf(r, "%s AS %s", call, rewrite_ident_text(r, relation->name));
}

static void print_subquery(struct rewriter *r, const char *call, const struct relation *relation)
{
    for (size_t i = 0; i < relation->count; i++) {
        rewrite_printf(r, "%s%s AS %s", i == 0 ? "(SELECT " : ", ", sqlite_columns[i],
                       rewrite_ident_text(r, relation->columns[i].name));
    }
    rewrite_printf(r, " FROM %s) AS %s", call, rewrite_ident_text(r, relation->name));
}

/* ---- arguments ---- */

static bool is_in_reach(const struct query_scope *scope, const struct relation *relation)
{
    const struct relation *at = scope->lateral != NULL ? *scope->lateral : scope->relations;

    while (at != NULL && at != relation) {
        at = at->next;
    }
    return at != NULL;
}

static void check_lateral(struct rewriter *r, const struct ungrouped *before)
{
    for (const struct ungrouped *at = r->scope->ungrouped; at != before; at = at->next) {
        if (!is_in_reach(r->scope, at->relation)) {
            rewrite_fail(r, at->location, "42P10",
                         "invalid reference to FROM-clause entry for table \"%s\"",
                         at->relation->name);
        }
    }
}

/* *ret_lateral: they name a neighbour. False: failed. */
static bool take_arguments(struct rewriter *r, const PgQuery__FuncCall *call,
                           struct arguments *ret_args, bool *ret_lateral)
{
    const struct ungrouped *before = r->scope->ungrouped;
    bool aggregates = r->scope->aggregates;
    uint32_t *oids = NULL;

    r->scope->aggregates = false;
    struct expr *exprs = call_args(r, call, &oids);
    if (r->scope->aggregates) {
        rewrite_fail(r, r->scope->aggregate_location, "42803",
                     "aggregate functions are not allowed in functions in FROM");
    }
    r->scope->aggregates = aggregates;
    check_lateral(r, before);
    *ret_lateral = r->scope->ungrouped != before;
    *ret_args = (struct arguments){ exprs, oids, call->n_args };
    return !r->failed && exprs != NULL;
}

bool series_is_call(const PgQuery__Node *node)
{
    const PgQuery__FuncCall *call =
        node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL ? node->func_call : NULL;

    return call != NULL &&
           strcmp(node_string(call->funcname[call->n_funcname - 1]), series_name) == 0;
}

struct relation *from_series(struct rewriter *r, const PgQuery__RangeFunction *f,
                             const PgQuery__FuncCall *call)
{
    struct arguments args;
    bool lateral;

    if (f->n_coldeflist > 0) {
        rewrite_fail(r, f->coldeflist[0]->column_def->location, "42601",
                     "a column definition list is only allowed for functions returning "
                     "\"record\"");
    }
    if (!call_schema_is_known(r, call) || !take_arguments(r, call, &args, &lateral)) {
        return NULL;
    }
    const struct overload *overload = choose(r, &args, call->location);
    const char *text = overload == NULL ? "" : call_text(r, overload, &args, call->location);
    struct relation *relation = r->failed ? NULL : relation_of(r, f, row_type(overload, &args));
    if (relation != NULL && lateral) {
        print_table(r, text, relation);
    } else if (relation != NULL) {
        print_subquery(r, text, relation);
    }
    return relation;
}

void series_refuse(struct rewriter *r, const PgQuery__FuncCall *call)
{
    rewrite_unsupported(r, call->location, series_name " outside of FROM");
    if (r->failure != NULL) {
        failure_add(r->failure, FIELD_HINT,
                    "Move it into FROM: SELECT g FROM generate_series(1, 3) AS g.");
    }
}
