/* sql/rewrite_func.c: calls. The table of functions says what SQLite calls them; count() is
 * ours. */
#include "sql/expr.h"

#include "pool/session.h"
#include "sql/call_type.h"
#include "sql/functions.h"
#include "sql/grammar.h"

/* ---- OVER, FILTER ---- */

/* Columns inside an aggregate's arguments need no GROUP BY; a window function's do. */
static void enter_aggregate(struct rewriter *r, const PgQuery__FuncCall *call, bool aggregate)
{
    if (aggregate && call->over == NULL && r->scope != NULL) {
        r->scope->in_aggregate++;
    }
}

static void leave_aggregate(struct rewriter *r, const PgQuery__FuncCall *call, bool aggregate)
{
    if (aggregate && call->over == NULL && r->scope != NULL) {
        r->scope->in_aggregate--;
        r->scope->aggregates = true;
        r->scope->aggregate_location = call->location;
    }
}

static const char *call_tail(struct rewriter *r, const PgQuery__FuncCall *call)
{
    const char *filter = "";

    if (call->agg_filter != NULL) {
        enter_aggregate(r, call, true);
        filter = rewrite_text(r, " FILTER (WHERE %s)",
                              expr_condition(r, call->agg_filter, "FILTER").text);
        leave_aggregate(r, call, true);
    }
    if (call->over == NULL) {
        return filter;
    }
    if (call->over->name != NULL && call->over->name[0] != '\0') {
        return rewrite_text(r, "%s OVER %s", filter, rewrite_ident_text(r, call->over->name));
    }
    return rewrite_text(r, "%s OVER %s", filter, window_text(r, call->over));
}

/* ---- calls ---- */

static struct expr count_call(struct rewriter *r, const PgQuery__FuncCall *call)
{
    const char *args = "*";
    struct expr e;

    enter_aggregate(r, call, true);
    if (!call->agg_star) {
        args = rewrite_text(r, "%s%s", call->agg_distinct ? "DISTINCT " : "",
                            expr_typed(r, call->args[0], TYPE_NONE).text);
    }
    leave_aggregate(r, call, true);
    e = expr_make(r, TYPE_OF(OID_INT8), PREC_PRIMARY, "count(%s)%s", args, call_tail(r, call));
    e.not_null = true;
    return e;
}

static const char *arg_types(struct rewriter *r, const struct expr *args, size_t count)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++) {
        text = rewrite_text(r, "%s%s%s", text, i > 0 ? ", " : "",
                            args[i].untyped != NULL ? "unknown" : type_text(r, args[i].type));
    }
    return text;
}

void call_fail_unknown(struct rewriter *r, const char *name, const struct expr *args, size_t count,
                       int32_t location)
{
    const char *types = arg_types(r, args, count);

    rewrite_fail(r, location, "42883", "function %s(%s) does not exist", name, types);
    if (r->failure != NULL) {
        failure_add(r->failure, FIELD_HINT,
                    "No function matches the given name and argument types. You might need to add "
                    "explicit type casts.");
    }
}

void call_fail_ambiguous(struct rewriter *r, const char *name, const struct expr *args,
                         size_t count, int32_t location)
{
    const char *types = arg_types(r, args, count);

    rewrite_fail(r, location, "42725", "function %s(%s) is not unique", name, types);
    if (r->failure != NULL) {
        failure_add(r->failure, FIELD_HINT,
                    "Could not choose a best candidate function. You might need to add explicit "
                    "type casts.");
    }
}

static struct expr fail_call(struct rewriter *r, const char *name, const struct expr *args,
                             size_t count, int32_t location)
{
    call_fail_unknown(r, name, args, count, location);
    return expr_none();
}

/* Brings the arguments to what the row wants. */
static void settle_args(struct rewriter *r, const struct function *row, struct expr *args,
                        size_t count, struct type *ret_common)
{
    if (row->result == RESULT_COMMON) {
        *ret_common = common_type(r, args, count, row->name, -1);
    }
    for (size_t i = 0; i < count && !r->failed; i++) {
        uint32_t wanted = i < function_args_max ? row->args[i] : 0;

        if (row->result == RESULT_COMMON && wanted == 0) {
            args[i] =
                expr_cast(r, expr_resolve(r, args[i], *ret_common), *ret_common, CAST_IMPLICIT, -1);
        } else if (args[i].untyped != NULL) {
            args[i] = expr_resolve(r, args[i], TYPE_OF(wanted));
        } else if (wanted != 0 && wanted != args[i].type.oid && type_is_date(wanted) &&
                   type_is_date(args[i].type.oid)) {
            args[i] = expr_cast(r, args[i], TYPE_OF(wanted), CAST_ASSIGNMENT, -1);
        }
    }
}

static bool order_matters(const char *name)
{
    static const char *const indifferent[] = { "count", "sum",      "avg",     "min",
                                               "max",   "bool_and", "bool_or", "every" };

    for (size_t i = 0; i < ARRAY_LEN(indifferent); i++) {
        if (strcmp(indifferent[i], name) == 0) {
            return false;
        }
    }
    return true;
}

/* SQLite's sum() and avg() of numerics lose digits. */
static const char *call_name(struct rewriter *r, const struct function *row, struct type first)
{
    bool sums = strcmp(row->name, "sum") == 0;

    if (first.oid == OID_NUMERIC && (sums || strcmp(row->name, "avg") == 0)) {
        r->uses_functions = true;
        return sums ? "pond_sum" : "pond_avg";
    }
    return row->sqlite != NULL ? row->sqlite : row->name;
}

static struct expr print_call(struct rewriter *r, const PgQuery__FuncCall *call,
                              const struct function *row, struct expr *args, size_t count)
{
    struct type common = TYPE_NONE;
    const char *text = "";
    struct expr e;

    settle_args(r, row, args, count, &common);
    for (size_t i = 0; i < count && !r->failed; i++) {
        text = (row->flags & FUNCTION_PASS_TYPES) != 0
                   ? rewrite_text(r, "%s%s%s, %u", text, i > 0 ? ", " : "", args[i].text,
                                  type_code(args[i].type))
                   : rewrite_text(r, "%s%s%s", text, i > 0 ? ", " : "", args[i].text);
    }
    r->uses_functions = r->uses_functions || row->call != NULL || row->step != NULL;
    r->alone = r->alone || (row->flags & FUNCTION_ALONE) != 0;
    if ((row->flags & FUNCTION_WRITES) != 0) {
        r->cursor_flags |= CURSOR_WRITES;
    }
    e = expr_make(r, call_type(row, args, count, common), PREC_PRIMARY, "%s(%s%s)%s",
                  call_name(r, row, count > 0 ? args[0].type : TYPE_NONE),
                  call->agg_distinct ? "DISTINCT " : "", text, call_tail(r, call));
    /* What makes a jsonb writes as it goes; a jsonb has its keys in order. */
    return row->oid == OID_JSONB && (row->flags & FUNCTION_PASS_TYPES) != 0
               ? expr_make(r, e.type, PREC_PRIMARY, "pond_cast(%s, %d, %d, -1, 1)", e.text,
                           OID_JSON, OID_JSONB)
               : e;
}

static bool check_call(struct rewriter *r, const PgQuery__FuncCall *call,
                       const struct function *row)
{
    const char *what = NULL;

    if (call->n_agg_order > 0 && order_matters(row->name)) {
        what = "ORDER BY in an aggregate";
    } else if (call->agg_within_group) {
        what = "WITHIN GROUP";
    } else if (call->func_variadic) {
        what = "VARIADIC";
    } else if ((row->flags & FUNCTION_ROWS) != 0) {
        what = "a set-returning function outside FROM";
    }
    if (what != NULL) {
        rewrite_unsupported(r, call->location, what);
    } else if ((row->flags & FUNCTION_WINDOW) != 0 && call->over == NULL) {
        rewrite_fail(r, call->location, "42809", "window function %s requires an OVER clause",
                     row->name);
    }
    return !r->failed;
}

bool call_schema_is_known(struct rewriter *r, const PgQuery__FuncCall *call)
{
    const char *schema =
        call->n_funcname > 1 ? node_string(call->funcname[call->n_funcname - 2]) : "pg_catalog";

    if (strcmp(schema, "pg_catalog") != 0 && strcmp(schema, "public") != 0) {
        rewrite_fail(r, call->location, "3F000", "schema \"%s\" does not exist", schema);
        return false;
    }
    return true;
}

/* PostgreSQL's FUNC_MAX_ARGS; each is looked at several times. */
enum { function_arguments_most = 100 };

struct expr *call_args(struct rewriter *r, const PgQuery__FuncCall *call, uint32_t **ret_oids)
{
    if (call->n_args > function_arguments_most) {
        rewrite_fail(r, call->location, "54023", "cannot pass more than %d arguments to a function",
                     function_arguments_most);
        return NULL;
    }
    struct expr *args = arena_alloc(r->arena, (call->n_args + 1) * sizeof(*args));
    uint32_t *oids = arena_alloc(r->arena, (call->n_args + 1) * sizeof(*oids));

    if (args == NULL || oids == NULL) {
        rewrite_fail_nomem(r);
        return NULL;
    }
    for (size_t i = 0; i < call->n_args; i++) {
        if (call->args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
            rewrite_unsupported(r, call->location, "a named argument");
        }
        args[i] = expr_of(r, call->args[i]);
        oids[i] = args[i].untyped != NULL ? OID_UNKNOWN : args[i].type.oid;
    }
    *ret_oids = oids;
    return r->failed ? NULL : args;
}

static bool can_be_summed(struct rewriter *r, const struct expr *arg, int32_t location)
{
    if (arg->type.oid == OID_INTERVAL) {
        rewrite_unsupported(r, location, "a sum of intervals");
        return false;
    }
    return arg->untyped != NULL || arg->type.oid == 0 || type_is_number(arg->type.oid);
}

struct expr expr_call(struct rewriter *r, const PgQuery__FuncCall *call)
{
    const char *name = node_string(call->funcname[call->n_funcname - 1]);
    const struct function *row;
    uint32_t *oids;
    struct expr *args;
    bool aggregate;
    bool known;

    if (!call_schema_is_known(r, call)) {
        return expr_none();
    }
    if (strcmp(name, "count") == 0 && (call->agg_star || call->n_args == 1)) {
        return count_call(r, call);
    }
    if (strcmp(name, series_name) == 0) {
        series_refuse(r, call);
        return expr_none();
    }
    aggregate = function_is_aggregate(name);
    enter_aggregate(r, call, aggregate);
    args = call_args(r, call, &oids);
    leave_aggregate(r, call, aggregate);
    if (args == NULL) {
        return expr_none();
    }
    row = function_find(name, oids, call->n_args, &known);
    if (row == NULL || (row->flags & FUNCTION_INTERNAL) != 0) {
        return fail_call(r, name, args, call->n_args, call->location);
    }
    if ((row->result == RESULT_SUM || row->result == RESULT_AVG) &&
        !can_be_summed(r, &args[0], call->location)) {
        return r->failed ? expr_none() : fail_call(r, name, args, call->n_args, call->location);
    }
    return check_call(r, call, row) ? print_call(r, call, row, args, call->n_args) : expr_none();
}

/* ---- CURRENT_TIMESTAMP and its kin: functions without parentheses ---- */

static const char *const value_functions[] = {
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE] = "current_date",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME] = "current_time",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N] = "current_time",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP] = "current_timestamp",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N] = "current_timestamp",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME] = "localtime",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N] = "localtime",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP] = "localtimestamp",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N] = "localtimestamp",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE] = "current_role",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER] = "current_user",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER] = "user",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER] = "session_user",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG] = "current_catalog",
    [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA] = "current_schema",
};

const char *value_function_name(const PgQuery__SQLValueFunction *function)
{
    size_t op = (size_t)function->op;

    return op < ARRAY_LEN(value_functions) && value_functions[op] != NULL ? value_functions[op]
                                                                          : "?column?";
}

struct expr expr_value_function(struct rewriter *r, const PgQuery__SQLValueFunction *function)
{
    const char *name = value_function_name(function);
    bool known;
    const struct function *row = function_find(name, NULL, 0, &known);
    struct type type;
    struct expr e;

    if (row == NULL) {
        rewrite_unsupported(r, function->location, name);
        return expr_none();
    }
    type = TYPE_OF(row->oid);
    e = expr_make(r, type, PREC_PRIMARY, "%s()", row->sqlite != NULL ? row->sqlite : row->name);
    e.not_null = true;
    type.typmod = function->typmod;
    return function->typmod >= 0 && type_is_date(type.oid)
               ? expr_cast(r, e, type, CAST_EXPLICIT, -1)
               : e;
}
