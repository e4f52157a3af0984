/* pool/database.c: sessions as resources of the generic pool: each is made on a private clone of
 * the template, and is as good as new after its reset. */
#include "pool/database_impl.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/durable.h"
#include "pool/template.h"

#include <errno.h>

enum { idle_most = 16 }; /* sessions that one loop keeps */

static size_t slot_here(const struct database *database)
{
    return database->world->loop_count == 1 ? 0 : loop_number(loop_current());
}

const struct database_options *database_options(const struct database *database)
{
    return &database->editions[slot_here(database)]->options;
}

const char *database_name(const struct database *database)
{
    return database->name;
}

size_t database_number(const struct database *database)
{
    return database->number;
}

struct session_options database_session_options(const struct database *database,
                                                const struct session_options *wanted)
{
    const struct database_options *own = database_options(database);
    const struct session_options none = { 0 };
    struct session_options all = wanted == NULL ? none : *wanted;

    if (all.memory == 0) {
        all.memory = own->session_memory;
    }
    if (all.lock_timeout_us == 0) {
        all.lock_timeout_us = own->lock_timeout_us;
    }
    if (all.statement_bytes == 0) {
        all.statement_bytes = own->max_statement_size;
    }
    if (all.work_mem == 0) {
        all.work_mem = own->work_mem;
    }
    if (all.temp_file_limit == 0) {
        all.temp_file_limit = own->temp_file_limit;
    }
    if (all.temp_dir == NULL) {
        all.temp_dir = own->temp_dir;
    }
    if (all.parent == NULL) {
        all.parent = database->world->parent;
    }
    return all;
}

/* ---- sessions as resources ---- */

static int open_session(const struct database *database, const struct session_options *options,
                        struct session **ret_session, struct failure *ret_failure)
{
    const struct database_options *own = database_options(database);
    struct clone_limits limits = { .memory = own->clone_memory, .parent = options->parent };
    cleanup(clone_unrefp) struct clone *clone = NULL;

    if (own->gone) { /* while he who wants it stood in line */
        return failure_set(ret_failure, "3D000", "database \"%s\" does not exist", database->name);
    }
    if (clone_create(own->template_, &limits, &clone) != 0) {
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
    struct durable *durable = database->durable;

    if (durable != NULL && durable_has_started(durable)) {
        durable_close(durable, database->closed, database->closed_arg);
    } else {
        database->closed(database->closed_arg);
    }
}

/* ---- editions ---- */

int database_edition_create(const struct database *database, const struct database_options *options,
                            struct database_edition **ret_edition)
{
    struct account *was = account_swap(NULL); /* it outlives the task that makes it */
    struct database_edition *edition = mem_zalloc(sizeof(*edition));

    account_swap(was);
    if (edition == NULL) {
        return -ENOMEM;
    }
    edition->options = *options;
    edition->options.name = database->name;
    edition->options.oid = database->oid;
    edition->options.durable = database->durable;
    if (options->template_ != NULL) {
        template_ref(options->template_);
    }
    *ret_edition = edition;
    return 0;
}

void database_edition_destroy(struct database_edition *edition)
{
    if (edition != NULL) {
        template_unref(edition->options.template_);
        mem_free(edition);
    }
}

static struct respool_options pool_options(const struct database_options *o)
{
    return (struct respool_options){
        .name = o->name,
        .max = o->pool_size,
        .min = o->gone || o->durable != NULL ? 0 : o->min_pool_size,
        .max_idle = idle_most,
        .max_waiters = o->max_waiters,
        .idle_timeout_us = o->server_idle_timeout_us,
        .lifetime_us = o->server_lifetime_us,
    };
}

/* Can a session that was made before be lent as one that is made now? The rest of the options is
 * given to each anew. */
static bool is_same_image(const struct database_options *a, const struct database_options *b)
{
    return a->template_ == b->template_ && a->clone_memory == b->clone_memory;
}

struct database_edition *database_install(struct database *database,
                                          struct database_edition *edition)
{
    struct database_edition **slot = &database->editions[slot_here(database)];
    struct database_edition *was = *slot;
    const struct respool_options options = pool_options(&edition->options);

    *slot = edition;
    respool_change(database->sessions, &options, !is_same_image(&was->options, &edition->options));
    return was;
}

void database_install_limit(struct database *database, const struct database_edition *edition)
{
    gate_set_limit(database->world->gate, respool_budget(database->sessions),
                   edition->options.pool_size);
}

/* ---- life ---- */

static int open_pool(struct database *database, const struct database_options *o)
{
    static const struct respool_ops ops = {
        .create = make_session,
        .validate = lend_session,
        .reset = reset_session,
        .destroy = end_session,
        .ended = pool_ended,
    };
    struct respool_options options = pool_options(o);

    options.name = database->name;
    options.ops = &ops;
    options.context = database;
    options.gate = database->world->gate;
    options.loops = database->world->loops;
    options.loop_count = database->world->loop_count;
    return respool_create(&options, &database->sessions);
}

static int open_first_edition(struct database *database, const struct database_options *options)
{
    struct database_edition *edition;
    int r = database_edition_create(database, options, &edition);

    for (size_t i = 0; i < database->world->loop_count && r == 0; i++) {
        database->editions[i] = edition;
    }
    return r;
}

static int create(const struct database_world *world, const struct database_options *options,
                  struct database **ret_database)
{
    struct database *database =
        mem_zalloc(sizeof(*database) + world->loop_count * sizeof(struct database_edition *));

    if (database == NULL) {
        return -ENOMEM;
    }
    database->world = world;
    database->oid = options->oid;
    database->durable = options->durable;
    database->name = mem_strdup(options->name);
    if (database->name == NULL || open_first_edition(database, options) != 0 ||
        open_pool(database, options) != 0) {
        database_destroy(database);
        return -ENOMEM;
    }
    database->owns_durable = options->durable != NULL;
    *ret_database = database;
    return 0;
}

int database_create(const struct database_world *world, const struct database_options *options,
                    struct database **ret_database)
{
    struct account *was = account_swap(NULL);
    int r = create(world, options, ret_database);

    account_swap(was);
    return r;
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
        durable_destroy(database->durable);
    }
    database_edition_destroy(database->editions[0]); /* no reload is under way */
    mem_free(database->name);
    mem_free(database);
}

int database_await_prefill(struct database *database)
{
    return database->durable == NULL ? respool_await_prefill(database->sessions) : 0;
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
        .ending = stats.ending,
        .waiting = stats.waiting,
        .leases = stats.leases,
        .created = stats.created,
        .timed_out = stats.timed_out,
        .first_since_us = stats.first_since_us,
    };
}
