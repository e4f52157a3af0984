/* pool/txn_savepoint.c: savepoints of a block: notes, until SQLite's transaction has begun. SQLite
 * knows number i as "s<i>", so that names need no quoting and may repeat. */
#include "pool/txn_sqlite.h"

#include <errno.h>

enum { savepoints_most = 4096 };

size_t txn_savepoints(const struct session *session)
{
    return session->txn.savepoint_count;
}

void txn_forget_savepoints(struct txn *txn, size_t from)
{
    while (txn->savepoint_count > from) {
        mem_free(txn->savepoints[--txn->savepoint_count]);
    }
}

static int check_savepoint_verb(const struct session *session, const char *verb,
                                struct failure *ret_failure)
{
    if (session->txn.explicit_) {
        return 0;
    }
    return failure_set(ret_failure, "25P01", "%s can only be used in transaction blocks", verb);
}

static int check_not_failed(const struct session *session, struct failure *ret_failure)
{
    if (!session->txn.failed) {
        return 0;
    }
    return failure_set(
        ret_failure, "25P02",
        "current transaction is aborted, commands ignored until end of transaction block");
}

/* The youngest of that name. */
static int find_savepoint(const struct txn *txn, struct view name, size_t *ret_number,
                          struct failure *ret_failure)
{
    for (size_t i = txn->savepoint_count; i-- > 0;) {
        if (view_equal_str(name, txn->savepoints[i])) {
            *ret_number = i;
            return 0;
        }
    }
    return failure_set(ret_failure, "3B001", "savepoint \"%.*s\" does not exist", (int)name.len,
                       (const char *)name.data);
}

static int push_savepoint(struct txn *txn, struct view name)
{
    if (txn->savepoint_count == txn->savepoint_cap) {
        size_t cap = txn->savepoint_cap == 0 ? 4 : txn->savepoint_cap * 2;
        char **grown = mem_realloc(txn->savepoints, cap * sizeof(*grown));

        if (grown == NULL) {
            return -ENOMEM;
        }
        txn->savepoints = grown;
        txn->savepoint_cap = cap;
    }
    char *copy = mem_strndup(name.data, name.len);
    if (copy == NULL) {
        return -ENOMEM;
    }
    txn->savepoints[txn->savepoint_count++] = copy;
    return 0;
}

static int add_savepoint(struct session *session, struct view name, struct failure *ret_failure)
{
    struct txn *txn = &session->txn;

    if (txn->savepoint_count == savepoints_most) {
        return failure_set(ret_failure, "54000", "too many savepoints");
    }
    if (push_savepoint(txn, name) != 0) {
        return failure_set_nomem(ret_failure);
    }
    int rc = txn->begun ? txn_sqlite_savepoint(session, "SAVEPOINT", txn->savepoint_count - 1)
                        : SQLITE_OK;
    if (rc == SQLITE_OK) {
        return 0;
    }
    txn_forget_savepoints(txn, txn->savepoint_count - 1);
    return session_fail(session, rc, view_of_str("SAVEPOINT"), NULL, ret_failure);
}

int txn_savepoint(struct session *session, struct view name, struct failure *ret_failure)
{
    if (check_savepoint_verb(session, "SAVEPOINT", ret_failure) != 0 ||
        check_not_failed(session, ret_failure) != 0) {
        return FAILED;
    }
    session_enter(session);
    int r = add_savepoint(session, name, ret_failure);
    session_leave(session);
    return r;
}

int txn_release(struct session *session, struct view name, struct failure *ret_failure)
{
    struct txn *txn = &session->txn;
    size_t number;

    if (check_savepoint_verb(session, "RELEASE SAVEPOINT", ret_failure) != 0 ||
        check_not_failed(session, ret_failure) != 0 ||
        find_savepoint(txn, name, &number, ret_failure) != 0) {
        return FAILED;
    }
    session_enter(session);
    int rc = txn->begun ? txn_sqlite_savepoint(session, "RELEASE", number) : SQLITE_OK;
    int r = 0;
    if (rc != SQLITE_OK) {
        r = session_fail(session, rc, view_of_str("RELEASE"), NULL, ret_failure);
    } else {
        txn_forget_savepoints(txn, number);
        cursor_release(session, number);
        advisory_release(session, number);
        txn->begun_at = txn->begun_at < number ? txn->begun_at : number;
    }
    session_leave(session);
    return r;
}

/* SQLite is to forget what came after the savepoint. One that is older than SQLite's transaction
 * ends that: then the others need not wait for a place that is not used. */
static int rewind_sqlite(struct session *session, size_t number)
{
    struct txn *txn = &session->txn;

    if (!txn->begun) {
        return SQLITE_OK;
    }
    if (number < txn->begun_at) {
        return txn_sqlite_rollback(session) ? SQLITE_OK : SQLITE_NOMEM;
    }
    session->unstoppable++;
    int rc = txn_sqlite_savepoint(session, "ROLLBACK TO", number);
    session->unstoppable--;
    return rc;
}

int txn_rollback_to(struct session *session, struct view name, struct failure *ret_failure)
{
    struct txn *txn = &session->txn;
    size_t number;

    if (check_savepoint_verb(session, "ROLLBACK TO SAVEPOINT", ret_failure) != 0 ||
        find_savepoint(txn, name, &number, ret_failure) != 0) {
        return FAILED;
    }
    if (txn->lost) {
        return failure_set(
            ret_failure, "25P02",
            "current transaction is aborted, commands ignored until end of transaction block");
    }
    session_enter(session);
    cursor_rollback_to(session, number);
    int rc = rewind_sqlite(session, number);
    int r = 0;
    if (rc != SQLITE_OK) {
        r = session_fail(session, rc, view_of_str("ROLLBACK TO"), NULL, ret_failure);
    } else {
        txn_forget_savepoints(txn, number + 1);
        advisory_rollback_to(session, number);
        txn->failed = false;
    }
    session_leave(session);
    return r;
}
