/* pool/sqlite_error.h: what SQLite says, as PostgreSQL would have said it.
 *
 * Every result code has its SQLSTATE (one sorted table); the texts that clients look at are
 * translated by a second table (sqlite_message.c); constraint errors get PostgreSQL's constraint
 * names (constraint.c). Keeps nothing. Loop's thread. */
#pragma once

#include "base/failure.h"
#include "pool/table_text.h"

struct sqlite3;
struct sqlite3_context;

/* The SQLSTATE of a result code, extended or not; XX000 for codes that nobody knows. */
const char *sqlite_error_sqlstate(int code);
bool sqlite_error_has_row(int code); /* for the test that walks the header */

/* Raises an error with its own SQLSTATE from an SQL function: it comes out of the running statement
 * as it is. For functions of sql/: `sqlite_error_raise(context, &failure)`. Message, detail and
 * hint are kept. */
void sqlite_error_raise(struct sqlite3_context *context, const struct failure *failure);

/* Holds any message that sqlite_error_raise() makes; SQLite's own are cut. */
enum { sqlite_message_bytes = failure_text_bytes + 32 };

/* The text of such an error, for a virtual table's zErrMsg. */
void sqlite_error_print(const struct failure *failure, char text[sqlite_message_bytes]);

/* The connection's last error, for the statement text `sql` (positions count in it). Asks the
 * schema for names of constraints and tables, so the failed statement must be reset before by the
 * caller, who passes what sqlite3_errmsg() and sqlite3_error_offset() said until then. Returns
 * FAILED. */
struct sqlite_error {
    struct sqlite3 *db;
    int code;            /* extended */
    const char *message; /* copied by the caller */
    int offset;          /* -1: unknown */
    struct view sql;
};
int sqlite_error_translate(const struct sqlite_error *error, struct failure *ret_failure);

/* sqlite_message.c: translates a text by the table of known ones. False: not known. */
bool sqlite_message_translate(const char *message, struct failure *ret_failure);

/* constraint.c: SQLITE_CONSTRAINT_*. Returns FAILED. */
int constraint_translate(const struct sqlite_error *error, struct failure *ret_failure);

enum { constraint_name_bytes = 2 * table_name_bytes };

/* constraint_schema.c: as PostgreSQL makes names up: orders_customer_id_fkey, t_a_b_key, t_pkey.
 * Columns are "a, b", or empty. Cut to size. */
void constraint_make_name(const char *table, const char *columns, const char *suffix, char *name,
                          size_t size);

/* The same: the name it was given, else a made up one. */
void constraint_name(struct sqlite3 *db, const char *table, enum table_constraint_kind kind,
                     const char *columns, char *name, size_t size);

/* constraint.c: 23505 of the constraint or index of that name. `table` may be empty. */
void constraint_tell_duplicate(const char *table, const char *name, struct failure *ret_failure);

/* constraint_key.c: 23503 of a key that the caller has found: its constraint's name is looked up.
 * `of_child`: a row of the child has no parent; else rows still refer to the parent's. */
void constraint_tell_foreign_key(struct sqlite3 *db, const char *child, const char *parent,
                                 const char *columns, bool of_child, struct failure *ret_failure);
