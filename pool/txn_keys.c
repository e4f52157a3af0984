/* pool/txn_keys.c: when foreign keys are looked at: SQLite does it at the end of each of its
 * statements, or at COMMIT when told to defer. It counts all that are violated together, so it only
 * ever says whether there are any. */
#include "pool/txn_sqlite.h"

static bool is_violated(const struct session *session)
{
    int pending = 0;
    int unused = 0;

    sqlite3_db_status(session->db, SQLITE_DBSTATUS_DEFERRED_FKS, &pending, &unused, 0);
    return pending != 0;
}

bool txn_keys_are_violated(const struct session *session)
{
    return session->txn.begun && !session->txn.failed && is_violated(session);
}

/* The rows that violate one are still there: they are looked up, as at COMMIT. */
static int fail_violated(struct session *session, struct failure *ret_failure)
{
    return session_fail(session, SQLITE_CONSTRAINT_FOREIGNKEY, view_of_str("COMMIT"), NULL,
                        ret_failure);
}

/* Before SQLite's transaction has begun it is a note only. SQLite's code. */
static int set_deferred(struct session *session, bool deferred)
{
    session->txn.defer_constraints = deferred;
    if (!session->txn.begun) {
        return SQLITE_OK;
    }
    return session_run_internal(session, deferred ? "PRAGMA defer_foreign_keys=1"
                                                  : "PRAGMA defer_foreign_keys=0");
}

int txn_defer_constraints(struct session *session, bool deferred, struct failure *ret_failure)
{
    int r = 0;

    if (!txn_is_open(session)) {
        return 0;
    }
    session_enter(session);
    if (!deferred && session->txn.begun && is_violated(session)) {
        r = fail_violated(session, ret_failure);
    } else {
        int rc = set_deferred(session, deferred);

        r = rc == SQLITE_OK
                ? 0
                : session_fail(session, rc, view_of_str("SET CONSTRAINTS"), NULL, ret_failure);
    }
    session_leave(session);
    return r;
}

bool txn_late_keys_begin(struct session *session)
{
    bool can = txn_is_open(session) && !session->txn.defer_constraints && !is_violated(session);

    session_enter(session);
    if (can && set_deferred(session, true) != SQLITE_OK) {
        session->txn.defer_constraints = false;
        can = false;
    }
    session_leave(session);
    return can;
}

int txn_late_keys_end(struct session *session, int result, struct failure *ret_failure)
{
    session_enter(session);
    if (result == 0 && session->txn.begun && is_violated(session)) {
        result = fail_violated(session, ret_failure);
    }
    (void)set_deferred(session,
                       false); /* on no memory it stays until the block's end, as for all */
    session_leave(session);
    return result;
}
