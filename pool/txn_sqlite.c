/* pool/txn_sqlite.c: BEGIN IMMEDIATE, COMMIT and ROLLBACK, and the writer's place around them. A
 * ROLLBACK is never interrupted, and may use more memory than the session has: what was begun must
 * be ended. */
#include "pool/txn_sqlite.h"

#include "async/await.h"
#include "async/task.h"
#include "pool/clone_impl.h"
#include "pool/durable.h"
#include "pool/vfs.h"
#include "pool/waits.h"

#include <errno.h>
#include <stdio.h>

static int step_own(struct session *session, enum txn_stmt which)
{
    static const char *const texts[TXN_STMTS] = { "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK" };
    sqlite3_stmt **stmt = &session->txn.stmts[which];
    int rc = SQLITE_OK;

    session->internal++;
    if (*stmt == NULL) {
        rc = sqlite3_prepare_v3(session->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, stmt,
                                NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(*stmt);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    session->internal--;
    return rc;
}

static void reset_own(struct session *session, enum txn_stmt which)
{
    if (session->txn.stmts[which] != NULL) {
        sqlite3_reset(session->txn.stmts[which]);
    }
}

/* SQLite's transaction is over. */
static void release_place(struct session *session)
{
    session->txn.begun = false;
    session->txn.stuck = false;
    clone_release_writer(session->clone, session);
}

/* Ends SQLite's transaction, if there is one. False: there was no memory for it, and it stays open.
 */
bool txn_sqlite_rollback(struct session *session)
{
    size_t limit = session->account.limit;

    if (sqlite3_get_autocommit(session->db) == 0) {
        session->account.limit = 0;
        session->unstoppable++;
        (void)step_own(session, TXN_STMT_ROLLBACK);
        reset_own(session, TXN_STMT_ROLLBACK);
        session->unstoppable--;
        session->account.limit = limit;
    }
    session->txn.stuck = sqlite3_get_autocommit(session->db) == 0;
    if (!session->txn.stuck) {
        release_place(session);
    }
    return !session->txn.stuck;
}

void txn_check_lost(struct session *session)
{
    struct txn *txn = &session->txn;

    if (txn->begun && sqlite3_get_autocommit(session->db) != 0) {
        txn->lost = true;
        release_place(session);
    }
}

/* ---- the writer's place ---- */

/* The wait was ended by somebody else: which of the reasons was it? */
static int place_cancelled(struct session *session, struct failure *ret_failure)
{
    if (session->stop == STOP_NONE && session->options.should_stop != NULL) {
        session->stop = session->options.should_stop(session->options.owner);
    }
    if (session->stop == STOP_NONE) {
        session->stop = STOP_SHUTDOWN;
    }
    return session_fail_stopped(session, ret_failure);
}

static int await_place(struct session *session, int64_t deadline_us)
{
    struct account *own = account_swap(session->outer);

    session->waiter = task_current();
    int r = clone_await_writer(session->clone, session, deadline_us);
    if (session->waiter_stopped) {
        task_uncancel(session->waiter); /* it was meant for this wait alone */
    }
    session->waiter_stopped = false;
    session->waiter = NULL;
    account_swap(own);
    return r;
}

/* Says in whose way it was. */
static int fail_lock_timeout(const struct session *session, struct failure *ret_failure)
{
    const struct session *holder = clone_holder(session->clone);
    struct session_who who = { 0 };

    failure_set(ret_failure, "55P03", "canceling statement due to lock timeout");
    if (holder == NULL || holder->options.who == NULL) {
        return FAILED;
    }
    who = holder->options.who(holder->options.owner);
    failure_add(ret_failure, FIELD_DETAIL,
                "Process %d has been writing to the database for %.1f s; its statement is: %.*s",
                who.pid, (double)(session_now_us() - holder->place_since_us) / 1e6,
                (int)who.statement.len, (const char *)who.statement.data);
    failure_add(ret_failure, FIELD_HINT,
                "Writers of one database take turns: commit early, or raise lock_timeout.");
    return FAILED;
}

int txn_sqlite_take_place(struct session *session, struct failure *ret_failure)
{
    bool had = clone_has_writer(session->clone, session);
    int64_t lock = session_lock_deadline(session);
    bool statement_first = session->deadline_us <= lock && session->deadline_us != DEADLINE_NONE;

    if (session->stop != STOP_NONE) {
        return session_fail_stopped(session, ret_failure);
    }
    session->waits_since_us = session_now_us();
    session->waits_for_place = clone_holder(session->clone) != NULL && !had;
    int r = session->waits_for_place ? waits_check_circle(session, ret_failure) : 0;
    if (r == 0) {
        r = await_place(session, statement_first ? session->deadline_us : lock);
    }
    session->waits_for_place = false;
    if (r == FAILED) {
        return FAILED;
    }
    if (r == 0) {
        session->place_since_us = had ? session->place_since_us : session_now_us();
        return 0;
    }
    if (r == -ETIMEDOUT && !statement_first) {
        return fail_lock_timeout(session, ret_failure);
    }
    if (r == -ETIMEDOUT) {
        session->stop = STOP_STATEMENT_TIMEOUT;
        return session_fail_stopped(session, ret_failure);
    }
    return place_cancelled(session, ret_failure);
}

/* ---- SQLite's transaction begins ---- */

int txn_sqlite_savepoint(struct session *session, const char *verb, size_t number)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "%s s%zu", verb, number);
    return session_run_internal(session, sql);
}

static int begin_sqlite(struct session *session)
{
    struct txn *txn = &session->txn;
    int rc = step_own(session, TXN_STMT_BEGIN);

    for (size_t i = 0; rc == SQLITE_OK && i < txn->savepoint_count; i++) {
        rc = txn_sqlite_savepoint(session, "SAVEPOINT", i);
    }
    if (rc == SQLITE_OK && txn->defer_constraints) {
        rc = session_run_internal(session, "PRAGMA defer_foreign_keys=1");
    }
    return rc;
}

int txn_sqlite_begin(struct session *session, struct failure *ret_failure)
{
    struct txn *txn = &session->txn;

    if (txn->begun) {
        return 0;
    }
    if (txn_sqlite_take_place(session, ret_failure) != 0) {
        return FAILED;
    }
    if (!vfs_root_is_newest(session->db)) {
        release_place(session);
        return failure_set(ret_failure, "40001",
                           "could not serialize access due to concurrent update");
    }
    int rc = begin_sqlite(session);
    reset_own(session, TXN_STMT_BEGIN);
    if (rc != SQLITE_OK) {
        (void)session_fail(session, rc, view_of_str("BEGIN"), NULL, ret_failure);
        (void)txn_sqlite_rollback(session);
        return FAILED;
    }
    txn->begun = true;
    txn->begun_at = txn->savepoint_count;
    return 0;
}

/* COMMIT in SQLite. A deferred foreign key that fails leaves SQLite's transaction open: it is
 * looked up there, and then rolled back. */
int txn_sqlite_commit(struct session *session, struct failure *ret_failure)
{
    if (!session->txn.begun) {
        return 0;
    }
    session->unstoppable++;
    int rc = step_own(session, TXN_STMT_COMMIT);
    int r = 0;
    if (rc != SQLITE_OK) {
        r = session_fail(session, rc, view_of_str("COMMIT"), session->txn.stmts[TXN_STMT_COMMIT],
                         ret_failure);
    }
    reset_own(session, TXN_STMT_COMMIT);
    session->unstoppable--;
    return r;
}

/* A cancel of the statement does not end the wait: it is committed. One of the task does; then the
 * client is gone, or will be. */
int txn_sqlite_await_version(struct session *session, uint64_t version, struct failure *ret_failure)
{
    struct durable *durable = session->clone->durable;

    if (durable == NULL) {
        return 0;
    }
    struct account *own = account_swap(session->outer);
    int r = durable_await(durable, version, ret_failure);

    account_swap(own);
    if (r == FAILED) {
        vfs_forget_published(session->db);
    }
    return r == -ECANCELED ? place_cancelled(session, ret_failure) : r;
}
