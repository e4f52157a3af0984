/* pool/session_prepare.c: texts become statements: taken from the session's cache, or prepared anew
 * once the guard has nothing against them. */
#include "pool/session_state.h"

#include "pool/guard.h"
#include "pool/sqltext.h"

#include <string.h>

/* Statements that change the schema are not worth keeping. */
static bool worth_keeping(const char *verb)
{
    static const char *const verbs[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "VALUES" };

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Transactions are txn.h's alone: SQLite must not begin or end one behind its back. */
static int check_transaction_verb(const char *verb, struct failure *ret_failure)
{
    static const char *const verbs[] = { "BEGIN",    "COMMIT",    "END",
                                         "ROLLBACK", "SAVEPOINT", "RELEASE" };

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return failure_set(ret_failure, "42501", "permission denied for %s", verb);
        }
    }
    return 0;
}

static int check_tail(struct view sql, const char *tail, struct failure *ret_failure)
{
    struct view rest = view_of(tail, sql.len - (size_t)((const uint8_t *)tail - sql.data));
    struct sqltext_token token = sqltext_next(&rest);

    if (token.kind == SQLTEXT_END) {
        return 0;
    }
    return failure_set(ret_failure, "42601",
                       "cannot insert multiple commands into a prepared statement");
}

/* What SQLite itself does not refuse. */
static int check_prepared(struct session *session, struct view sql, const char *verb,
                          sqlite3_stmt *stmt, const char *tail, struct failure *ret_failure)
{
    if (stmt == NULL) {
        return failure_set(ret_failure, "42601", "syntax error at end of input");
    }
    if (check_tail(sql, tail, ret_failure) != 0 || check_transaction_verb(verb, ret_failure) != 0) {
        return FAILED;
    }
    if (session->guard.creates_view) {
        return guard_check_views(session, sql, ret_failure);
    }
    return strcmp(verb, "ALTER TABLE") == 0 ? guard_check_table(session, sql, ret_failure) : 0;
}

static int prepare_anew(struct session *session, struct view sql, sqlite3_stmt **ret_stmt,
                        struct failure *ret_failure)
{
    sqlite3_stmt *stmt = NULL;
    const char *tail = NULL;
    char verb[32];

    if (guard_check_text(session, sql, ret_failure) != 0) {
        return FAILED;
    }
    session->guard.creates_view = false;
    session->guard.denial.sqlstate[0] = '\0';
    int rc = sqlite3_prepare_v3(session->db, (const char *)sql.data, (int)sql.len,
                                SQLITE_PREPARE_PERSISTENT, &stmt, &tail);
    if (rc != SQLITE_OK) {
        return session_fail(session, rc, sql, NULL, ret_failure);
    }
    sqltext_verb(sql, verb, sizeof(verb));
    int r = check_prepared(session, sql, verb, stmt, tail, ret_failure);
    if (r == 0 && stmt_cache_add(&session->cache, sql, worth_keeping(verb), stmt) != 0) {
        r = session_fail(session, SQLITE_NOMEM, sql, NULL, ret_failure);
    }
    if (r != 0) {
        sqlite3_finalize(stmt);
        return r;
    }
    *ret_stmt = stmt;
    return 0;
}

int session_prepare(struct session *session, struct view sql, sqlite3_stmt **ret_stmt,
                    struct failure *ret_failure)
{
    sqlite3_stmt *stmt = stmt_cache_take(&session->cache, sql);
    int r = 0;

    if (stmt == NULL) {
        session_enter(session);
        r = prepare_anew(session, sql, &stmt, ret_failure);
        session_leave(session);
    }
    if (r == 0) {
        *ret_stmt = stmt;
    }
    return r;
}

void session_release(struct session *session, sqlite3_stmt *stmt)
{
    session_enter(session);
    stmt_cache_release(&session->cache, stmt);
    session_leave(session);
}

void session_release_soon(struct session *session, sqlite3_stmt *stmt)
{
    session_enter(session);
    stmt_cache_release_soon(&session->cache, stmt);
    session_leave(session);
}
