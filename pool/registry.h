/* pool/registry.h: the databases that a client can name, each with its template, its limits and the
 * sessions in use.
 *
 * Built at start-up from the configuration, and then shared by all loops; each keeps idle sessions
 * of its own. Owns its databases and their idle sessions. A lease is released on the loop that
 * acquired it; destroyed when no loop runs any more. */
#pragma once

#include "base/failure.h"
#include "pool/session.h"

struct registry;
struct database;
struct template;

struct database_options {
    const char *name;
    struct template *template_; /* the registry takes its own reference */
    size_t pool_size;           /* most sessions at once; 0: no limit */
    size_t clone_memory;
    size_t session_memory;
    int64_t lock_timeout_us;
    int64_t statement_timeout_us;
    int64_t idle_in_transaction_timeout_us;
};

/* 0 or -ENOMEM. */
must_check int registry_create(struct registry **ret_registry);
void registry_destroy(struct registry *registry); /* no lease may be out; NULL is fine */
/* 0, -ENOMEM or -EEXIST. The name is copied. */
must_check int registry_add(struct registry *registry, const struct database_options *options);
struct database *registry_find(struct registry *registry, struct view name); /* NULL: 3D000 */

const struct database_options *database_options(const struct database *database);

/* ---- leases: a session in use by one client ---- */
struct lease {
    struct database *database;
    struct session *session; /* NULL: no lease */
};

/* A session on a private clone of the database; memory and lock_timeout_us of the options that are
 * 0 are the database's. 0 or FAILED (53300 when pool_size is reached). */
must_check int lease_acquire(struct database *database, const struct session_options *options,
                             struct lease *ret_lease, struct failure *ret_failure);

/* Rolls back and forgets all that the lease did; the session is kept warm, or closed. Zeroed is
 * fine. */
void lease_release(struct lease *lease);

struct database_stats {
    size_t sessions; /* in use */
    uint64_t leases; /* ever */
};
void database_stats(const struct database *database, struct database_stats *ret_stats);
