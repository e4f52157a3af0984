/* sql/functions.c: finding and registering the functions of the tables in function_*.c. */
#include "sql/functions.h"

#include "pool/session.h"
#include "pool/sqlite_error.h"
#include "sql/function_tables.h"
#include "sql/session_state.h"

#include <sqlite3.h>
#include <strings.h>

static const struct function_table *const tables[] = {
    &function_text_table,     &function_math_table,     &function_date_table,
    &function_interval_table, &function_json_table,     &function_json_build_table,
    &function_system_table,   &function_sequence_table, &function_aggregate_table,
    &function_sqlite_table,   &function_cursor_table,   &function_database_table,
    &function_backend_table,  &function_role_table,     &function_array_table,
    &function_pond_table,     &function_lock_table,
};

/* How well an argument fits: 0 not at all. */
static int fit_one(uint32_t wanted, uint32_t given)
{
    if (wanted == 0) {
        return 2;
    }
    if (wanted == given) {
        return 6;
    }
    if (given == 0 || given == OID_UNKNOWN) {
        return wanted == OID_TEXT ? 4 : 3; /* a string, if nothing speaks against it */
    }
    if (type_is_string(wanted) && type_is_string(given)) {
        return 5;
    }
    if (type_is_number(wanted) && type_is_number(given)) {
        return (wanted == OID_FLOAT8) == type_is_integer(given) ? 4
                                                                : 3; /* integers become floats */
    }
    if (type_is_date(wanted) && type_is_date(given)) {
        return (wanted == OID_INTERVAL) == (given == OID_INTERVAL) ? 3 : 0;
    }
    return 0;
}

static int fit(const struct function *row, const uint32_t *oids, size_t count)
{
    int sum = 1;

    if (count < (size_t)row->min_args || (row->max_args >= 0 && count > (size_t)row->max_args)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        int one = fit_one(i < function_args_max ? row->args[i] : 0, oids[i]);
        if (one == 0) {
            return 0;
        }
        sum += one;
    }
    return sum;
}

const struct function *function_find(const char *name, const uint32_t *arg_oids, size_t count,
                                     bool *ret_known)
{
    const struct function *best = NULL;
    int best_fit = 0;

    *ret_known = false;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct function *row = &tables[t]->rows[i];
            if (strcmp(row->name, name) != 0) {
                continue;
            }
            *ret_known = true;
            int f = fit(row, arg_oids, count);
            if (f > best_fit) {
                best = row;
                best_fit = f;
            }
        }
    }
    return best;
}

bool function_is_aggregate(const char *name)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct function *row = &tables[t]->rows[i];
            if ((row->flags & FUNCTION_AGGREGATE) != 0 && strcmp(row->name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* ---- what may be asked twice ---- */

static bool is_listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_volatile(const char *sqlite_name)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct function *row = &tables[t]->rows[i];
            const char *name = row->sqlite != NULL ? row->sqlite : row->name;

            if ((row->flags & (FUNCTION_VOLATILE | FUNCTION_WRITES | FUNCTION_ALONE)) != 0 &&
                strcasecmp(name, sqlite_name) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool function_is_steady(const char *sqlite_name)
{
    static const char *const sqlites[] = {
        "changes",  "current_date",  "current_time", "current_timestamp",
        "date",     "datetime",      "julianday",    "last_insert_rowid",
        "random",   "randomblob",    "strftime",     "time",
        "timediff", "total_changes", "unixepoch",
    };
    /* they hang on the transaction's time or on settings */
    static const char *const steady[] = {
        "age",
        "current_database",
        "current_setting",
        "current_user",
        "date_trunc",
        "extract",
        "localtime",
        "localtimestamp",
        "make_timestamptz",
        "now",
        "pg_backend_pid",
        "pond_current_date",
        "pond_current_time",
        "pond_date_trunc_date",
        "pond_timestamp_add",
        "pond_timestamp_sub",
        "statement_timestamp",
        "to_char",
    };

    return !is_listed(sqlites, ARRAY_LEN(sqlites), sqlite_name) &&
           (is_listed(steady, ARRAY_LEN(steady), sqlite_name) || !is_volatile(sqlite_name));
}

/* ---- registering ---- */

/* The function finds the sql_session through the pool session, which may outlive it. */
static int register_row(struct session *session, const struct function *row)
{
    struct sqlite3 *db = session_sqlite(session);
    const char *name = row->sqlite != NULL ? row->sqlite : row->name;
    int args = row->min_args == row->max_args && (row->flags & FUNCTION_PASS_TYPES) == 0
                   ? row->min_args
                   : -1;
    int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS |
                ((row->flags & FUNCTION_VOLATILE) != 0 ? 0 : SQLITE_DETERMINISTIC);

    return sqlite3_create_function_v2(db, name, args, flags, session, row->call, row->step,
                                      row->final, NULL);
}

int functions_register(struct sql_session *sql, struct failure *f)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct function *row = &tables[t]->rows[i];
            if ((row->call != NULL || row->step != NULL) &&
                register_row(sql->session, row) != SQLITE_OK) {
                return failure_set_nomem(f);
            }
        }
    }
    return functions_register_sums(sql, f);
}

void function_fail(struct sqlite3_context *context, const struct failure *failure)
{
    sqlite_error_raise(context, failure);
}
