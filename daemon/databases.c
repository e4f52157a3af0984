/* daemon/databases.c: where a database lives, and how one is made. What a clone is made of is a
 * template: that of a database of the configuration as it is, or what another clone holds now,
 * sealed on that clone's own loop. Their ends are database_end.c's, their changes
 * database_alter.c's. */
#include "daemon/databases.h"

#include "async/await.h"
#include "base/alloc.h"
#include "daemon/claims.h"
#include "daemon/console.h"
#include "daemon/errand.h"
#include "daemon/server.h"
#include "pool/registry.h"
#include "pool/template.h"
#include "protocol/utf8.h"
#include "sql/host.h"

#include <errno.h>
#include <string.h>

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
    struct database *database = registry_find_template(server->registry, view_of_str(name));
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
    if (claims_check_not_building(server, name, ret_failure) != 0) {
        return FAILED;
    }
    int r = errand_await(&errand);
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
                (long long)server_here(server)->conf->max_clones);
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
        return errand_fail_unknown("database", name, ret_failure);
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
               ? errand_fail_unknown("template database", name, ret_failure)
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

    if (console_is_meant(request->name)) {
        return errand_fail_taken(request->name, ret_failure);
    }
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
    return making.result == -EEXIST ? errand_fail_taken(request->name, ret_failure) : making.result;
}
