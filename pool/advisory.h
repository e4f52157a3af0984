/* pool/advisory.h: PostgreSQL's advisory locks
 * (https://www.postgresql.org/docs/15/explicit-locking.html#ADVISORY-LOCKS): numbers that mean
 * something to the application, locked by one session or shared by several.
 *
 * A clone has its own; all of its sessions are on one loop, and so are the functions. First come
 * first served: who asks for a lock that others wait for stands behind them, unless he has it
 * already. A wait that would close a circle fails at once (pool/waits.h). */
#pragma once

#include "base/failure.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct advisory_hold;
struct advisory_lock;
struct advisory_wait;
struct clone;
struct session;

/* A bigint, or two integers as one number (the first in the upper half): never the same lock. */
struct advisory_key {
    int64_t number;
    bool pair;
};

enum advisory_mode { ADVISORY_SHARED, ADVISORY_EXCLUSIVE };

/* Until advisory_unlock() or the end of the lease, as often as it was locked; or until the end of
 * the transaction or of its savepoint. */
enum advisory_scope { ADVISORY_SESSION, ADVISORY_TRANSACTION };

struct advisory_request {
    struct advisory_key key;
    enum advisory_mode mode;
    enum advisory_scope scope;
};

LIST_HEAD(advisory_holds, advisory_hold); /* of one session, or of one lock */

/* Waits for it. 0; FAILED: 55P03 after lock_timeout, 40P01, 53200, or the statement must stop. */
must_check int advisory_lock(struct session *session, struct advisory_request request,
                             struct failure *ret_failure);
/* Does not wait: false in *ret_got. 0, or FAILED with 53200. */
must_check int advisory_try(struct session *session, struct advisory_request request, bool *ret_got,
                            struct failure *ret_failure);
/* One of the session's own scope. False: it has none of that mode. */
bool advisory_unlock(struct session *session, struct advisory_key key, enum advisory_mode mode);
void advisory_unlock_all(struct session *session);

/* ---- ends (pool/txn.c, pool/session.c) ---- */

void advisory_end_transaction(struct session *session);
/* ROLLBACK TO savepoint `number` ends what was locked since; RELEASE makes it its parent's. */
void advisory_rollback_to(struct session *session, size_t number);
void advisory_release(struct session *session, size_t number);
void advisory_end_session(struct session *session);

/* ---- for pg_locks and for circles of waits ---- */

struct advisory_row {
    const struct session *session;
    struct advisory_key key;
    enum advisory_mode mode;
    bool granted;
    int64_t since_us; /* when the wait began, of the loop's clock; only when it is not granted */
};
void advisory_each(const struct clone *clone, void (*fn)(void *arg, const struct advisory_row *row),
                   void *arg);

/* Whom this wait waits for: those who have the lock in a mode that conflicts, and those in front of
 * it who want it in one. */
void advisory_each_blocker(const struct advisory_wait *wait,
                           void (*fn)(void *arg, struct session *session), void *arg);
struct advisory_request advisory_wanted(const struct advisory_wait *wait);
