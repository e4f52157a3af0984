/* pool/sqlite_call.h: what is asked of a connection of SQLite's in one go. Any thread that has the
 * connection; answers are SQLite's codes. */
#pragma once

#include "base/defs.h"

#include <sqlite3.h>
#include <stdbool.h>

/* The one number that the statement gives: a pragma's value. *ret_value is set when it is
 * SQLITE_OK. */
must_check int sqlite_ask(sqlite3 *db, const char *sql, int64_t *ret_value);

/* Makes `to` what `from` is, by the backup API: wholly, or not at all. `stop`, which any thread may
 * set, ends it with SQLITE_INTERRUPT; NULL: never. Neither may be in a transaction. */
must_check int sqlite_copy(sqlite3 *to, sqlite3 *from, const _Atomic bool *stop);

static inline void sqlite_closep(sqlite3 *const *db) /* for cleanup(); NULL is fine */
{
    sqlite3_close(*db);
}
