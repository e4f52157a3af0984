/* pool/txn.c: blocks as PostgreSQL has them, SQLite's transaction only from the first write on.
 *
 * Until then BEGIN and SAVEPOINT (txn_savepoint.c) are notes. The first write stands in the clone's
 * line for the writer's place, then runs BEGIN IMMEDIATE and the savepoints noted so far. A
 * ROLLBACK is never interrupted, and may use more memory than the session has: what was begun must
 * be ended. */
#include "pool/txn_sqlite.h"

#include "pool/clone.h"
#include "pool/sqltext.h"
#include "pool/vfs.h"

#include <errno.h>

static bool in_transaction(const struct txn *txn)
{
    return txn->explicit_ || txn->implicit;
}

enum txn_status txn_status(const struct session *session)
{
    const struct txn *txn = &session->txn;

    if (!txn->explicit_) {
        return TXN_IDLE;
    }
    return txn->failed ? TXN_FAILED : TXN_BLOCK;
}

struct txn_modes txn_modes(const struct session *session)
{
    return session->txn.modes;
}

bool txn_is_explicit(const struct session *session)
{
    return session->txn.explicit_;
}

bool txn_is_open(const struct session *session)
{
    return in_transaction(&session->txn);
}

bool txn_is_block(const struct session *session)
{
    return session->txn.explicit_ || session->txn.several;
}

/* The transaction is over, as far as its client can tell. */
static void end_transaction(struct session *session)
{
    struct txn *txn = &session->txn;

    txn_forget_savepoints(txn, 0);
    txn->explicit_ = false;
    txn->implicit = false;
    txn->several = false;
    txn->pipelined = false;
    txn->alone = false;
    txn->failed = false;
    txn->lost = false;
    txn->touched = false;
    txn->defer_constraints = false;
    txn->modes = txn->defaults;
    cursor_drop_root(session);
    advisory_end_transaction(session);
}

static void roll_back(struct session *session)
{
    cursor_end_all(session);
    (void)txn_sqlite_rollback(session);
    end_transaction(session);
}

void txn_forget_statements(struct session *session)
{
    for (size_t i = 0; i < TXN_STMTS; i++) {
        sqlite3_finalize(take_ptr(session->txn.stmts[i]));
    }
}

void txn_finish(struct session *session)
{
    txn_forget_savepoints(&session->txn, 0);
    mem_free(session->txn.savepoints);
    txn_forget_statements(session);
}

bool txn_has_root(const struct session *session)
{
    const struct txn *txn = &session->txn;

    return in_transaction(txn) && txn->touched && txn->modes.isolation != TXN_READ_COMMITTED;
}

/* ---- before and after each statement ---- */

static int check_read_only(struct session *session, enum txn_need need, struct view sql,
                           struct failure *ret_failure)
{
    char verb[64];

    if (!session->txn.modes.read_only || need == TXN_READ) {
        return 0;
    }
    sqltext_verb(sql, verb, sizeof(verb));
    return failure_set(ret_failure, "25006", "cannot execute %s%s in a read-only transaction", verb,
                       need == TXN_LOCK ? " FOR UPDATE" : "");
}

/* A transaction that a ROLLBACK could not end for want of memory. */
static int unstick(struct session *session, struct failure *ret_failure)
{
    return !session->txn.stuck || txn_sqlite_rollback(session) ? 0 : failure_set_nomem(ret_failure);
}

/* Somebody has rewound the clone under this transaction. */
static int check_not_rewound(const struct session *session, struct failure *ret_failure)
{
    const struct txn *txn = &session->txn;

    if (!txn->touched || txn->rewinds == clone_rewinds(session->clone)) {
        return 0;
    }
    failure_set(ret_failure, "40001", "could not serialize access due to a rewind of the database");
    failure_add(ret_failure, FIELD_HINT, "The transaction might succeed if retried.");
    return FAILED;
}

static void note_touched(struct session *session)
{
    struct txn *txn = &session->txn;

    if (!txn->touched && in_transaction(txn)) {
        txn->touched = true;
        txn->rewinds = clone_rewinds(session->clone);
    }
}

/* The writer's place, and in a transaction SQLite's. */
static int take_turn(struct session *session, enum txn_need need, struct failure *ret_failure)
{
    bool had = clone_has_writer(session->clone, session);
    int r = need == TXN_VACUUM || !in_transaction(&session->txn)
                ? txn_sqlite_take_place(session, ret_failure)
                : txn_sqlite_begin(session, ret_failure);

    return r == 0 && !had ? txn_check_schema(session, ret_failure) : r;
}

int txn_enter(struct session *session, enum txn_need need, struct view sql,
              struct failure *ret_failure)
{
    struct txn *txn = &session->txn;
    bool fixed_root = txn->modes.isolation != TXN_READ_COMMITTED && in_transaction(txn);
    int r = 0;

    if (unstick(session, ret_failure) != 0 ||
        check_read_only(session, need, sql, ret_failure) != 0) {
        return FAILED;
    }
    if (check_not_rewound(session, ret_failure) != 0) {
        return FAILED;
    }
    if (need == TXN_VACUUM && (txn->explicit_ || txn->begun)) {
        return failure_set(ret_failure, "25001", "VACUUM cannot run inside a transaction block");
    }
    if (fixed_root && need == TXN_READ) {
        vfs_hold_root(session->db);
    }
    if (need != TXN_READ) {
        r = take_turn(session, need, ret_failure);
    }
    if (r == 0 && fixed_root) {
        vfs_hold_root(session->db);
    }
    /* again: it may have waited for the place */
    if (r == 0 && check_not_rewound(session, ret_failure) != 0) {
        r = FAILED;
    }
    note_touched(session);
    return r;
}

void txn_leave(struct session *session)
{
    if (!session->txn.begun && !session->txn.stuck) {
        clone_release_writer(session->clone, session);
    }
}

int txn_settle(struct session *session, struct failure *ret_failure)
{
    return session->txn.begun
               ? 0
               : txn_sqlite_await_version(session, vfs_published(session->db), ret_failure);
}

/* ---- blocks ---- */

int txn_begin(struct session *session, struct txn_modes modes, struct failure *ret_failure)
{
    struct txn *txn = &session->txn;

    if (unstick(session, ret_failure) != 0) {
        return FAILED;
    }
    if (txn->explicit_) {
        return 0; /* the caller has warned */
    }
    txn->explicit_ = true;
    txn->implicit = false; /* what ran in it so far belongs to the block */
    txn->several = false;
    txn->pipelined = false;
    txn->modes = modes;
    return 0;
}

void txn_set_default_modes(struct session *session, struct txn_modes modes)
{
    struct txn *txn = &session->txn;

    txn->defaults = modes;
    if (!in_transaction(txn)) {
        txn->modes = modes;
    }
}

struct txn_modes txn_default_modes(const struct session *session)
{
    return session->txn.defaults;
}

int txn_set_modes(struct session *session, struct txn_modes modes, struct failure *ret_failure)
{
    struct txn *txn = &session->txn;

    if (txn->touched && modes.isolation != txn->modes.isolation) {
        return failure_set(ret_failure, "25001",
                           "SET TRANSACTION ISOLATION LEVEL must be called before any query");
    }
    if (txn->savepoint_count > 0 && modes.isolation != txn->modes.isolation) {
        return failure_set(
            ret_failure, "25001",
            "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
    }
    if (txn->touched && txn->modes.read_only && !modes.read_only) {
        return failure_set(ret_failure, "25001",
                           "transaction read-write mode must be set before any query");
    }
    if (in_transaction(txn)) {
        txn->modes = modes;
    }
    return 0;
}

static int commit(struct session *session, struct failure *ret_failure)
{
    if (cursor_keep_held(session, ret_failure) != 0) {
        roll_back(session);
        return FAILED;
    }
    cursor_end_all(session);
    int r = txn_sqlite_commit(session, ret_failure);
    (void)txn_sqlite_rollback(session); /* what is left of a failed one */
    if (r == 0) {
        r = txn_settle(session, ret_failure);
    }
    end_transaction(session);
    return r;
}

int txn_commit(struct session *session, bool *ret_rolled_back, struct failure *ret_failure)
{
    bool failed = session->txn.failed || session->txn.lost;
    int r = 0;

    if (!in_transaction(&session->txn)) {
        *ret_rolled_back = false;
        return 0;
    }
    session_enter(session);
    if (failed) {
        roll_back(session);
    } else {
        r = commit(session, ret_failure);
    }
    session_leave(session);
    if (r == 0) {
        *ret_rolled_back = failed;
    }
    return r;
}

int txn_rollback(struct session *session, struct failure *ret_failure)
{
    /* One that finds no memory is tried again before the next statement. */
    (void)ret_failure;
    session_enter(session);
    roll_back(session);
    session_leave(session);
    return 0;
}

/* ---- implicit transactions ---- */

void txn_implicit_begin(struct session *session)
{
    session->txn.implicit = !session->txn.explicit_;
}

void txn_implicit_begin_several(struct session *session)
{
    txn_implicit_begin(session);
    session->txn.several = session->txn.implicit;
}

int txn_stand_alone(struct session *session, const char *what, struct failure *ret_failure)
{
    struct txn *txn = &session->txn;

    if (txn_is_block(session)) {
        return failure_set(ret_failure, "25001", "%s cannot run inside a transaction block", what);
    }
    if (txn->pipelined) {
        return failure_set(ret_failure, "25001", "%s cannot be executed within a pipeline", what);
    }
    txn->alone = true;
    return 0;
}

bool txn_stands_alone(const struct session *session)
{
    return session->txn.alone;
}

void txn_pipelined(struct session *session)
{
    session->txn.pipelined = session->txn.implicit;
}

int txn_implicit_end(struct session *session, struct failure *ret_failure)
{
    session->txn.alone = false;
    if (!session->txn.implicit) {
        return 0;
    }
    session_enter(session);
    int r = commit(session, ret_failure);
    session_leave(session);
    return r;
}

/* A block without savepoints can only be rolled back now: SQLite does it at once, so that nobody
 * waits for the place of a block that has failed. */
void txn_failed(struct session *session)
{
    struct txn *txn = &session->txn;

    txn->alone = false;
    session_enter(session);
    if (txn->explicit_) {
        txn->failed = true;
        if (txn->savepoint_count == 0) {
            cursor_end_all(session);
            (void)txn_sqlite_rollback(session);
            cursor_drop_root(session);
            advisory_end_transaction(session);
        } else {
            advisory_rollback_to(session, txn->savepoint_count - 1);
        }
    } else if (txn->implicit) {
        roll_back(session);
    }
    session_leave(session);
}
