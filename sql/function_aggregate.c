/* sql/function_aggregate.c: aggregates and window functions: SQLite's own by name, and those it has
 * not. */
#include "sql/function_support.h"

#include <math.h>

/* ---- variance and standard deviation, by Welford's running mean ---- */

struct moments {
    int64_t count;
    double mean, squares;
};

FN(moments_step)
{
    struct moments *m = sqlite3_aggregate_context(c, sizeof *m);

    if (m == NULL || fn_any_null(n, v)) {
        return;
    }
    double x = sqlite3_value_double(v[0]);
    double delta = x - m->mean;
    m->count++;
    m->mean += delta / (double)m->count;
    m->squares += delta * (x - m->mean);
}

static void finish_moments(sqlite3_context *c, int64_t less, bool root)
{
    const struct moments *m = sqlite3_aggregate_context(c, 0);

    if (m == NULL || m->count <= less) {
        sqlite3_result_null(c);
        return;
    }
    double variance = m->squares / (double)(m->count - less);
    sqlite3_result_double(c, root ? sqrt(variance) : variance);
}

static void var_samp(sqlite3_context *c)
{
    finish_moments(c, 1, false);
}

static void var_pop(sqlite3_context *c)
{
    finish_moments(c, 0, false);
}

static void stddev_samp(sqlite3_context *c)
{
    finish_moments(c, 1, true);
}

static void stddev_pop(sqlite3_context *c)
{
    finish_moments(c, 0, true);
}

/* ---- bits ---- */

struct bits {
    bool any;
    int64_t value;
};

static void bits_step(sqlite3_context *c, int n, sqlite3_value **v, bool is_and)
{
    struct bits *b = sqlite3_aggregate_context(c, sizeof *b);

    if (b == NULL || fn_any_null(n, v)) {
        return;
    }
    int64_t x = sqlite3_value_int64(v[0]);
    b->value = !b->any ? x : is_and ? b->value & x : b->value | x;
    b->any = true;
}

FN(bit_and_step)
{
    bits_step(c, n, v, true);
}

FN(bit_or_step)
{
    bits_step(c, n, v, false);
}

static void bits_final(sqlite3_context *c)
{
    const struct bits *b = sqlite3_aggregate_context(c, 0);

    if (b != NULL && b->any) {
        sqlite3_result_int64(c, b->value);
    } else {
        sqlite3_result_null(c);
    }
}

/* ---- a subquery's only value ---- */

FN(single_step)
{
    struct sqlite3_value **single = sqlite3_aggregate_context(c, sizeof(struct sqlite3_value *));

    (void)n;
    if (single == NULL) {
        sqlite3_result_error_nomem(c);
    } else if (*single != NULL) {
        fn_fail(c, "21000", "more than one row returned by a subquery used as an expression");
    } else {
        *single = sqlite3_value_dup(v[0]);
        if (*single == NULL) {
            sqlite3_result_error_nomem(c);
        }
    }
}

static void single_final(sqlite3_context *c)
{
    struct sqlite3_value **single = sqlite3_aggregate_context(c, 0);

    if (single != NULL && *single != NULL) {
        sqlite3_result_value(c, *single);
        sqlite3_value_free(*single);
    }
}

/* clang-format off */
#define T OID_TEXT
#define F8 OID_FLOAT8
#define NU OID_NUMERIC
#define AG FUNCTION_AGGREGATE
#define WI FUNCTION_WINDOW
static const struct function rows[] = {
    { "sum", 1, 1, { 0 }, RESULT_SUM, 0, AG, NULL, NULL, NULL, NULL },
    { "avg", 1, 1, { 0 }, RESULT_AVG, 0, AG, NULL, NULL, NULL, NULL },
    { "min", 1, 1, { 0 }, RESULT_FIRST, 0, AG, NULL, NULL, NULL, NULL },
    { "max", 1, 1, { 0 }, RESULT_FIRST, 0, AG, NULL, NULL, NULL, NULL },
    { "bool_and", 1, 1, { OID_BOOL }, RESULT_FIXED, OID_BOOL, AG, "min", NULL, NULL, NULL },
    { "every", 1, 1, { OID_BOOL }, RESULT_FIXED, OID_BOOL, AG, "min", NULL, NULL, NULL },
    { "bool_or", 1, 1, { OID_BOOL }, RESULT_FIXED, OID_BOOL, AG, "max", NULL, NULL, NULL },
    { "string_agg", 2, 2, { T, T }, RESULT_FIXED, T, AG, "group_concat", NULL, NULL, NULL },
    { "pond_single", 1, 1, { 0 }, RESULT_FIRST, 0, AG | FUNCTION_INTERNAL, NULL, NULL, single_step, single_final },
    { "bit_and", 1, 1, { OID_INT8 }, RESULT_FIRST, 0, AG, NULL, NULL, bit_and_step, bits_final },
    { "bit_or", 1, 1, { OID_INT8 }, RESULT_FIRST, 0, AG, NULL, NULL, bit_or_step, bits_final },
    { "variance", 1, 1, { F8 }, RESULT_FIXED, F8, AG, "var_samp", NULL, NULL, NULL },
    { "variance", 1, 1, { NU }, RESULT_FIXED, NU, AG, "var_samp", NULL, NULL, NULL },
    { "var_samp", 1, 1, { F8 }, RESULT_FIXED, F8, AG, NULL, NULL, moments_step, var_samp },
    { "var_pop", 1, 1, { F8 }, RESULT_FIXED, F8, AG, NULL, NULL, moments_step, var_pop },
    { "stddev", 1, 1, { F8 }, RESULT_FIXED, F8, AG, "stddev_samp", NULL, NULL, NULL },
    { "stddev", 1, 1, { NU }, RESULT_FIXED, NU, AG, "stddev_samp", NULL, NULL, NULL },
    { "stddev_samp", 1, 1, { F8 }, RESULT_FIXED, F8, AG, NULL, NULL, moments_step, stddev_samp },
    { "stddev_pop", 1, 1, { F8 }, RESULT_FIXED, F8, AG, NULL, NULL, moments_step, stddev_pop },
    { "row_number", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, WI, NULL, NULL, NULL, NULL },
    { "rank", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, WI, NULL, NULL, NULL, NULL },
    { "dense_rank", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, WI, NULL, NULL, NULL, NULL },
    { "percent_rank", 0, 0, { 0 }, RESULT_FIXED, F8, WI, NULL, NULL, NULL, NULL },
    { "cume_dist", 0, 0, { 0 }, RESULT_FIXED, F8, WI, NULL, NULL, NULL, NULL },
    { "ntile", 1, 1, { OID_INT4 }, RESULT_FIXED, OID_INT4, WI, NULL, NULL, NULL, NULL },
    { "lag", 1, 3, { 0 }, RESULT_FIRST, 0, WI, NULL, NULL, NULL, NULL },
    { "lead", 1, 3, { 0 }, RESULT_FIRST, 0, WI, NULL, NULL, NULL, NULL },
    { "first_value", 1, 1, { 0 }, RESULT_FIRST, 0, WI, NULL, NULL, NULL, NULL },
    { "last_value", 1, 1, { 0 }, RESULT_FIRST, 0, WI, NULL, NULL, NULL, NULL },
    { "nth_value", 2, 2, { 0, OID_INT4 }, RESULT_FIRST, 0, WI, NULL, NULL, NULL, NULL },
};

/* SQLite's own functions that clients of SQLite files may know, with the types they give. */
static const struct function sqlite_rows[] = {
    { "nullif", 2, 2, { 0 }, RESULT_FIRST, 0, 0, NULL, NULL, NULL, NULL },
    { "ifnull", 2, 2, { 0 }, RESULT_COMMON, 0, 0, NULL, NULL, NULL, NULL },
    { "instr", 2, 2, { T, T }, RESULT_FIXED, OID_INT4, 0, NULL, NULL, NULL, NULL },
    { "typeof", 1, 1, { 0 }, RESULT_FIXED, T, 0, NULL, NULL, NULL, NULL },
    { "hex", 1, 1, { 0 }, RESULT_FIXED, T, 0, NULL, NULL, NULL, NULL },
    { "unicode", 1, 1, { T }, RESULT_FIXED, OID_INT4, 0, NULL, NULL, NULL, NULL },
    { "group_concat", 1, 2, { T, T }, RESULT_FIXED, T, AG, NULL, NULL, NULL, NULL },
    { "total", 1, 1, { 0 }, RESULT_FIXED, F8, AG, NULL, NULL, NULL, NULL },
    { "json_extract", 2, 2, { OID_JSON, T }, RESULT_FIXED, T, 0, NULL, NULL, NULL, NULL },
    { "json_valid", 1, 1, { T }, RESULT_FIXED, OID_BOOL, 0, NULL, NULL, NULL, NULL },
    { "zeroblob", 1, 1, { OID_INT8 }, RESULT_FIXED, OID_BYTEA, 0, NULL, NULL, NULL, NULL },
    { "randomblob", 1, 1, { OID_INT8 }, RESULT_FIXED, OID_BYTEA, FUNCTION_VOLATILE, NULL, NULL, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_aggregate_table, rows);
FUNCTION_TABLE(function_sqlite_table, sqlite_rows);
