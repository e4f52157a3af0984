/* sql/function_support.h: what the C functions share: arguments in, results out, dates and
 * intervals of both. */
#pragma once

#include "base/buf.h"
#include "protocol/datetime.h"
#include "sql/function_tables.h"

#include <sqlite3.h>

#define FN(name) static void name(sqlite3_context *c, int n, sqlite3_value **v)

/* True when an argument is NULL: the result then is NULL too (SQLite's result is NULL until set).
 */
bool fn_any_null(int n, sqlite3_value **v);

struct view fn_text(sqlite3_value *v);
struct sql_session *fn_sql(sqlite3_context *c);

/* A value as PostgreSQL prints it when its type's code is known (type_code() of sql/types.h): a
 * numeric with the digits it shows, all else as SQLite has it. */
must_check int fn_append_value(struct buf *out, sqlite3_value *v, uint32_t code);

void fn_result_text(sqlite3_context *c, const void *text, size_t len); /* copied */
void fn_result_str(sqlite3_context *c, const char *text);
/* The buffer's bytes, perhaps with the buffer; r is what its appends said. */
void fn_result_buf(sqlite3_context *c, struct buf *b, int r);
void fn_fail(sqlite3_context *c, const char *sqlstate, const char *format, ...) printf_like(3, 4);

/* The nearest double to the value at 15 digits: equal numerics then are equal doubles. */
double fn_settled(double d);

enum { fn_result_max = 64 * 1024 * 1024 };

/* ---- UTF-8 ---- */
size_t utf8_step(struct view text, size_t at); /* bytes of the character at `at` */
size_t utf8_chars(struct view text);
size_t utf8_offset(
    struct view text,
    size_t characters); /* bytes of so many first characters; the length when short */

/* ---- dates (storage forms) ---- */

/* A timestamp, timestamptz or date as microseconds since 2000; *ret_tz: it has an offset. 0 or
 * FAILED (22007, 22008). */
must_check int fn_read_timestamp(sqlite3_value *v, int64_t *ret_us, bool *ret_tz,
                                 struct failure *ret_failure);
must_check int fn_read_interval(sqlite3_value *v, struct interval *ret_interval,
                                struct failure *ret_failure);
/* The same for functions. False: failed. */
bool fn_timestamp(sqlite3_context *c, sqlite3_value *v, int64_t *ret_us, bool *ret_tz);
bool fn_interval(sqlite3_context *c, sqlite3_value *v, struct interval *ret_interval);
/* False: failed (22008). */
bool fn_result_timestamp(sqlite3_context *c, int64_t us, bool tz);
void fn_result_date(sqlite3_context *c, int64_t days);
void fn_result_interval(sqlite3_context *c, const struct interval *i);
