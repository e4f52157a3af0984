/* daemon/database_end.c: named clones that go: with their scope, by DROP DATABASE, or because there
 * are too many templates. */
#include "daemon/databases.h"

#include "daemon/authority.h"
#include "daemon/connection.h"
#include "daemon/connection_impl.h"
#include "daemon/errand.h"
#include "daemon/linger.h"
#include "pool/registry.h"

#include <string.h>

typedef void connection_fn(struct connection *conn);

static void each_connection(struct server *server, const struct named *named, connection_fn *fn)
{
    struct worker *worker = &server->workers[named_loop(named)];
    struct connection *conn = TAILQ_FIRST(&worker->connections);

    while (conn != NULL) {
        struct connection *next = TAILQ_NEXT(conn, entry);

        if (conn->named == named) {
            fn(conn);
        }
        conn = next;
    }
}

static void terminate(struct connection *conn)
{
    connection_shutdown(conn, true);
}

/* Its name is free now; its connections, if any, are ended, and with the last one it goes. */
static void end_scope(struct server *server, struct named *named)
{
    named_ref(named);
    registry_drop(server->registry, named);
    linger_end(named);
    each_connection(server, named, terminate);
    named_unref(named);
}

void databases_left(struct connection *conn, struct named *named)
{
    int64_t linger_us = database_options(named_database(named))->linger_us;

    if (!named_is_listed(named) || named_is_lasting(named)) {
        return; /* it has ended already, or ends by DROP DATABASE only */
    }
    if (conn->owns_clone) {
        end_scope(conn->server, named);
    } else if (named_leases(named) == 0 &&
               (linger_us == 0 || linger_begin(conn->worker, named, linger_us) != 0)) {
        end_scope(conn->server, named);
    }
}

static int drop(struct errand *errand, struct named *named)
{
    const bool *force = errand->arg;

    if (authority_own(&errand->server->workers[named_loop(named)], errand->user,
                      named_database(named), errand->name, errand->failure) != 0) {
        return FAILED;
    }
    if (registry_attributes(errand->server->registry, named).is_template) {
        return failure_set(errand->failure, "42809", "cannot drop a template database");
    }
    int r = *force ? 0 : errand_want_unused(errand, named);
    if (r == 0) {
        end_scope(errand->server, named);
    }
    return r;
}

int databases_drop(struct connection *conn, const char *name, bool force,
                   struct failure *ret_failure)
{
    struct server *server = conn->server;
    struct errand errand = { .server = server,
                             .name = name,
                             .run = drop,
                             .arg = &force,
                             .user = conn->user,
                             .failure = ret_failure };

    if (registry_find(server->registry, view_of_str(name)) != NULL) {
        bool template_ = registry_find_template(server->registry, view_of_str(name)) != NULL;

        failure_set(ret_failure, "42809", "cannot drop a %s database",
                    template_ ? "template" : "durable");
        failure_add(ret_failure, FIELD_DETAIL, "It is a database of pond's configuration.");
        return FAILED;
    }
    return errand_await_unused(conn->lease.session, &errand);
}

static int discard(struct errand *errand, struct named *named)
{
    end_scope(errand->server, named);
    return 0;
}

void databases_discard(struct server *server, const char *name, uint32_t oid)
{
    struct failure ignored;
    struct errand errand = {
        .server = server, .name = name, .oid = oid, .run = discard, .failure = &ignored
    };

    (void)!errand_await(&errand); /* fine when it is not there any more */
}

void databases_discard_here(struct server *server, const char *name, uint32_t oid)
{
    struct failure ignored;
    struct errand errand = {
        .server = server, .name = name, .oid = oid, .run = discard, .failure = &ignored
    };

    errand_run(&errand);
}

/* ---- templates ---- */

static int freeze(struct errand *errand, struct named *named)
{
    return registry_freeze(errand->server->registry, named) == 0
               ? 0
               : failure_set_nomem(errand->failure);
}

/* It may have been used since, or the name be another's. */
static int drop_excess(struct errand *errand, struct named *named)
{
    char excess[database_name_bytes];

    if (registry_find_excess(errand->server->registry, excess) &&
        strcmp(excess, named_name(named)) == 0) {
        end_scope(errand->server, named);
    }
    return 0;
}

int databases_freeze(struct server *server, const char *name, uint32_t oid,
                     struct failure *ret_failure)
{
    struct errand errand = {
        .server = server, .name = name, .oid = oid, .run = freeze, .failure = ret_failure
    };
    char excess[database_name_bytes];
    struct failure ignored;
    int r = errand_await(&errand);

    while (r == 0 && registry_find_excess(server->registry, excess)) {
        struct errand dropping = {
            .server = server, .name = excess, .run = drop_excess, .failure = &ignored
        };
        (void)!errand_await(&dropping); /* another may have dropped it already */
    }
    return r;
}
