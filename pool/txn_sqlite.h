/* pool/txn_sqlite.h: SQLite's own transaction under a block, and the writer's place of the clone;
 * for txn.c.
 *
 * It is begun with the first write, and holds the place until its end. The session is entered. */
#pragma once

#include "pool/session_state.h"

/* Stands in the clone's line, at most until lock_timeout or the statement's deadline. 0 or FAILED
 * (55P03, 57014). */
must_check int txn_sqlite_take_place(struct session *session, struct failure *ret_failure);

/* Takes the place and begins, with the savepoints and deferred constraints noted so far. Nothing
 * when begun already. 0 or FAILED (40001 when the block's root is old). */
must_check int txn_sqlite_begin(struct session *session, struct failure *ret_failure);

/* SAVEPOINT, RELEASE or ROLLBACK TO number i. SQLite's code. */
must_check int txn_sqlite_savepoint(struct session *session, const char *verb, size_t number);

/* A deferred foreign key that fails leaves it open: it is looked up there; the caller then rolls
 * back. 0 or FAILED. */
must_check int txn_sqlite_commit(struct session *session, struct failure *ret_failure);

/* Ends it, if there is one, and gives the place back. False: there was no memory for it, and it
 * stays open. */
bool txn_sqlite_rollback(struct session *session);

/* This version of a durable database's root is on the disk. The place is given back before. 0 or
 * FAILED: it never will be, or the wait was ended. */
must_check int txn_sqlite_await_version(struct session *session, uint64_t version,
                                        struct failure *ret_failure);
