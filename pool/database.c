/* pool/database.c: sessions as resources of the generic pool: each is made on a private clone of
 * the template, and is as good as new after its reset. */
#include "pool/database_impl.h"

#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/durable.h"
#include "pool/template.h"

#include <errno.h>

enum { idle_most = 16 }; /* sessions that one loop keeps */

const struct database_options *database_options(const struct database *database)
{
    return &database->options;
}

struct session_options database_session_options(const struct database *database,
                                                const struct session_options *wanted)
{
    const struct session_options none = { 0 };
    struct session_options all = wanted == NULL ? none : *wanted;

    if (all.memory == 0) {
        all.memory = database->options.session_memory;
    }
    if (all.lock_timeout_us == 0) {
        all.lock_timeout_us = database->options.lock_timeout_us;
    }
    if (all.statement_bytes == 0) {
        all.statement_bytes = database->options.max_statement_size;
    }
    if (all.work_mem == 0) {
        all.work_mem = database->options.work_mem;
    }
    if (all.temp_file_limit == 0) {
        all.temp_file_limit = database->options.temp_file_limit;
    }
    if (all.temp_dir == NULL) {
        all.temp_dir = database->options.temp_dir;
    }
    if (all.parent == NULL) {
        all.parent = database->world->parent;
    }
    return all;
}

/* ---- sessions as resources ---- */

static void clone_unrefp(struct clone **clone)
{
    clone_unref(*clone);
}

static int open_session(const struct database *database, const struct session_options *options,
                        struct session **ret_session, struct failure *ret_failure)
{
    struct clone_limits limits = { .memory = database->options.clone_memory,
                                   .parent = options->parent };
    cleanup(clone_unrefp) struct clone *clone = NULL;

    if (clone_create(database->options.template_, &limits, &clone) != 0) {
        return failure_set_nomem(ret_failure);
    }
    return session_open(clone, options, ret_session, ret_failure);
}

static int make_session(void *context, const struct respool_request *request,
                        struct respool_item **ret_item)
{
    const struct database *database = context;
    const struct pooled_request *wanted = request->arg;
    const struct session_options options =
        database_session_options(database, wanted == NULL ? NULL : wanted->options);
    struct failure *failure = wanted == NULL ? NULL : wanted->failure;
    cleanup(mem_freep) struct pooled *pooled = mem_zalloc(sizeof(*pooled));

    if (pooled == NULL) {
        return failure_set_nomem(failure);
    }
    int r = open_session(database, &options, &pooled->session, failure);
    if (r == 0) {
        *ret_item = &take_ptr(pooled)->item;
    }
    return r;
}

static struct session *session_of(struct respool_item *item)
{
    return container_of(item, struct pooled, item)->session;
}

/* Lent again, it is as its new user wants it. */
static bool lend_session(void *context, struct respool_item *item,
                         const struct respool_request *request)
{
    const struct pooled_request *wanted = request->arg;
    const struct session_options options =
        database_session_options(context, wanted == NULL ? NULL : wanted->options);

    session_lend(session_of(item), &options);
    return true;
}

static bool reset_session(void *context, struct respool_item *item)
{
    (void)context;
    return session_reset(session_of(item));
}

static void end_session(void *context, struct respool_item *item)
{
    struct pooled *pooled = container_of(item, struct pooled, item);

    (void)context;
    session_close(pooled->session);
    mem_free(pooled);
}

static void pool_ended(void *context)
{
    struct database *database = context;
    struct durable *durable = database->options.durable;

    if (durable != NULL && durable_has_started(durable)) {
        durable_close(durable, database->closed, database->closed_arg);
    } else {
        database->closed(database->closed_arg);
    }
}

/* ---- life ---- */

static int open_pool(struct database *database)
{
    static const struct respool_ops ops = {
        .create = make_session,
        .validate = lend_session,
        .reset = reset_session,
        .destroy = end_session,
        .ended = pool_ended,
    };
    const struct database_options *o = &database->options;
    const struct respool_options options = {
        .name = o->name,
        .ops = &ops,
        .context = database,
        .gate = database->world->gate,
        .loops = database->world->loops,
        .loop_count = database->world->loop_count,
        .max = o->pool_size,
        .min = o->min_pool_size,
        .max_idle = idle_most,
        .max_waiters = o->max_waiters,
        .idle_timeout_us = o->server_idle_timeout_us,
        .lifetime_us = o->server_lifetime_us,
    };

    return respool_create(&options, &database->sessions);
}

int database_create(const struct database_world *world, const struct database_options *options,
                    struct database **ret_database)
{
    struct database *database = mem_zalloc(sizeof(*database));

    if (database == NULL) {
        return -ENOMEM;
    }
    database->world = world;
    database->options = *options;
    database->owns_durable = options->durable != NULL;
    template_ref(options->template_);
    database->name = mem_strdup(options->name);
    database->options.name = database->name;
    if (database->name == NULL || open_pool(database) != 0) {
        database_destroy(database);
        return -ENOMEM;
    }
    *ret_database = database;
    return 0;
}

void database_close(struct database *database, void (*closed)(void *arg), void *arg)
{
    database->closed = closed;
    database->closed_arg = arg;
    respool_close(database->sessions);
}

void database_destroy(struct database *database)
{
    respool_destroy(database->sessions);
    if (database->owns_durable) {
        durable_destroy(database->options.durable);
    }
    template_unref(database->options.template_);
    mem_free(database->name);
    mem_free(database);
}

int database_await_prefill(struct database *database)
{
    return database->options.durable == NULL ? respool_await_prefill(database->sessions) : 0;
}

bool database_pause(struct database *database, bool paused)
{
    return gate_pause(database->world->gate, respool_budget(database->sessions), paused);
}

void database_shed(struct database *database)
{
    respool_shed(database->sessions);
}

void database_stats(const struct database *database, struct database_stats *ret_stats)
{
    struct respool_stats stats;

    struct gate_stats places;

    respool_stats(database->sessions, &stats);
    gate_stats(database->world->gate, respool_budget(database->sessions), &places);
    *ret_stats = (struct database_stats){
        .paused = places.paused,
        .sessions = places.used,
        .idle = stats.idle,
        .waiting = stats.waiting,
        .leases = stats.leases,
        .created = stats.created,
        .timed_out = stats.timed_out,
        .first_since_us = stats.first_since_us,
    };
}
