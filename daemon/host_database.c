/* daemon/host_database.c: what statements may ask of the daemon about databases: CREATE, ALTER and
 * DROP DATABASE, lists of them and of their pools, marks, and templates that one of many builds. */
#include "daemon/host.h"

#include "async/loop.h"
#include "daemon/authority.h"
#include "daemon/claims.h"
#include "daemon/databases.h"
#include "daemon/linger.h"
#include "pool/registry.h"

int host_database_create(void *host, const struct database_request *request,
                         struct failure *ret_failure)
{
    struct connection *conn = host;
    cleanup(account_restorep) maybe_unused struct account *was = host_charge_daemon(conn);
    uint32_t oid;

    return databases_create(conn->worker, request, conn->user, &oid, ret_failure);
}

int host_database_drop(void *host, const char *name, bool force, struct failure *ret_failure)
{
    struct connection *conn = host;
    cleanup(account_restorep) maybe_unused struct account *was = host_charge_daemon(conn);

    return databases_drop(host, name, force, ret_failure);
}

int host_database_alter(void *host, const char *name, const struct database_change *change,
                        struct failure *ret_failure)
{
    struct connection *conn = host;
    cleanup(account_restorep) maybe_unused struct account *was = host_charge_daemon(conn);

    return databases_alter(host, name, change, ret_failure);
}

int host_each_database(void *host, database_fn *fn, void *arg, struct failure *ret_failure)
{
    const struct connection *conn = host;
    cleanup(mem_freep) struct registry_row *rows = NULL;
    size_t count;

    if (registry_list(conn->server->registry, &rows, &count) != 0) {
        return failure_set_nomem(ret_failure);
    }
    for (size_t i = 0; i < count; i++) {
        const struct registry_row *row = &rows[i];

        fn(arg, &(struct database_row){
                    .name = row->name,
                    .owner = row->named ? row->attributes.owner : NULL,
                    .oid = row->oid,
                    .is_template = row->attributes.is_template,
                    .allows_connections = row->attributes.allows_connections,
                    .connection_limit = row->attributes.connection_limit,
                    .bytes = (int64_t)row->bytes,
                    .is_clone = row->named,
                    .origin = row->origin,
                    .is_lasting = row->lasting,
                    .created_us = row->created_us,
                });
    }
    return 0;
}

int host_each_pool(void *host, pool_fn *fn, void *arg, struct failure *ret_failure)
{
    const struct connection *conn = host;
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    int64_t now_us = loop_now_us(conn->worker->loop);
    size_t count;

    if (registry_list_pools(conn->server->registry, &pools, &count) != 0) {
        return failure_set_nomem(ret_failure);
    }
    for (size_t i = 0; i < count; i++) {
        const struct registry_pool *pool = &pools[i];
        int64_t since_us = pool->stats.first_since_us;

        fn(arg, &(struct pool_row){
                    .name = pool->name,
                    .oid = pool->oid,
                    .pool_size = pool->pool_size,
                    .min_pool_size = pool->min_pool_size,
                    .in_use = pool->stats.sessions,
                    .idle = pool->stats.idle,
                    .waiting = pool->stats.waiting,
                    .longest_wait_us = since_us == DEADLINE_NONE ? -1
                                       : since_us < now_us       ? now_us - since_us
                                                                 : 0,
                    .leases = pool->stats.leases,
                    .created = pool->stats.created,
                    .timed_out = pool->stats.timed_out,
                    .clones = pool->clones,
                    .clone_bytes = pool->clone_bytes,
                });
    }
    return 0;
}

int host_mark(void *host, enum mark_op op, const char *name, struct failure *ret_failure)
{
    struct connection *conn = host;

    switch (op) {
    case MARK_SET:
        return lease_mark(&conn->lease, name, ret_failure);
    case MARK_REWIND:
        return lease_rewind(&conn->lease, name, ret_failure);
    case MARK_RESET:
        break;
    }
    return lease_reset(&conn->lease, ret_failure);
}

/* The connection lives where its clone does. */
int host_keep(void *host, struct failure *ret_failure)
{
    const struct connection *conn = host;

    if (conn->named == NULL) {
        failure_set(ret_failure, "0A000", "a private copy of a database cannot be kept");
        failure_add(ret_failure, FIELD_HINT, "Connect to \"%s~NAME\" for one that can.",
                    conn->database);
        return FAILED;
    }
    if (!named_is_listed(conn->named)) {
        return failure_set(ret_failure, "3D000", "database \"%s\" has been dropped",
                           conn->database);
    }
    if (authority_create(conn->worker, conn->user, ret_failure) != 0) {
        return FAILED;
    }
    named_make_lasting(conn->named);
    linger_end(conn->named);
    return 0;
}

int host_template_claim(void *host, const char *name, const char *from, bool *ret_build,
                        struct failure *ret_failure)
{
    struct connection *conn = host;
    cleanup(account_restorep) maybe_unused struct account *was = host_charge_daemon(conn);

    return claims_await(conn, name, from, ret_build, ret_failure);
}

int host_template_end(void *host, const char *name, bool ready, struct failure *ret_failure)
{
    struct connection *conn = host;
    cleanup(account_restorep) maybe_unused struct account *was = host_charge_daemon(conn);

    return claims_end(((struct connection *)host)->server, name, ready, ret_failure);
}
