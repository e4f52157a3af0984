/* sql/listening.h: LISTEN, UNLISTEN and NOTIFY of one session. Like all that a transaction does
 * they take effect at its commit, or never. */
#pragma once

#include "base/failure.h"
#include "base/view.h"

#include <stdbool.h>

struct sql_session;

enum { channel_name_most = 63, payload_most = 7999 }; /* bytes */

/* 0, or FAILED with 53200. The name is folded already and not empty. `channel` zero bytes: all. */
must_check int listening_listen(struct sql_session *sql, struct view channel,
                                struct failure *ret_failure);
must_check int listening_unlisten(struct sql_session *sql, struct view channel,
                                  struct failure *ret_failure);
/* Also 22023: the payload is too long. The same twice in one transaction is said once. */
must_check int listening_notify(struct sql_session *sql, struct view channel, struct view payload,
                                struct failure *ret_failure);

/* The transaction has ended: what it asked for is done, or forgotten. */
void listening_transaction_ended(struct sql_session *sql, bool committed);
/* ROLLBACK TO the savepoint of that number, and RELEASE. */
void listening_rollback_to(struct sql_session *sql, size_t number);
void listening_release(struct sql_session *sql, size_t number);

/* UNLISTEN * at once, and nothing is pending: DISCARD ALL, the end of the session. */
void listening_end(struct sql_session *sql);
