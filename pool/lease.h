/* pool/lease.h: a session in use by one client, from acquire to release: on a private clone of a
 * database, or on a named one.
 *
 * Who wants one waits in line while there is none to be had. For tasks of the loop on which the
 * session lives: any one's for a database, the clone's own for a named clone. */
#pragma once

#include "base/failure.h"
#include "pool/marks.h"
#include "pool/session.h"

struct database;
struct lease_hold;
struct named;
struct template;

/* Zero bytes are no lease. Does not move while it is out. */
struct lease {
    struct session *session; /* NULL: no lease */
    struct database *database;
    struct named *named;     /* NULL: the session's clone is its own */
    struct lease_hold *hold; /* what is given back at the end */
    struct marks own_marks;  /* of a private clone */
};

struct lease_request {
    const char *user;
    size_t user_limit;              /* of his sessions; 0: that of all users */
    struct session_options options; /* those that are 0 are as the database has them */
};

/* 0; FAILED: 53300 when nobody may wait any more, or one has waited for query_wait_timeout, and
 * what opening a session says; or -ECANCELED: the task was cancelled while it waited. */
must_check int lease_acquire(struct database *database, const struct lease_request *request,
                             struct lease *ret_lease, struct failure *ret_failure);
/* On a private clone of a template that is none of the database's, but has its limits. */
must_check int lease_acquire_copy(struct database *database, struct template *template_,
                                  const struct lease_request *request, struct lease *ret_lease,
                                  struct failure *ret_failure);
must_check int lease_acquire_named(struct named *named, const struct lease_request *request,
                                   struct lease *ret_lease, struct failure *ret_failure);

/* Rolls back and forgets all that the lease did. A private clone's session is kept warm for the
 * next one, or closed; what was committed in a named clone stays, for as long as that is there.
 * Zeroed is fine. */
void lease_release(struct lease *lease);

/* pond_mark, pond_rewind, pond_reset: pool/marks.h. The marks of a named clone are all its users'.
 */
must_check int lease_mark(struct lease *lease, const char *name, struct failure *ret_failure);
must_check int lease_rewind(struct lease *lease, const char *name, struct failure *ret_failure);
must_check int lease_reset(struct lease *lease, struct failure *ret_failure);
