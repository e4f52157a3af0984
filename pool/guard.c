/* pool/guard.c: the authorizer, a table of what each action needs, and the limits.
 *
 * What the authorizer refuses it also words, since SQLite only says "not authorized". It may not
 * await. */
#include "pool/guard.h"

#include "async/task.h"
#include "pool/session_state.h"
#include "pool/sqltext.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* Half of a task's stack: what SQLite does between two questions to us needs less than the other
 * half. */
static const size_t stack_most = (size_t)POND_STACK_KIB * 1024 / 2;

static int deny(struct session *session, const char *sqlstate, const char *what, const char *name)
{
    struct guard_denial *denial = &session->guard.denial;

    snprintf(denial->sqlstate, sizeof(denial->sqlstate), "%s", sqlstate);
    snprintf(denial->message, sizeof(denial->message), "%s%s%s", what, name == NULL ? "" : " ",
             name == NULL ? "" : name);
    return SQLITE_DENY;
}

/* ---- one check per action; the arguments are those of sqlite3_set_authorizer() ---- */

static int check_attach(struct session *session, const char *file, const char *unused)
{
    (void)unused;
    if (session->vacuum && file != NULL && file[0] == '\0') {
        return SQLITE_OK;
    }
    return deny(session, "42501", "permission denied for", "ATTACH");
}

static int check_detach(struct session *session, const char *name, const char *unused)
{
    (void)name;
    (void)unused;
    return deny(session, "42501", "permission denied for", "DETACH");
}

static int check_pragma(struct session *session, const char *name, const char *arg)
{
    if (guard_pragma_allowed(name, arg)) {
        return SQLITE_OK;
    }
    return deny(session, "42501", "permission denied for PRAGMA", name);
}

static int compare_name(const void *key, const void *row)
{
    return strcasecmp(key, *(const char *const *)row);
}

/* Functions that reach outside of the database; those that this build has not are named all the
 * same. */
static int check_function(struct session *session, const char *unused, const char *name)
{
    static const char *const refused[] = {
        "edit", "fts3_tokenizer", "load_extension", "lsmode", "readfile", "writefile", "zipfile",
    };

    (void)unused;
    if (bsearch(name, refused, ARRAY_LEN(refused), sizeof(refused[0]), compare_name) == NULL &&
        (session->guard.allows == NULL || session->guard.allows(name))) {
        return SQLITE_OK;
    }
    return deny(session, "42501", "permission denied for function", name);
}

static int check_module(struct session *session, const char *table, const char *module)
{
    static const char *const allowed[] = {
        "fts3", "fts4", "fts4aux", "fts5", "fts5vocab", "geopoly", "rtree", "rtree_i32",
    };

    (void)table;
    if (bsearch(module, allowed, ARRAY_LEN(allowed), sizeof(allowed[0]), compare_name) != NULL) {
        return SQLITE_OK;
    }
    return deny(session, "42501", "permission denied for module", module);
}

static int note_temporary(struct session *session, const char *name, const char *unused)
{
    (void)name;
    (void)unused;
    session->has_temporary = true;
    return SQLITE_OK;
}

static int note_view(struct session *session, const char *name, const char *unused)
{
    (void)name;
    (void)unused;
    session->guard.creates_view = true;
    return SQLITE_OK;
}

static int note_temporary_view(struct session *session, const char *name, const char *unused)
{
    (void)note_temporary(session, name, unused);
    return note_view(session, name, unused);
}

static const struct {
    int action;
    int (*check)(struct session *session, const char *first, const char *second);
} checks[] = {
    { SQLITE_CREATE_TEMP_TABLE, note_temporary },
    { SQLITE_CREATE_TEMP_INDEX, note_temporary },
    { SQLITE_CREATE_TEMP_TRIGGER, note_temporary },
    { SQLITE_CREATE_TEMP_VIEW, note_temporary_view },
    { SQLITE_CREATE_VIEW, note_view },
    { SQLITE_PRAGMA, check_pragma },
    { SQLITE_ATTACH, check_attach },
    { SQLITE_DETACH, check_detach },
    { SQLITE_CREATE_VTABLE, check_module },
    { SQLITE_FUNCTION, check_function },
};

static int authorize(void *arg, int action, const char *first, const char *second,
                     const char *database, const char *accessor)
{
    struct session *session = arg;

    (void)database;
    (void)accessor;
    if (task_stack_used() > stack_most) {
        return deny(session, "54001", "stack depth limit exceeded", NULL);
    }
    if (session->internal > 0) {
        return SQLITE_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        if (checks[i].action == action) {
            return checks[i].check(session, first, second);
        }
    }
    return SQLITE_OK;
}

/* ---- pragmas ---- */

enum pragma_use {
    PRAGMA_ASK = 1 << 0, /* without an argument */
    PRAGMA_ARG = 1 << 1, /* its argument says what to look at; it changes nothing */
};

static const struct pragma {
    const char *name; /* first, for compare_name */
    unsigned use;
} pragmas[] = {
    { "application_id", PRAGMA_ASK },
    { "auto_vacuum", PRAGMA_ASK },
    { "busy_timeout", PRAGMA_ASK },
    { "cache_size", PRAGMA_ASK },
    { "collation_list", PRAGMA_ASK },
    { "compile_options", PRAGMA_ASK },
    { "data_version", PRAGMA_ASK },
    { "database_list", PRAGMA_ASK },
    { "defer_foreign_keys", PRAGMA_ASK },
    { "encoding", PRAGMA_ASK },
    { "foreign_key_check", PRAGMA_ASK | PRAGMA_ARG },
    { "foreign_key_list", PRAGMA_ARG },
    { "foreign_keys", PRAGMA_ASK },
    { "freelist_count", PRAGMA_ASK },
    { "function_list", PRAGMA_ASK },
    { "index_info", PRAGMA_ARG },
    { "index_list", PRAGMA_ARG },
    { "index_xinfo", PRAGMA_ARG },
    { "integrity_check", PRAGMA_ASK | PRAGMA_ARG },
    { "journal_mode", PRAGMA_ASK },
    { "max_page_count", PRAGMA_ASK },
    { "module_list", PRAGMA_ASK },
    { "page_count", PRAGMA_ASK },
    { "page_size", PRAGMA_ASK },
    { "pragma_list", PRAGMA_ASK },
    { "quick_check", PRAGMA_ASK | PRAGMA_ARG },
    { "schema_version", PRAGMA_ASK },
    { "table_info", PRAGMA_ARG },
    { "table_list", PRAGMA_ASK | PRAGMA_ARG },
    { "table_xinfo", PRAGMA_ARG },
    { "user_version", PRAGMA_ASK },
};

bool guard_pragma_allowed(const char *name, const char *arg)
{
    const struct pragma *pragma =
        bsearch(name, pragmas, ARRAY_LEN(pragmas), sizeof(pragmas[0]), compare_name);

    return pragma != NULL && (pragma->use & (arg == NULL ? PRAGMA_ASK : PRAGMA_ARG)) != 0;
}

/* ---- limits ---- */

static int longest_statement(const struct session *session)
{
    size_t bytes = session->options.statement_bytes;

    return bytes == 0 || bytes > 1 << 29 ? guard_statement_bytes : (int)bytes;
}

int guard_install(struct session *session)
{
    static const struct {
        int limit;
        int value;
    } limits[] = {
        { SQLITE_LIMIT_EXPR_DEPTH, guard_expression_depth },
        { SQLITE_LIMIT_COMPOUND_SELECT, guard_compound_terms },
        { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, guard_pattern_bytes },
        { SQLITE_LIMIT_VARIABLE_NUMBER, guard_parameters },
        { SQLITE_LIMIT_ATTACHED, 1 }, /* VACUUM's own */
        { SQLITE_LIMIT_WORKER_THREADS, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        sqlite3_limit(session->db, limits[i].limit, limits[i].value);
    }
    /* pond's own statements are not to fall under a small limit of the options */
    sqlite3_limit(session->db, SQLITE_LIMIT_SQL_LENGTH,
                  longest_statement(session) + guard_statement_bytes);
    return sqlite3_set_authorizer(session->db, authorize, session);
}

int guard_check_text(struct session *session, struct view sql, struct failure *ret_failure)
{
    size_t most = (size_t)longest_statement(session);

    if (sql.len > most) {
        failure_set(ret_failure, "54000", "statement is too long");
        failure_add(ret_failure, FIELD_DETAIL,
                    "Written out for SQLite it has %zu bytes; at most %zu are allowed.", sql.len,
                    most);
        failure_add(ret_failure, FIELD_HINT,
                    "Split it into several statements, send rows by COPY, or put long lists into "
                    "a temporary table.");
        return FAILED;
    }
    /* a short text has no room for that much */
    if (sql.len <= guard_statement_depth) {
        return 0;
    }
    struct sqltext_weight weight = sqltext_weigh(sql);
    if (weight.nesting > guard_nesting || weight.depth > guard_statement_depth) {
        failure_set(ret_failure, "54001", "stack depth limit exceeded");
        failure_add(ret_failure, FIELD_DETAIL,
                    "The statement's queries and expressions are nested too deeply.");
        return FAILED;
    }
    return 0;
}
