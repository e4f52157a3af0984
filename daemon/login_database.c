/* daemon/login_database.c: what the database's name stands for, and a session on it. */
#include "daemon/login.h"

#include "async/loop.h"
#include "conf/conf_user.h"
#include "daemon/authority.h"
#include "daemon/connection_impl.h"
#include "daemon/databases.h"
#include "daemon/host.h"
#include "daemon/memory.h"
#include "pool/registry.h"
#include "pool/template.h"

#include <errno.h>

static void close_sql(void *arg)
{
    struct connection *conn = arg;

    sql_close(take_ptr(conn->sql));
}

static void release_lease(void *arg)
{
    struct connection *conn = arg;

    lease_release(&conn->lease);
}

/* After the lease was released, or never acquired. */
static void leave_named(void *arg)
{
    struct connection *conn = arg;
    struct named *named = take_ptr(conn->named);

    databases_left(conn, named);
    named_unref(named);
}

static int fail_closed(const char *name, struct failure *ret_failure)
{
    return failure_set(ret_failure, "55000",
                       "database \"%s\" is not currently accepting connections", name);
}

/* 55000 and 53300: what ALTER DATABASE may have said. */
static int check_named(const struct connection *conn, const struct named *named,
                       struct failure *ret_failure)
{
    struct named_attributes attributes = registry_attributes(conn->server->registry, named);

    if (!attributes.allows_connections) {
        return fail_closed(named_name(named), ret_failure);
    }
    if (attributes.connection_limit >= 0 &&
        named_leases(named) >= (size_t)attributes.connection_limit) {
        return failure_set(ret_failure, "53300", "too many connections for database \"%s\"",
                           named_name(named));
    }
    return 0;
}

int login_enter_named(struct connection *conn, struct named *named, struct failure *ret_failure)
{
    conn->named = named;
    return scope_defer(&conn->scope, leave_named, conn) == 0 ? 0 : failure_set_nomem(ret_failure);
}

/* What the name in the start-up packet stands for. */
struct meant {
    struct database *database; /* a private clone of its template, or of `frozen` */
    struct template *frozen;   /* counted; NULL: none */
    struct named *named;       /* the clone that others use too; NULL: none */
    uint32_t oid;
    bool closed; /* `frozen` lets nobody in */
};

static void meant_finish(struct meant *meant)
{
    template_unref(meant->frozen);
}

static bool find_meant(const struct connection *conn, struct meant *ret_meant)
{
    struct registry *registry = conn->server->registry;
    struct view name = view_of_str(conn->database);
    struct database *database = registry_find_template(registry, name);
    struct named *named = NULL;
    struct frozen frozen;

    if (database != NULL) {
        *ret_meant = (struct meant){ .database = database, .oid = database_options(database)->oid };
    } else if (registry_frozen(registry, name, &frozen)) {
        *ret_meant = (struct meant){ .database = frozen.database,
                                     .frozen = frozen.template_,
                                     .oid = frozen.oid,
                                     .closed = !frozen.allows_connections };
    } else if ((named = registry_named(registry, name)) != NULL) {
        *ret_meant = (struct meant){ .named = named, .oid = named_oid(named) };
    } else {
        return false;
    }
    return true;
}

static int acquire_lease(struct connection *conn, const struct meant *meant,
                         struct failure *ret_failure)
{
    const struct conf_user *user = conf_user_find(conn->worker->conf, conn->user);
    const struct lease_request request = {
        .user = conn->user,
        .user_limit = user == NULL ? 0 : (size_t)user->max_user_connections,
        .options = { .parent = &conn->server->account,
                     .should_stop = connection_should_stop,
                     .who = connection_who,
                     .owner = conn },
    };

    if (meant->named != NULL) {
        return lease_acquire_named(meant->named, &request, &conn->lease, ret_failure);
    }
    return meant->frozen != NULL
               ? lease_acquire_copy(meant->database, meant->frozen, &request, &conn->lease,
                                    ret_failure)
               : lease_acquire(meant->database, &request, &conn->lease, ret_failure);
}

/* May take its time: client_login_timeout is for clients, not for us. */
static int lease_session(struct connection *conn, const struct meant *meant,
                         struct failure *ret_failure)
{
    conn->deadline_us = DEADLINE_NONE;
    conn->in_line = true;
    int r = memory_await_room(conn, ret_failure);
    if (r == 0) {
        r = acquire_lease(conn, meant, ret_failure);
    }
    conn->in_line = false;

    if (r == 0 && scope_defer(&conn->scope, release_lease, conn) != 0) {
        return failure_set_nomem(ret_failure);
    }
    return r;
}

static int check_meant(const struct connection *conn, const struct meant *meant,
                       struct failure *ret_failure)
{
    const struct database *database =
        meant->named != NULL ? named_database(meant->named) : meant->database;
    int r = conn->is_own
                ? 0
                : authority_use(conn->worker, conn->user, database, conn->database, ret_failure);

    return r == 0 && meant->closed ? fail_closed(conn->database, ret_failure) : r;
}

static int lease_database(struct connection *conn, struct failure *ret_failure)
{
    cleanup(meant_finish) struct meant meant = { .database = NULL };

    if (!find_meant(conn, &meant)) {
        return failure_set(ret_failure, "3D000", "database \"%s\" does not exist", conn->database);
    }
    conn->database_oid = meant.oid;
    int r = check_meant(conn, &meant, ret_failure);
    if (r != 0) {
        return r;
    }
    if (meant.named != NULL && conn->named == NULL) {
        r = login_enter_named(conn, named_ref(meant.named), ret_failure);
    }
    if (r == 0 && meant.named != NULL) {
        r = check_named(conn, meant.named, ret_failure);
    }
    return r == 0 ? lease_session(conn, &meant, ret_failure) : r;
}

int login_open_session(struct connection *conn, struct failure *ret_failure)
{
    int64_t start_us = loop_now_us(conn->worker->loop);
    int r = lease_database(conn, ret_failure);

    if (r == 0) {
        r = sql_open(conn->lease.session, &connection_host_ops, conn, &conn->sql, ret_failure);
    }
    if (r == 0 && scope_defer(&conn->scope, close_sql, conn) != 0) {
        return failure_set_nomem(ret_failure);
    }
    conn->opening_us = loop_now_us(conn->worker->loop) - start_us;
    conn->opening = true;
    return r;
}
