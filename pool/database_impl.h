/* pool/database_impl.h: what a database is made of, for leases. */
#pragma once

#include "async/respool.h"
#include "pool/database.h"
#include "pool/session.h"

#include <stdatomic.h>

struct database_edition {
    struct database_options options;
};

struct database {
    _Atomic(struct database *) next; /* the registry's */
    size_t number;
    bool taken; /* its name is; under the registry's lock */
    const struct database_world *world;
    char *name;
    uint32_t oid;
    struct durable *durable;  /* NULL: it is a template */
    bool owns_durable;        /* it has not been started yet: then its clone has it */
    struct respool *sessions; /* on private clones */
    void (*closed)(void *arg);
    void *closed_arg;
    struct database_edition *editions[]; /* of each loop, by its number, or of the only one */
};

/* A session of the pool's, on a private clone of its own. */
struct pooled {
    struct respool_item item;
    struct session *session;
};

/* respool_request.arg of who wants a session. */
struct pooled_request {
    const struct session_options *options;
    struct failure *failure;
};

/* What the caller left open is as the database has it. */
struct session_options database_session_options(const struct database *database,
                                                const struct session_options *wanted);
