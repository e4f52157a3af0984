/* daemon/database_alter.c: ALTER DATABASE, and UPDATE of pg_database. */
#include "daemon/databases.h"

#include "daemon/authority.h"
#include "daemon/connection_impl.h"
#include "daemon/console.h"
#include "daemon/errand.h"
#include "pool/registry.h"
#include "protocol/utf8.h"

#include <errno.h>

static int rename_named(struct errand *errand, struct named *named, const char *to)
{
    if (console_is_meant(to)) {
        return errand_fail_taken(to, errand->failure);
    }
    int r = errand_want_unused(errand, named);

    if (r == 0 && named_is_lasting(named)) {
        r = registry_rename(errand->server->registry, named, to);
    } else if (r == 0) {
        r = failure_set(errand->failure, "0A000", "a database that ends by itself keeps its name");
    }
    return r == -EEXIST ? errand_fail_taken(to, errand->failure)
           : r < 0      ? failure_set_nomem(errand->failure)
                        : r;
}

static int alter(struct errand *errand, struct named *named)
{
    const struct database_change *change = errand->arg;
    struct registry *registry = errand->server->registry;
    struct named_attributes attributes = registry_attributes(registry, named);
    int r = authority_own(&errand->server->workers[named_loop(named)], errand->user,
                          named_database(named), errand->name, errand->failure);

    if (r == 0 && change->name != NULL) {
        r = rename_named(errand, named, change->name);
    }
    if (r != 0) {
        return r;
    }
    if (change->owner != NULL) {
        utf8_copy_name(attributes.owner, sizeof(attributes.owner), change->owner);
    }
    if (change->is_template != NULL) {
        attributes.is_template = *change->is_template;
    }
    if (change->allows_connections != NULL) {
        attributes.allows_connections = *change->allows_connections;
    }
    if (change->connection_limit != NULL) {
        attributes.connection_limit = *change->connection_limit;
    }
    registry_set_attributes(registry, named, &attributes);
    return 0;
}

static bool changes_nothing(const struct database_change *change)
{
    return change->name == NULL && change->owner == NULL && change->is_template == NULL &&
           change->allows_connections == NULL && change->connection_limit == NULL;
}

int databases_alter(struct connection *conn, const char *name, const struct database_change *change,
                    struct failure *ret_failure)
{
    struct server *server = conn->server;
    struct errand errand = { .server = server,
                             .name = name,
                             .run = alter,
                             .arg = change,
                             .user = conn->user,
                             .failure = ret_failure };

    if (registry_find(server->registry, view_of_str(name)) == NULL) {
        return errand_await_unused(conn->lease.session, &errand);
    }
    return changes_nothing(change)
               ? 0
               : failure_set(ret_failure, "0A000",
                             "database \"%s\" is one of pond's configuration, and changes there",
                             name);
}
