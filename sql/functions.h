/* sql/functions.h: the functions that statements may call, a row each, and pond's own under SQLite.
 *
 * The rewriter looks a call up by name and argument types, prints `sqlite` in its place and takes
 * the result's type from the row. It knows itself, without a row: count, coalesce, greatest and
 * least, and all of pond's casts (sql/cast.h). A C function finds its struct sql_session * by
 * sqlite3_user_data(). Failures: function_fail().
 *
 * Operators become calls of these, which functions*.c must offer (NULL in, NULL out; storage forms
 * of base/cell.h): pond_div(a, b)              integers, truncating; 22012. The rewriter casts the
 * result's width pond_divide(a, b)           numeric and float; always a real quotient; 22012
 *   pond_mod(a, b)              22012
 *   pond_power(a, b)            the operator ^
 *   pond_regex_match(text, pattern, ignore_case)   the operator ~; 2201B for a bad pattern
 *   pond_ilike(text, pattern, escape)   escape: one character or '' for none; LIKE itself is
 * SQLite's, case sensitive pond_similar(text, pattern, escape) pond_timestamp_add(timestamp or
 * timestamptz or date, interval)  -> timestamp text (tz kept: "+00" at the end)
 *   pond_timestamp_sub(same, interval)
 *   pond_timestamp_diff(a, b)   -> interval
 *   pond_date_add(date, days)   -> date; days may be negative
 *   pond_date_diff(a, b)        -> integer days
 *   pond_time_add(time, interval), pond_time_sub(time, interval), pond_time_diff(a, b) -> interval
 *   pond_interval_add(a, b), pond_interval_sub(a, b), pond_interval_mul(i, number),
 * pond_interval_div(i, number) pond_interval_neg(i), pond_interval_key(i)  -> integer that orders
 * and compares intervals pond_json_get(json, key or index)  ->   · pond_json_get_text(...)  ->>  ·
 * pond_json_path(json, '{a,b}') #> pond_json_path_text(json, '{a,b}') #>>  · pond_json_contains(a,
 * b) @>   · pond_json_exists(json, key) ? pond_xor(a, b)              the operator # of integers
 *   pond_concat(a, b)           never needed: || is SQLite's
 * and, called by SQL syntax: extract/date_part(field, value), timezone(zone, value), overlay,
 * substring, position, btrim/ltrim/rtrim, now/statement_timestamp/clock_timestamp ... through their
 * rows. */
#pragma once

#include "base/failure.h"
#include "sql/types.h"

struct sql_session;
struct sqlite3_context;
struct sqlite3_value;

enum function_result {
    RESULT_FIXED,  /* `oid` */
    RESULT_FIRST,  /* the first argument's type (text when it is untyped) */
    RESULT_COMMON, /* the common type of all arguments */
    RESULT_SUM,    /* int2, int4 -> int8; int8, numeric -> numeric; floats as they are; interval */
    RESULT_AVG,    /* integers, numeric -> numeric; floats -> float8; interval */
    RESULT_NUMBER, /* floats -> float8, numeric and integers -> numeric: round, ceil, sqrt ... */
};

enum function_flags {
    FUNCTION_AGGREGATE = 1 << 0,
    FUNCTION_WINDOW = 1 << 1,   /* needs OVER: row_number, lag ... */
    FUNCTION_VOLATILE = 1 << 2, /* registered without SQLITE_DETERMINISTIC: random(), nextval() */
    FUNCTION_WRITES = 1 << 3,   /* takes the writer's place: nextval(), setval() */
    FUNCTION_ROWS = 1 << 4,     /* a set-returning one, in FROM only: a virtual table of that name.
                                   generate_series has no row here (rewrite_series.c) */
    FUNCTION_INTERNAL = 1 << 5, /* pond_*: registered, but no client may call it */
    FUNCTION_PASS_TYPES =
        1 << 6, /* each argument is followed by its type's oid: to_char(x, 1184, 'YYYY', 25) */
    FUNCTION_ALONE = 1 << 7, /* refuses to run in a transaction: none is begun for its statement */
};

enum { function_args_max = 6 };

struct function {
    const char *name; /* PostgreSQL's, folded, without schema */
    int8_t min_args;
    int8_t max_args;                  /* -1: any number */
    uint32_t args[function_args_max]; /* wanted types: choose the row and type literals and
                                         parameters; 0: any */
    enum function_result result;
    uint32_t oid;
    unsigned flags;
    const char *sqlite; /* the name printed; NULL: `name` */
    void (*call)(struct sqlite3_context *, int,
                 struct sqlite3_value **); /* NULL: SQLite has it or it is an alias */
    void (*step)(struct sqlite3_context *, int,
                 struct sqlite3_value **); /* aggregates of pond's own */
    void (*final)(struct sqlite3_context *);
};

/* The best row for these argument types (OID_UNKNOWN: untyped). NULL with *ret_known telling
 * whether the name exists. */
const struct function *function_find(const char *name, const uint32_t *arg_oids, size_t count,
                                     bool *ret_known);

/* Does the function of that name (SQLite's, or as pond registers it) give the same again when it is
 * called again in the same transaction, and does nothing else? */
bool function_is_steady(const char *sqlite_name);

/* Is there an aggregate of that name? */
bool function_is_aggregate(const char *name);

/* Registers all that has call or step on the session. 0 or FAILED. */
must_check int functions_register(struct sql_session *sql, struct failure *ret_failure);

/* For C functions: ends the statement with this failure. The text carries SQLSTATE and message as
 * pool's error mapping understands them ("pond:22012:division by zero"). */
void function_fail(struct sqlite3_context *context, const struct failure *failure);
