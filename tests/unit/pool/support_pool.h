/* tests/unit/pool/support_pool.h: a registry with one database, "shop", on the loop of a world. */
#pragma once

#include "async/gate.h"
#include "pool/lease.h"
#include "pool/named.h"
#include "pool/registry.h"

#include "support_session.h"

struct pool {
    struct gate gate;
    struct budget sessions; /* of all; its limit is there to be set before pool_begin() */
    struct users *users;
    struct loop *loops[1];
    struct registry *registry;
    struct database *database;
    bool closed;
};

/* `options` NULL: no limits; their template is the world's. user_limit 0: none. In a task. */
void pool_begin(struct pool *pool, struct world *world, const struct database_options *options,
                size_t user_limit);
void pool_end(struct pool *pool); /* no lease may be out */

/* A session for "tester", which must be there at once. */
void take_lease(struct pool *pool, struct lease *ret_lease);
void take_named(struct named *named, struct lease *ret_lease);
/* A named clone of the database, which the registry knows. */
struct named *make_named(struct pool *pool, const char *name, bool lasting);
