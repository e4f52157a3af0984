/* pool/database_impl.h: what a database is made of, for leases. */
#pragma once

#include "async/respool.h"
#include "pool/database.h"
#include "pool/session.h"

struct database {
    struct database_options options;
    const struct database_world *world;
    char *name;
    bool owns_durable;        /* it has not been started yet: then its clone has it */
    size_t number;            /* in the registry */
    struct respool *sessions; /* on private clones */
    void (*closed)(void *arg);
    void *closed_arg;
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
