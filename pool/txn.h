/* pool/txn.h: PostgreSQL's transaction blocks over a deferred SQLite BEGIN (docs/storage.md has the
 * rules). Loop's thread.
 *
 * READ COMMITTED by deferring: BEGIN and SAVEPOINT are only remembered until the first write, which
 * takes the writer's place of the clone. REPEATABLE READ and SERIALIZABLE pin a root at their first
 * statement. */
#pragma once

#include "base/failure.h"
#include "base/view.h"

#include <stdbool.h>

struct session;

enum txn_status { TXN_IDLE = 'I', TXN_BLOCK = 'T', TXN_FAILED = 'E' }; /* ReadyForQuery's byte */
enum txn_isolation { TXN_READ_COMMITTED, TXN_REPEATABLE_READ, TXN_SERIALIZABLE };

struct txn_modes {
    enum txn_isolation isolation;
    bool read_only; /* a write fails with 25006 */
};

enum txn_status txn_status(const struct session *session);
struct txn_modes txn_modes(const struct session *session);
bool txn_is_explicit(const struct session *session); /* inside BEGIN ... COMMIT */
bool txn_is_open(const struct session *session);     /* that, or in an implicit one */
/* That, or among several statements of one query string, which PostgreSQL takes for a block too. */
bool txn_is_block(const struct session *session);

/* BEGIN. The caller has looked at txn_is_explicit (25001 is a warning there). */
must_check int txn_begin(struct session *session, struct txn_modes modes,
                         struct failure *ret_failure);
/* What a transaction starts with that is not told otherwise; it concerns those that begin later. */
void txn_set_default_modes(struct session *session, struct txn_modes modes);
struct txn_modes txn_default_modes(const struct session *session);
/* SET TRANSACTION: before the first statement only, else 25001. */
must_check int txn_set_modes(struct session *session, struct txn_modes modes,
                             struct failure *ret_failure);

/* COMMIT, of an implicit transaction too. A failed block is rolled back instead: *ret_rolled_back,
 * and the tag is ROLLBACK. */
must_check int txn_commit(struct session *session, bool *ret_rolled_back,
                          struct failure *ret_failure);
must_check int txn_rollback(struct session *session, struct failure *ret_failure);

/* Names are folded already. 25P01 outside a block, 3B001 for an unknown name. */
must_check int txn_savepoint(struct session *session, struct view name,
                             struct failure *ret_failure);
must_check int txn_release(struct session *session, struct view name, struct failure *ret_failure);
size_t txn_savepoints(const struct session *session); /* how many there are */
must_check int txn_rollback_to(struct session *session, struct view name,
                               struct failure *ret_failure);

/* SET CONSTRAINTS ALL DEFERRED / IMMEDIATE, until the end of the transaction. 23503 when IMMEDIATE
 * finds a violation. */
must_check int txn_defer_constraints(struct session *session, bool deferred,
                                     struct failure *ret_failure);
/* Would a COMMIT fail for a foreign key? txn_defer_constraints(false) then says which. */
bool txn_keys_are_violated(const struct session *session);

/* For a statement that is many of SQLite's: foreign keys are looked at when all its rows are there.
 * begin says whether that is to be had: not where they are deferred anyway, or where some are
 * violated already. Only then end takes the statement's result: 23503 when it is 0 and a row has no
 * parent. Inside of a transaction. */
must_check bool txn_late_keys_begin(struct session *session);
must_check int txn_late_keys_end(struct session *session, int result, struct failure *ret_failure);

/* What runs next was planned for this schema (session_schema_version()). Until no more is expected,
 * a statement that finds another one when it has got the writer's place, for which it may have
 * waited, fails with 40001 before it has done anything; it keeps the place, so that it can be
 * planned again and run. */
void txn_expect_schema(struct session *session, uint32_t version);
bool txn_schema_moved(const struct session *session); /* was that the failure? */
void txn_expect_no_schema(struct session *session);
/* The place, for what an open transaction is to write that has nothing to write yet: COPY FROM asks
 * its client for rows when it has it. 0 or FAILED. */
must_check int txn_await_place(struct session *session, struct failure *ret_failure);
/* After a statement: gives back its place, outside a transaction. */
void txn_leave(struct session *session);

/* The implicit transaction of a multi-statement simple query, or of an extended pipeline up to its
 * Sync. begin is idempotent, and an explicit BEGIN inside turns it into a block as PostgreSQL does.
 * end commits what is left of it, or rolls back when a statement failed. */
void txn_implicit_begin(struct session *session);
void txn_implicit_begin_several(struct session *session); /* the former */
must_check int txn_implicit_end(struct session *session, struct failure *ret_failure);

/* A statement that commits by itself and may not follow another one in its transaction: VACUUM and
 * the like. 0, or 25001 in a block or behind a statement of the same pipeline. */
must_check int txn_stand_alone(struct session *session, const char *what,
                               struct failure *ret_failure);
bool txn_stands_alone(const struct session *session); /* then the implicit one is to end */
void txn_pipelined(struct session *session); /* an Execute is over, and its Sync has not come */

/* Every error of a statement passes here: a block becomes TXN_FAILED, an implicit transaction is
 * rolled back. */
void txn_failed(struct session *session);
