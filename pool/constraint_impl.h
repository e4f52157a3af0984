/* pool/constraint_impl.h: what the translations of constraint errors share: questions to the
 * schema, the table that a statement changes, fields. Private to pool/constraint*.c. */
#pragma once

#include "pool/sqlite_error.h"
#include "pool/table_text.h"

#include <sqlite3.h>

enum { constraint_list_bytes = 512 };

/* ---- asking the schema (no memory: no rows) ---- */

/* Calls fn for each row of a query with one text parameter; it ends early when fn says false. */
void schema_each_row(struct sqlite3 *db, const char *sql, const char *param,
                     bool (*fn)(sqlite3_stmt *, void *), void *arg);

/* A column of the row; "" for NULL. Lives as the row does. */
const char *schema_text(sqlite3_stmt *stmt, int i);

/* A constraint of this kind in a table's text. */
struct constraint_search {
    enum table_constraint_kind kind;
    const char *columns; /* NULL: any */
    const char *name;    /* NULL: any */
    struct table_constraint found;
    bool is_found;
};
void constraint_find(struct sqlite3 *db, const char *table, struct constraint_search *search);

/* ---- the failed statement ---- */

/* What stands behind "... constraint failed: ". */
const char *constraint_subject(const char *message);

/* Which table does it change? */
struct constraint_target {
    char verb[16];
    char table[table_name_bytes];
};
void constraint_find_target(struct view sql, struct constraint_target *ret_target);

/* `table` may be empty, `column` and `constraint` NULL. */
void constraint_add_fields(struct failure *f, const char *table, const char *column,
                           const char *constraint);

/* ---- constraint_check.c, constraint_key.c; they return FAILED ---- */

int constraint_translate_check(const struct sqlite_error *error, struct failure *ret_failure);
int constraint_translate_foreign_key(const struct sqlite_error *error, struct failure *ret_failure);
