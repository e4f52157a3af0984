/* daemon/claims.h: the right to build a template (pond_template): the first who asks has it, the
 * others wait, and when he fails the next one gets it.
 *
 * The line is one of the gate's (async/gate.h): the right is the only place in a budget that is
 * closed once the template is ready. Shared by all workers. */
#pragma once

#include "async/lock.h"
#include "base/failure.h"

#include <sys/queue.h>

struct claim;
struct claim_wait;
struct connection;
struct server;

struct claims {
    struct lock lock; /* over all below, and over all claims and waits */
    LIST_HEAD(, claim) list;
    LIST_HEAD(, claim_wait) waits;
};

void claims_init(struct claims *claims);
void claims_finish(struct claims *claims); /* nobody may build or wait */

/* pond_template(): sql/host.h has the answers. 40P01: who builds it waits, in the end, for us. True
 * again for who builds it already. Awaits. */
must_check int claims_await(struct connection *conn, const char *name, const char *from,
                            bool *ret_build, struct failure *ret_failure);

/* pond_template_ready() and pond_template_failed(). Awaits. */
must_check int claims_end(struct server *server, const char *name, bool ready,
                          struct failure *ret_failure);

/* FAILED with 55006 while somebody builds the template. */
must_check int claims_check_not_building(struct server *server, const char *name,
                                         struct failure *ret_failure);

/* The connection ends: what it was building has failed. Does not await. */
void claims_abandon(struct connection *conn);
