/* daemon/databases.h: named clones: where a client's database lives, how one is made (databases.c),
 * changed (database_alter.c), and when it goes (database_end.c).
 *
 * One belongs to the worker that made it; what is to be done with it is done there, by a call from
 * wherever it was asked for. The functions await; tasks of any worker. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

struct connection;
struct database_change;
struct database_request;
struct named;
struct server;
struct worker;

/* Which worker must serve a client of this database? `here` when any can. Makes the clone of a name
 * with a `~` here when there is none: *ret_made is counted then, else NULL, and the caller sees to
 * its end. 0 or FAILED (3D000, 42501, 42602, 53400). */
must_check int databases_route(struct worker *here, const char *name, const char *user,
                               struct worker **ret_worker, struct named **ret_made,
                               struct failure *ret_failure);

/* CREATE, DROP and ALTER DATABASE: sql/host.h has the errors. */
must_check int databases_create(struct worker *here, const struct database_request *request,
                                const char *user, uint32_t *ret_oid, struct failure *ret_failure);
must_check int databases_drop(struct connection *conn, const char *name, bool force,
                              struct failure *ret_failure);
must_check int databases_alter(struct connection *conn, const char *name,
                               const struct database_change *change, struct failure *ret_failure);

/* ---- one that was made to become a template ---- */

/* `oid` tells it from others of its name. Makes it a template (registry_freeze), and drops those
 * that are too many. 0 or FAILED (3D000). */
must_check int databases_freeze(struct server *server, const char *name, uint32_t oid,
                                struct failure *ret_failure);

/* Drops it, with all who use it, if it is there. The second is for its own worker, and does not
 * await. */
void databases_discard(struct server *server, const char *name, uint32_t oid);
void databases_discard_here(struct server *server, const char *name, uint32_t oid);

/* ---- ends ---- */

/* A connection has given its lease of the clone back: its scope may have ended. On its worker; does
 * not await. */
void databases_left(struct connection *conn, struct named *named);
