/* sql/function_math.c: arithmetic as PostgreSQL does it. Integers stay integers, a division by zero
 * is an error, numerics round half away from zero and floats half to even. */
#include "sql/function_support.h"

#include "protocol/number.h"
#include "sql/session_state.h"

#include <math.h>

static bool both_int(sqlite3_value **v)
{
    return sqlite3_value_numeric_type(v[0]) == SQLITE_INTEGER &&
           sqlite3_value_numeric_type(v[1]) == SQLITE_INTEGER;
}

static void division_by_zero(sqlite3_context *c)
{
    fn_fail(c, "22012", "division by zero");
}

/* A whole number without a fraction when it fits, so that numerics print without one. */
static void result_number(sqlite3_context *c, double d)
{
    if (d == trunc(d) && fabs(d) < 9007199254740992.0) {
        sqlite3_result_int64(c, (int64_t)d);
    } else {
        sqlite3_result_double(c, d);
    }
}

FN(div_int)
{
    if (fn_any_null(n, v)) {
        return;
    }
    if (!both_int(v)) {
        double b = sqlite3_value_double(v[1]);
        if (b == 0) {
            division_by_zero(c);
        } else {
            result_number(c, trunc(sqlite3_value_double(v[0]) / b));
        }
        return;
    }
    int64_t a = sqlite3_value_int64(v[0]), b = sqlite3_value_int64(v[1]);
    if (b == 0) {
        division_by_zero(c);
    } else if (b == -1 && a == INT64_MIN) {
        fn_fail(c, "22003", "bigint out of range");
    } else {
        sqlite3_result_int64(c, a / b);
    }
}

FN(divide)
{
    if (fn_any_null(n, v)) {
        return;
    }
    double b = sqlite3_value_double(v[1]);
    if (b == 0) {
        division_by_zero(c);
        return;
    }
    if (both_int(v) && sqlite3_value_int64(v[1]) != -1 &&
        sqlite3_value_int64(v[0]) % sqlite3_value_int64(v[1]) == 0) {
        sqlite3_result_int64(c, sqlite3_value_int64(v[0]) / sqlite3_value_int64(v[1]));
        return;
    }
    sqlite3_result_double(c, sqlite3_value_double(v[0]) / b);
}

FN(mod)
{
    if (fn_any_null(n, v)) {
        return;
    }
    if (sqlite3_value_double(v[1]) == 0) {
        division_by_zero(c);
    } else if (both_int(v)) {
        int64_t b = sqlite3_value_int64(v[1]);
        sqlite3_result_int64(c, b == -1 ? 0 : sqlite3_value_int64(v[0]) % b);
    } else {
        struct decimal d =
            decimal_of_double(fmod(sqlite3_value_double(v[0]), sqlite3_value_double(v[1])));
        double r = 0;
        sqlite3_result_double(c, decimal_to_double(&d, &r) == 0 ? r : 0);
    }
}

FN(power)
{
    if (fn_any_null(n, v)) {
        return;
    }
    double a = sqlite3_value_double(v[0]), b = sqlite3_value_double(v[1]);
    if (a == 0 && b < 0) {
        fn_fail(c, "2201F", "zero raised to a negative power is undefined");
    } else if (a < 0 && b != trunc(b)) {
        fn_fail(c, "2201F",
                "a negative number raised to a non-integer power yields a complex result");
    } else {
        double r = pow(a, b);
        if (isinf(r) && !isinf(a) && !isinf(b)) {
            fn_fail(c, "22003", "value out of range: overflow");
        } else {
            result_number(c, r);
        }
    }
}

/* round(numeric [, digits]) and trunc(numeric [, digits]), by decimal digits and not by bits. */
static void round_decimal(sqlite3_context *c, int n, sqlite3_value **v, bool cut)
{
    if (fn_any_null(n, v)) {
        return;
    }
    int digits = n > 1 ? sqlite3_value_int(v[1]) : 0;
    if (sqlite3_value_numeric_type(v[0]) == SQLITE_INTEGER && digits >= 0) {
        sqlite3_result_int64(c, sqlite3_value_int64(v[0]));
        return;
    }
    double d = sqlite3_value_double(v[0]);
    if (!isfinite(d) || digits > 30 || digits < -30) {
        sqlite3_result_double(c, digits < -30 ? 0 : d);
        return;
    }
    struct decimal dec = decimal_of_double(d);
    if (cut) {
        int keep = dec.point + digits;
        dec.count = keep <= 0 ? 0 : keep < dec.count ? keep : dec.count;
    } else {
        decimal_round(&dec, digits);
    }
    int64_t whole = 0;
    if (decimal_to_int(&dec, &whole)) {
        sqlite3_result_int64(c, whole);
    } else if (decimal_to_double(&dec, &d) == 0) {
        sqlite3_result_double(c, d);
    } else {
        sqlite3_result_double(c, sqlite3_value_double(v[0]));
    }
}

FN(round_numeric)
{
    round_decimal(c, n, v, false);
}

FN(trunc_numeric)
{
    round_decimal(c, n, v, true);
}

FN(round_float)
{
    if (!fn_any_null(n, v)) {
        sqlite3_result_double(c, rint(sqlite3_value_double(v[0])));
    }
}

FN(trunc_float)
{
    if (!fn_any_null(n, v)) {
        sqlite3_result_double(c, trunc(sqlite3_value_double(v[0])));
    }
}

FN(ceil_any)
{
    if (!fn_any_null(n, v)) {
        result_number(c, ceil(sqlite3_value_double(v[0])));
    }
}

FN(floor_any)
{
    if (!fn_any_null(n, v)) {
        result_number(c, floor(sqlite3_value_double(v[0])));
    }
}

FN(cube_root)
{
    if (!fn_any_null(n, v)) {
        sqlite3_result_double(c, cbrt(sqlite3_value_double(v[0])));
    }
}

FN(square_root)
{
    if (fn_any_null(n, v)) {
        return;
    }
    double d = sqlite3_value_double(v[0]);
    if (d < 0) {
        fn_fail(c, "2201F", "cannot take square root of a negative number");
    } else {
        sqlite3_result_double(c, sqrt(d));
    }
}

static void logarithm(sqlite3_context *c, double d, double base)
{
    if (d <= 0) {
        fn_fail(c, "2201E", "cannot take logarithm of %s", d == 0 ? "zero" : "a negative number");
    } else {
        sqlite3_result_double(c, base == 0 ? log(d) : base == 10 ? log10(d) : log(d) / log(base));
    }
}

FN(ln_any)
{
    if (!fn_any_null(n, v)) {
        logarithm(c, sqlite3_value_double(v[0]), 0);
    }
}

FN(log_any)
{
    if (!fn_any_null(n, v)) {
        logarithm(c, sqlite3_value_double(v[n - 1]), n == 1 ? 10 : sqlite3_value_double(v[0]));
    }
}

FN(sign_any)
{
    if (!fn_any_null(n, v)) {
        double d = sqlite3_value_double(v[0]);
        sqlite3_result_int(c, (d > 0) - (d < 0));
    }
}

static uint64_t magnitude(int64_t i)
{
    return i < 0 ? -(uint64_t)i : (uint64_t)i;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

FN(gcd)
{
    if (!fn_any_null(n, v)) {
        sqlite3_result_int64(c, (int64_t)greatest_divisor(magnitude(sqlite3_value_int64(v[0])),
                                                          magnitude(sqlite3_value_int64(v[1]))));
    }
}

FN(lcm)
{
    if (fn_any_null(n, v)) {
        return;
    }
    uint64_t a = magnitude(sqlite3_value_int64(v[0])), b = magnitude(sqlite3_value_int64(v[1]));
    uint64_t product = 0;
    if (a == 0 || b == 0) {
        sqlite3_result_int64(c, 0);
    } else if (__builtin_mul_overflow(a / greatest_divisor(a, b), b, &product) ||
               product > INT64_MAX) {
        fn_fail(c, "22003", "bigint out of range");
    } else {
        sqlite3_result_int64(c, (int64_t)product);
    }
}

FN(xor_int)
{
    if (!fn_any_null(n, v)) {
        sqlite3_result_int64(c, sqlite3_value_int64(v[0]) ^ sqlite3_value_int64(v[1]));
    }
}

FN(random_float)
{
    struct sql_session *sql = fn_sql(c);
    uint64_t bits = 0;

    (void)n;
    (void)v;
    sql->ops->random(sql->host, &bits, sizeof bits);
    sqlite3_result_double(c, (double)(bits >> 11) * 0x1p-53);
}

FN(random_uuid)
{
    static const char hex[] = "0123456789abcdef";
    struct sql_session *sql = fn_sql(c);
    uint8_t *bytes = sql->last_uuid;
    char text[36];
    size_t at = 0;

    (void)n;
    (void)v;
    if (!sql->looks_back) {
        sql->ops->random(sql->host, bytes, sizeof sql->last_uuid);
        bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    }
    for (size_t i = 0; i < sizeof sql->last_uuid; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[at++] = '-';
        }
        text[at++] = hex[bytes[i] >> 4];
        text[at++] = hex[bytes[i] & 15];
    }
    fn_result_text(c, text, sizeof text);
}

/* clang-format off */
#define F8 OID_FLOAT8
#define NU OID_NUMERIC
static const struct function rows[] = {
    { "pond_div", 2, 2, { 0 }, RESULT_COMMON, 0, FUNCTION_INTERNAL, NULL, div_int, NULL, NULL },
    { "pond_divide", 2, 2, { 0 }, RESULT_COMMON, 0, FUNCTION_INTERNAL, NULL, divide, NULL, NULL },
    { "pond_mod", 2, 2, { 0 }, RESULT_COMMON, 0, FUNCTION_INTERNAL, NULL, mod, NULL, NULL },
    { "pond_power", 2, 2, { 0 }, RESULT_NUMBER, 0, FUNCTION_INTERNAL, NULL, power, NULL, NULL },
    { "pond_xor", 2, 2, { 0 }, RESULT_COMMON, 0, FUNCTION_INTERNAL, NULL, xor_int, NULL, NULL },
    { "div", 2, 2, { NU, NU }, RESULT_FIXED, NU, 0, "pond_div", NULL, NULL, NULL },
    { "mod", 2, 2, { 0 }, RESULT_COMMON, 0, 0, "pond_mod", NULL, NULL, NULL },
    { "power", 2, 2, { F8, F8 }, RESULT_FIXED, F8, 0, "pond_power", NULL, NULL, NULL },
    { "power", 2, 2, { NU, NU }, RESULT_FIXED, NU, 0, "pond_power", NULL, NULL, NULL },
    { "pow", 2, 2, { F8, F8 }, RESULT_FIXED, F8, 0, "pond_power", NULL, NULL, NULL },
    { "pow", 2, 2, { NU, NU }, RESULT_FIXED, NU, 0, "pond_power", NULL, NULL, NULL },
    { "abs", 1, 1, { 0 }, RESULT_FIRST, 0, 0, NULL, NULL, NULL, NULL },
    { "round", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_rint", round_float, NULL, NULL },
    { "round", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_round", NULL, NULL, NULL },
    { "round", 2, 2, { NU, OID_INT4 }, RESULT_FIXED, NU, 0, "pond_round", NULL, NULL, NULL },
    { "pond_round", 1, 2, { 0 }, RESULT_FIRST, 0, FUNCTION_INTERNAL, NULL, round_numeric, NULL, NULL },
    { "trunc", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_truncf", trunc_float, NULL, NULL },
    { "trunc", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_trunc", NULL, NULL, NULL },
    { "trunc", 2, 2, { NU, OID_INT4 }, RESULT_FIXED, NU, 0, "pond_trunc", NULL, NULL, NULL },
    { "pond_trunc", 1, 2, { 0 }, RESULT_FIRST, 0, FUNCTION_INTERNAL, NULL, trunc_numeric, NULL, NULL },
    { "ceil", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_ceil", ceil_any, NULL, NULL },
    { "ceil", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_ceil", NULL, NULL, NULL },
    { "ceiling", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_ceil", NULL, NULL, NULL },
    { "ceiling", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_ceil", NULL, NULL, NULL },
    { "floor", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_floor", floor_any, NULL, NULL },
    { "floor", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_floor", NULL, NULL, NULL },
    { "sign", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_sign", sign_any, NULL, NULL },
    { "sign", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_sign", NULL, NULL, NULL },
    { "sqrt", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_sqrt", square_root, NULL, NULL },
    { "sqrt", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_sqrt", NULL, NULL, NULL },
    { "cbrt", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, cube_root, NULL, NULL },
    { "exp", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "exp", 1, 1, { NU }, RESULT_FIXED, NU, 0, NULL, NULL, NULL, NULL },
    { "ln", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_ln", ln_any, NULL, NULL },
    { "ln", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_ln", NULL, NULL, NULL },
    { "log", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_log", NULL, NULL, NULL },
    { "log", 1, 1, { NU }, RESULT_FIXED, NU, 0, "pond_log", NULL, NULL, NULL },
    { "log", 2, 2, { NU, NU }, RESULT_FIXED, NU, 0, "pond_log", NULL, NULL, NULL },
    { "log10", 1, 1, { F8 }, RESULT_FIXED, F8, 0, "pond_log", NULL, NULL, NULL },
    { "pond_log", 1, 2, { 0 }, RESULT_FIXED, F8, FUNCTION_INTERNAL, NULL, log_any, NULL, NULL },
    { "pi", 0, 0, { 0 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "degrees", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "radians", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "sin", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "cos", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "tan", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "asin", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "acos", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "atan", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "atan2", 2, 2, { F8, F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "sinh", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "cosh", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "tanh", 1, 1, { F8 }, RESULT_FIXED, F8, 0, NULL, NULL, NULL, NULL },
    { "gcd", 2, 2, { OID_INT8, OID_INT8 }, RESULT_COMMON, 0, 0, NULL, gcd, NULL, NULL },
    { "lcm", 2, 2, { OID_INT8, OID_INT8 }, RESULT_COMMON, 0, 0, NULL, lcm, NULL, NULL },
    { "random", 0, 0, { 0 }, RESULT_FIXED, F8, FUNCTION_VOLATILE, "pond_random", random_float, NULL, NULL },
    { "gen_random_uuid", 0, 0, { 0 }, RESULT_FIXED, OID_UUID, FUNCTION_VOLATILE, NULL, random_uuid, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_math_table, rows);
