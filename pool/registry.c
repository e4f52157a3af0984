/* pool/registry.c: databases by name, and the leases of their sessions.
 *
 * A lease takes a warm session, or makes a clone and a session. At its release the session is reset
 * and kept warm, if nothing stands against it; else both end. Lines of waiters and shared clones go
 * between lease_acquire() and take_session(). */
#include "pool/registry.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/template.h"

#include <errno.h>
#include <stdatomic.h>

enum { warm_most = 16 };

/* A loop's own: sessions that are reset and idle; the youngest is last and goes first. */
struct warm {
    struct session *sessions[warm_most];
    size_t count;
};

struct database {
    struct database_options options;
    char *name;
    atomic_size_t sessions;       /* in use, on all loops */
    _Atomic uint64_t leases;      /* ever */
    struct warm warm[loops_most]; /* by the loop's number */
};

struct registry {
    struct database **databases; /* few; they are looked up once per connection */
    size_t count;
};

int registry_create(struct registry **ret_registry)
{
    struct registry *registry = mem_zalloc(sizeof(*registry));

    if (registry == NULL) {
        return -ENOMEM;
    }
    *ret_registry = registry;
    return 0;
}

static void close_warm(struct warm *warm)
{
    while (warm->count > 0) {
        session_close(warm->sessions[--warm->count]);
    }
}

static void database_destroy(struct database *database)
{
    if (database == NULL) {
        return;
    }
    for (size_t i = 0; i < loops_most; i++) {
        close_warm(&database->warm[i]);
    }
    template_unref(database->options.template_);
    mem_free(database->name);
    mem_free(database);
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (size_t i = 0; i < registry->count; i++) {
        database_destroy(registry->databases[i]);
    }
    mem_free(registry->databases);
    mem_free(registry);
}

static struct database *database_new(const struct database_options *options)
{
    struct database *database = mem_zalloc(sizeof(*database));
    char *name = mem_strdup(options->name);

    if (database == NULL || name == NULL) {
        mem_free(database);
        mem_free(name);
        return NULL;
    }
    database->options = *options;
    database->options.name = name;
    database->name = name;
    template_ref(options->template_);
    return database;
}

int registry_add(struct registry *registry, const struct database_options *options)
{
    struct database **grown;

    if (registry_find(registry, view_of_str(options->name)) != NULL) {
        return -EEXIST;
    }
    grown = mem_realloc(registry->databases, (registry->count + 1) * sizeof(struct database *));
    if (grown == NULL) {
        return -ENOMEM;
    }
    registry->databases = grown;
    grown[registry->count] = database_new(options);
    if (grown[registry->count] == NULL) {
        return -ENOMEM;
    }
    registry->count++;
    return 0;
}

struct database *registry_find(struct registry *registry, struct view name)
{
    for (size_t i = 0; i < registry->count; i++) {
        if (view_equal_str(name, registry->databases[i]->name)) {
            return registry->databases[i];
        }
    }
    return NULL;
}

const struct database_options *database_options(const struct database *database)
{
    return &database->options;
}

void database_stats(const struct database *database, struct database_stats *ret_stats)
{
    *ret_stats = (struct database_stats){
        .sessions = atomic_load_explicit(&database->sessions, memory_order_relaxed),
        .leases = atomic_load_explicit(&database->leases, memory_order_relaxed),
    };
}

/* ---- leases ---- */

static void clone_unrefp(struct clone **clone)
{
    clone_unref(*clone);
}

/* What the caller left open is as the database has it. */
static struct session_options with_defaults(const struct session_options *options,
                                            const struct database_options *database)
{
    struct session_options all = *options;

    if (all.memory == 0) {
        all.memory = database->session_memory;
    }
    if (all.lock_timeout_us == 0) {
        all.lock_timeout_us = database->lock_timeout_us;
    }
    return all;
}

static int make_session(const struct database *database, const struct session_options *options,
                        struct session **ret_session, struct failure *ret_failure)
{
    struct clone_limits limits = { .memory = database->options.clone_memory,
                                   .parent = options->parent };
    struct clone *clone cleanup(clone_unrefp) = NULL;

    if (clone_create(database->options.template_, &limits, &clone) != 0) {
        return failure_set_nomem(ret_failure);
    }
    return session_open(clone, options, ret_session, ret_failure);
}

static struct warm *own_warm(struct database *database)
{
    return &database->warm[loop_number(loop_current())];
}

static int take_session(struct database *database, const struct session_options *options,
                        struct session **ret_session, struct failure *ret_failure)
{
    struct session_options all = with_defaults(options, &database->options);
    struct warm *warm = own_warm(database);

    if (warm->count == 0) {
        return make_session(database, &all, ret_session, ret_failure);
    }
    *ret_session = warm->sessions[--warm->count];
    session_lend(*ret_session, &all);
    return 0;
}

static int fail_full(const struct database *database, struct failure *ret_failure)
{
    failure_set(ret_failure, "53300", "too many connections for database \"%s\"", database->name);
    failure_add(ret_failure, FIELD_DETAIL, "All of its pool_size = %zu sessions are in use.",
                database->options.pool_size);
    return FAILED;
}

int lease_acquire(struct database *database, const struct session_options *options,
                  struct lease *ret_lease, struct failure *ret_failure)
{
    size_t most = database->options.pool_size;
    struct session *session;

    /* Taken before anything may await. */
    size_t in_use = atomic_fetch_add_explicit(&database->sessions, 1, memory_order_relaxed);
    int r = most != 0 && in_use >= most ? fail_full(database, ret_failure)
                                        : take_session(database, options, &session, ret_failure);
    if (r != 0) {
        atomic_fetch_sub_explicit(&database->sessions, 1, memory_order_relaxed);
        return r;
    }
    atomic_fetch_add_explicit(&database->leases, 1, memory_order_relaxed);
    *ret_lease = (struct lease){ .database = database, .session = session };
    return 0;
}

void lease_release(struct lease *lease)
{
    if (lease->session == NULL) {
        return;
    }
    struct database *database = lease->database;
    struct warm *warm = own_warm(database);

    if (warm->count < warm_most && session_reset(lease->session)) {
        warm->sessions[warm->count++] = lease->session;
    } else {
        session_close(lease->session);
    }
    atomic_fetch_sub_explicit(&database->sessions, 1, memory_order_relaxed);
    *lease = (struct lease){ .session = NULL };
}
