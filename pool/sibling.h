/* pool/sibling.h: a connection that cursors have taken with them: it stays on the root that they
 * read, while the session goes on with another one. So a large result is not copied when its
 * session writes.
 *
 * Owned by its cursors: the last of them closes it. Its memory is the session's. The session is
 * entered. */
#pragma once

#include "pool/cursor_impl.h"

enum { sibling_most = 8 }; /* of one session */

/* May the cursors that stand on the session's connection have it for themselves? Not one of a
 * transaction that has written, nor one with temporary objects, which live in it alone. */
bool sibling_may_open(const struct session *session);

/* Gives them the connection, and the session a fresh one on the same clone, or the same root where
 * its transaction has one. No statement may be lent but theirs. False: there was no memory, and all
 * is as before. */
must_check bool sibling_open(struct session *session);

/* One of its cursors gives its statement back. */
void sibling_let_go(struct session *session, struct sibling *sibling, sqlite3_stmt *stmt);
