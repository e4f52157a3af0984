/* sql/function_sum.c: sum() and avg() over numerics, without losing cents on the way.
 *
 * SQLite adds doubles one behind the other. Here whole numbers are added exactly (128 bits) and
 * doubles with Neumaier's compensation, so that the result has the 15 digits that a numeric keeps.
 * As window functions they take back rows by adding the negated value. */
#include "sql/function_support.h"

#include "pool/session.h"
#include "sql/session_state.h"

#include <math.h>
#include <strings.h>

struct sum {
    int64_t count; /* of all that are not NULL */
    int64_t nans, infinities, minus_infinities;
    int64_t fractions; /* how many came as doubles */
    __int128 whole;
    double total, lost; /* of the doubles, and what their sum's rounding lost */
};

static void add_double(struct sum *s, double x)
{
    double total = s->total + x;

    s->lost += fabs(s->total) >= fabs(x) ? s->total - total + x : x - total + s->total;
    s->total = total;
}

/* sign: 1 for a row that comes, -1 for one that goes. */
static void account_value(struct sum *s, sqlite3_value *v, int sign)
{
    int kind = sqlite3_value_numeric_type(v);
    double x = sqlite3_value_double(v);

    s->count += sign;
    if (kind == SQLITE_INTEGER) {
        s->whole += sign * (__int128)sqlite3_value_int64(v);
    } else if (kind == SQLITE_TEXT &&
               strncasecmp((const char *)sqlite3_value_text(v), "nan", 3) == 0) {
        s->nans += sign;
    } else if (isinf(x)) {
        *(x > 0 ? &s->infinities : &s->minus_infinities) += sign;
    } else {
        s->fractions += sign;
        add_double(s, sign * x);
    }
    if (s->fractions == 0) {
        s->total = 0; /* nothing is left of which something could have been lost */
        s->lost = 0;
    }
}

static void count_rows(sqlite3_context *c, int n, sqlite3_value **v, int sign)
{
    struct sum *s = sqlite3_aggregate_context(c, sizeof *s);

    if (s == NULL) {
        sqlite3_result_error_nomem(c);
    } else if (!fn_any_null(n, v)) {
        account_value(s, v[0], sign);
    }
}

FN(sum_step)
{
    count_rows(c, n, v, 1);
}

FN(sum_inverse)
{
    count_rows(c, n, v, -1);
}

/* False: it is not finite, and the result is set. */
static bool is_finite(sqlite3_context *c, const struct sum *s)
{
    if (s->nans > 0 || (s->infinities > 0 && s->minus_infinities > 0)) {
        sqlite3_result_text(c, "NaN", 3, SQLITE_STATIC);
        return false;
    }
    if (s->infinities > 0 || s->minus_infinities > 0) {
        sqlite3_result_double(c, s->infinities > 0 ? HUGE_VAL : -HUGE_VAL);
        return false;
    }
    return true;
}

static double value_of(const struct sum *s)
{
    return (double)s->whole + s->total + s->lost;
}

static void sum_value(sqlite3_context *c)
{
    const struct sum *s = sqlite3_aggregate_context(c, 0);

    if (s == NULL || s->count == 0 || !is_finite(c, s)) {
        return;
    }
    if (s->fractions == 0 && s->whole <= INT64_MAX && s->whole >= INT64_MIN) {
        sqlite3_result_int64(c, (int64_t)s->whole);
    } else {
        sqlite3_result_double(c, fn_settled(value_of(s)));
    }
}

static void avg_value(sqlite3_context *c)
{
    const struct sum *s = sqlite3_aggregate_context(c, 0);

    if (s == NULL || s->count == 0 || !is_finite(c, s)) {
        return;
    }
    if (s->fractions == 0 && s->whole % s->count == 0) {
        sqlite3_result_int64(c, (int64_t)(s->whole / s->count));
    } else {
        sqlite3_result_double(c, value_of(s) / (double)s->count);
    }
}

/* A numeric computed with doubles as the number that it prints as: 0.1 + 0.2 = 0.3. */
FN(exact)
{
    if (sqlite3_value_type(v[0]) == SQLITE_FLOAT) {
        sqlite3_result_double(c, fn_settled(sqlite3_value_double(v[0])));
    } else {
        sqlite3_result_value(c, v[0]);
    }
    (void)n;
}

int functions_register_sums(struct sql_session *sql, struct failure *f)
{
    struct sqlite3 *db = session_sqlite(sql->session);
    int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC;
    bool done = sqlite3_create_window_function(db, "pond_sum", 1, flags, NULL, sum_step, sum_value,
                                               sum_value, sum_inverse, NULL) == SQLITE_OK &&
                sqlite3_create_window_function(db, "pond_avg", 1, flags, NULL, sum_step, avg_value,
                                               avg_value, sum_inverse, NULL) == SQLITE_OK &&
                sqlite3_create_function_v2(db, "pond_exact", 1, flags, NULL, exact, NULL, NULL,
                                           NULL) == SQLITE_OK;

    return done ? 0 : failure_set_nomem(f);
}
