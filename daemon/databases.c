/* daemon/databases.c: see the header. What a clone is made of is a template: that of a database of
 * the configuration as it is, or what another clone holds now, sealed on that clone's own loop. */
#include "daemon/databases.h"

#include "async/await.h"
#include "async/loop.h"
#include "base/alloc.h"
#include "daemon/connection.h"
#include "daemon/connection_impl.h"
#include "daemon/linger.h"
#include "pool/clone.h"
#include "pool/registry.h"
#include "pool/template.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <string.h>

static const int64_t leave_timeout_us = 5000000; /* as long as PostgreSQL gives */
static const int64_t leave_step_us = 2000;

static int fail_unknown(const char *what, const char *name, struct failure *ret_failure)
{
    return failure_set(ret_failure, "3D000", "%s \"%s\" does not exist", what, name);
}

static int fail_taken(const char *name, struct failure *ret_failure)
{
    return failure_set(ret_failure, "42P04", "database \"%s\" already exists", name);
}

/* ---- what is done on a clone's own loop ---- */

/* One thing to be done with a named clone; FAILED and a failure when it could not be. */
struct errand {
    struct server *server;
    const char *name;
    uint32_t oid; /* of the one that is meant; 0: whichever has the name */
    int (*run)(struct errand *errand, struct named *named);
    const void *arg;
    struct failure *failure;
    int result;
    struct template *template_; /* what came of it */
    struct database *database;
};

static void run_errand(void *arg)
{
    struct errand *errand = arg;
    struct named *named = registry_named(errand->server->registry, view_of_str(errand->name));

    /* It may have gone, or have another name, since we asked where it lives. */
    if (named == NULL || (errand->oid != 0 && errand->oid != named_oid(named))) {
        errand->result = fail_unknown("database", errand->name, errand->failure);
    } else {
        errand->result = errand->run(errand, named);
    }
}

/* 3D000 when there is no such named clone. */
static int await_errand(struct errand *errand)
{
    unsigned loop;

    if (!registry_locate(errand->server->registry, view_of_str(errand->name), &loop)) {
        return fail_unknown("database", errand->name, errand->failure);
    }
    await_call(errand->server->workers[loop].loop, run_errand, errand);
    return errand->result;
}

/* ---- making ---- */

struct source {
    struct template *template_; /* counted */
    struct database *database;  /* whose limits the clone will have */
};

static void source_finish(struct source *source)
{
    template_unref(source->template_);
}

static int seal(struct errand *errand, struct named *named)
{
    errand->database = named_database(named);
    return template_seal(named_clone(named), &errand->template_) == 0
               ? 0
               : failure_set_nomem(errand->failure);
}

static int find_source(struct server *server, const char *name, struct source *ret_source,
                       struct failure *ret_failure)
{
    struct database *database = registry_find(server->registry, view_of_str(name));
    struct errand errand = { .server = server, .name = name, .run = seal, .failure = ret_failure };
    struct frozen frozen;

    if (database != NULL) {
        ret_source->database = database;
        ret_source->template_ = template_ref(database_options(database)->template_);
        return 0;
    }
    if (registry_frozen(server->registry, view_of_str(name), &frozen)) {
        *ret_source = (struct source){ .template_ = frozen.template_, .database = frozen.database };
        return 0;
    }
    int r = await_errand(&errand);
    *ret_source = (struct source){ .template_ = errand.template_, .database = errand.database };
    return r;
}

struct making {
    struct server *server;
    struct named_options options;
    struct failure *failure;
    int result; /* 0, FAILED or -EEXIST */
};

static int fail_full(const struct server *server, struct failure *ret_failure)
{
    failure_set(ret_failure, "53400", "too many named databases");
    failure_add(ret_failure, FIELD_DETAIL, "There are max_clones = %lld of them.",
                (long long)server->conf->max_clones);
    failure_add(ret_failure, FIELD_HINT, "Drop some, or raise max_clones.");
    return FAILED;
}

/* *ret_named is counted. */
static int make(struct making *making, struct named **ret_named)
{
    struct registry *registry = making->server->registry;
    struct named *named;

    making->options.oid = registry_next_oid(registry);
    if (named_create(&making->options, &named) != 0) {
        return failure_set_nomem(making->failure);
    }
    int r = registry_put(registry, named);
    if (r == 0) {
        *ret_named = named;
        return 0;
    }
    named_unref(named);
    return r == REGISTRY_FULL ? fail_full(making->server, making->failure) : r;
}

static void make_there(void *arg)
{
    struct making *making = arg;
    struct named *named = NULL;

    making->result = make(making, &named);
    named_unref(named); /* the registry has its own */
}

static int check_name_length(const char *name, struct failure *ret_failure)
{
    if (strlen(name) < database_name_bytes) {
        return 0;
    }
    return failure_set(ret_failure, "42622", "the name of a database has at most %d bytes",
                       database_name_bytes - 1);
}

/* On the running worker. 0, FAILED, or -EEXIST when somebody was faster. */
static int make_scoped(struct worker *here, const char *name, const char *user,
                       struct named **ret_named, struct failure *ret_failure)
{
    cleanup(source_finish) struct source source = { 0 };
    cleanup(mem_freep) char *base = mem_strdup(name);
    struct making making = { .server = here->server, .failure = ret_failure };

    if (base == NULL) {
        return failure_set_nomem(ret_failure);
    }
    char *tilde = strrchr(base, '~');
    if (tilde == NULL) {
        return fail_unknown("database", name, ret_failure);
    }
    *tilde = '\0';
    if (tilde[1] == '\0') {
        return failure_set(ret_failure, "42602", "a name must follow the \"~\" of \"%s\"", name);
    }
    if (check_name_length(name, ret_failure) != 0 ||
        find_source(here->server, base, &source, ret_failure) != 0) {
        return FAILED;
    }
    making.options = (struct named_options){
        .name = name,
        .attributes = { .allows_connections = true, .connection_limit = -1 },
        .database = source.database,
        .template_ = source.template_,
        .parent = &here->server->account,
    };
    utf8_copy_name(making.options.attributes.owner, database_name_bytes, user);
    return make(&making, ret_named);
}

int databases_route(struct worker *here, const char *name, const char *user,
                    struct worker **ret_worker, struct named **ret_made,
                    struct failure *ret_failure)
{
    struct server *server = here->server;
    unsigned loop;
    int r = -EEXIST;

    *ret_worker = here;
    *ret_made = NULL;
    while (r == -EEXIST) {
        if (registry_is_template(server->registry, view_of_str(name))) {
            return 0;
        }
        if (registry_locate(server->registry, view_of_str(name), &loop)) {
            *ret_worker = &server->workers[loop];
            return 0;
        }
        r = make_scoped(here, name, user, ret_made, ret_failure);
    }
    return r;
}

/* ---- CREATE DATABASE ---- */

/* 3D000 in PostgreSQL's words; others as they are. */
static int find_template(struct server *server, const char *name, struct source *ret_source,
                         struct failure *ret_failure)
{
    int r = find_source(server, name, ret_source, ret_failure);

    return r == FAILED && strcmp(ret_failure->sqlstate, "3D000") == 0
               ? fail_unknown("template database", name, ret_failure)
               : r;
}

int databases_create(struct worker *here, const struct database_request *request, const char *user,
                     uint32_t *ret_oid, struct failure *ret_failure)
{
    struct server *server = here->server;
    const char *base = request->template_name == NULL ? "template1" : request->template_name;
    const char *owner = request->owner == NULL ? user : request->owner;
    cleanup(source_finish) struct source source = { 0 };
    struct making making = { .server = server, .failure = ret_failure };

    if (strchr(request->name, '~') != NULL) {
        failure_set(ret_failure, "42602", "invalid name \"%s\": it may not have a \"~\"",
                    request->name);
        failure_add(ret_failure, FIELD_HINT,
                    "TEMPLATE~NAME is made by the first who connects to it.");
        return FAILED;
    }
    if (find_template(server, base, &source, ret_failure) != 0) {
        return FAILED;
    }
    making.options = (struct named_options){
        .name = request->name,
        .attributes = { .is_template = request->is_template,
                        .allows_connections = request->allows_connections,
                        .connection_limit = request->connection_limit },
        .database = source.database,
        .template_ = source.template_,
        .parent = &server->account,
        .lasting = true,
    };
    utf8_copy_name(making.options.attributes.owner, database_name_bytes, owner);
    await_call(server_least_loaded(server)->loop, make_there, &making);
    if (making.result == 0) {
        *ret_oid = making.options.oid;
    }
    return making.result == -EEXIST ? fail_taken(request->name, ret_failure) : making.result;
}

/* ---- who uses it ---- */

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

/* Are all that use it about to go: told to, or hung up? */
static bool all_leave(struct server *server, const struct named *named)
{
    struct worker *worker = &server->workers[named_loop(named)];
    struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        if (conn->named == named && conn->goodbye == GOODBYE_NONE && !connection_hung_up(conn)) {
            return false;
        }
    }
    return true;
}

/* An answer of errands that want nobody to use the clone: ask again in a moment. */
enum { WAIT_FOR_OTHERS = 32 };

static int want_unused(struct errand *errand, const struct named *named)
{
    size_t others = named_leases(named);

    if (others == 0) {
        return 0;
    }
    failure_set(errand->failure, "55006", "database \"%s\" is being accessed by other users",
                errand->name);
    failure_add(errand->failure, FIELD_DETAIL,
                others == 1 ? "There is %zu other session using the database."
                            : "There are %zu other sessions using the database.",
                others);
    return all_leave(errand->server, named) ? WAIT_FOR_OTHERS : FAILED;
}

static int await_moment(void *end_us, int64_t deadline_us)
{
    int64_t now_us = loop_now_us(loop_current());
    int64_t until_us = now_us + leave_step_us;

    if (now_us >= *(const int64_t *)end_us) {
        return FAILED;
    }
    int r = await_until(until_us < deadline_us ? until_us : deadline_us);
    return r == 0 && until_us >= deadline_us ? -ETIMEDOUT : r;
}

/* For who terminates others, or closes his connections, and right then drops the database. */
static int await_unused(struct session *session, struct errand *errand)
{
    int64_t end_us = clock_after_us(loop_clock(loop_current()), leave_timeout_us);
    int r;

    while ((r = await_errand(errand)) == WAIT_FOR_OTHERS) {
        r = session_await(session, await_moment, &end_us, errand->failure);
        if (r != 0) {
            return r;
        }
    }
    return r;
}

/* ---- the end of a named clone ---- */

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

    if (!named_is_listed(named)) {
        return; /* it has ended already */
    }
    if (conn->owns_clone) {
        end_scope(conn->server, named);
    } else if (!named_is_lasting(named) && named_leases(named) == 0 &&
               (linger_us == 0 || linger_begin(conn->worker, named, linger_us) != 0)) {
        end_scope(conn->server, named);
    }
}

static int drop(struct errand *errand, struct named *named)
{
    const bool *force = errand->arg;

    if (registry_attributes(errand->server->registry, named).is_template) {
        return failure_set(errand->failure, "42809", "cannot drop a template database");
    }
    int r = *force ? 0 : want_unused(errand, named);
    if (r == 0) {
        end_scope(errand->server, named);
    }
    return r;
}

int databases_drop(struct connection *conn, const char *name, bool force,
                   struct failure *ret_failure)
{
    struct server *server = conn->server;
    struct errand errand = {
        .server = server, .name = name, .run = drop, .arg = &force, .failure = ret_failure
    };

    if (registry_find(server->registry, view_of_str(name)) != NULL) {
        failure_set(ret_failure, "42809", "cannot drop a template database");
        failure_add(ret_failure, FIELD_DETAIL, "It is a database of pond's configuration.");
        return FAILED;
    }
    return await_unused(conn->lease.session, &errand);
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

    (void)!await_errand(&errand); /* fine when it is not there any more */
}

void databases_discard_here(struct server *server, const char *name, uint32_t oid)
{
    struct failure ignored;
    struct errand errand = {
        .server = server, .name = name, .oid = oid, .run = discard, .failure = &ignored
    };

    run_errand(&errand);
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
    int r = await_errand(&errand);

    while (r == 0 && registry_find_excess(server->registry, excess)) {
        struct errand dropping = {
            .server = server, .name = excess, .run = drop_excess, .failure = &ignored
        };
        (void)!await_errand(&dropping); /* another may have dropped it already */
    }
    return r;
}

/* ---- ALTER DATABASE ---- */

static int rename_named(struct errand *errand, struct named *named, const char *to)
{
    int r = want_unused(errand, named);

    if (r == 0 && named_is_lasting(named)) {
        r = registry_rename(errand->server->registry, named, to);
    } else if (r == 0) {
        r = failure_set(errand->failure, "0A000", "a database that ends by itself keeps its name");
    }
    return r == -EEXIST ? fail_taken(to, errand->failure)
           : r < 0      ? failure_set_nomem(errand->failure)
                        : r;
}

static int alter(struct errand *errand, struct named *named)
{
    const struct database_change *change = errand->arg;
    struct registry *registry = errand->server->registry;
    struct named_attributes attributes = registry_attributes(registry, named);
    int r = change->name == NULL ? 0 : rename_named(errand, named, change->name);

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
    struct errand errand = {
        .server = server, .name = name, .run = alter, .arg = change, .failure = ret_failure
    };

    if (registry_find(server->registry, view_of_str(name)) == NULL) {
        return await_unused(conn->lease.session, &errand);
    }
    return changes_nothing(change)
               ? 0
               : failure_set(ret_failure, "0A000",
                             "database \"%s\" is one of pond's configuration, and changes there",
                             name);
}
