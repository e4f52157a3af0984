/* pool/registry.c: databases in a list that only grows, which needs no lock to be read; named
 * clones in a hash table by name, under a lock. registry_frozen.c has the templates among them,
 * registry_change.c changes the databases, registry_list.c lists all. */
#include "pool/registry_impl.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "pool/durable.h"
#include "pool/name_hash.h"

#include <errno.h>

enum { first_oid = 16384 };

/* ---- life ---- */

int registry_create(const struct registry_options *options, struct registry **ret_registry)
{
    struct registry *registry = mem_zalloc(sizeof(*registry));

    if (registry == NULL) {
        return -ENOMEM;
    }
    registry->world = options->world;
    registry->max_clones = options->max_clones;
    registry->max_templates = options->max_templates;
    atomic_init(&registry->next_oid, first_oid);
    lock_init(&registry->lock);
    *ret_registry = registry;
    return 0;
}

void registry_set_limits(struct registry *registry, size_t max_clones, size_t max_templates)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    registry->max_clones = max_clones;
    registry->max_templates = max_templates;
}

static void one_has_closed(void *arg)
{
    struct registry *registry = arg;

    if (atomic_fetch_sub(&registry->open, 1) == 1) {
        registry->closed(registry->closed_arg);
    }
}

void registry_close(struct registry *registry, void (*closed)(void *arg), void *arg)
{
    registry->closed = closed;
    registry->closed_arg = arg;
    atomic_store(&registry->open, registry_count(registry) + 1);
    for (struct database *database = registry_first(registry), *next; database != NULL;
         database = next) {
        next = registry_next(database);
        database_close(database, one_has_closed, registry);
    }
    one_has_closed(registry);
}

/* No loop runs any more: it does not matter on which thread the clones go. */
static void forget_named(struct registry *registry)
{
    for (size_t i = 0; i < registry_buckets; i++) {
        struct named *named;

        while ((named = LIST_FIRST(&registry->buckets[i])) != NULL) {
            registry_drop(registry, named);
        }
    }
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    forget_named(registry);
    for (struct database *database = registry_first(registry), *next; database != NULL;
         database = next) {
        next = registry_next(database);
        database_destroy(database);
    }
    lock_finish(&registry->lock);
    mem_free(registry);
}

/* ---- databases ---- */

/* The last one's pointer to the next. */
static _Atomic(struct database *) *end_of_list(struct registry *registry)
{
    _Atomic(struct database *) *end = &registry->first;
    struct database *database;

    while ((database = atomic_load_explicit(end, memory_order_relaxed)) != NULL) {
        end = &database->next;
    }
    return end;
}

int registry_append(struct registry *registry, const struct database_options *options,
                    struct database **ret_database)
{
    struct database_options all = *options;
    struct database *database;

    if (all.oid == 0) {
        all.oid = registry_next_oid(registry);
    }
    if (database_create(&registry->world, &all, &database) != 0) {
        return -ENOMEM;
    }
    database->number = registry_count(registry);
    atomic_store_explicit(end_of_list(registry), database, memory_order_release);
    atomic_fetch_add(&registry->count, 1);
    *ret_database = database;
    return 0;
}

int registry_add(struct registry *registry, const struct database_options *options)
{
    struct database *database;

    if (registry_find_any(registry, view_of_str(options->name)) != NULL) {
        return -EEXIST;
    }
    int r = registry_append(registry, options, &database);
    if (r == 0) {
        database->taken = true;
    }
    return r;
}

size_t registry_count(const struct registry *registry)
{
    return atomic_load(&registry->count);
}

void registry_await_prefill(struct registry *registry)
{
    int r = 0;

    for (struct database *database = registry_first(registry); database != NULL && r == 0;
         database = registry_next(database)) {
        r = database_await_prefill(database);
    }
}

void registry_shed(const struct registry *registry)
{
    for (struct database *database = registry_first(registry); database != NULL;
         database = registry_next(database)) {
        database_shed(database);
    }
}

struct database *registry_find_any(const struct registry *registry, struct view name)
{
    struct database *database = registry_first(registry);

    while (database != NULL && !view_equal_str(name, database_name(database))) {
        database = registry_next(database);
    }
    return database;
}

struct database *registry_find(const struct registry *registry, struct view name)
{
    struct database *database = registry_find_any(registry, name);

    return database != NULL && !database_options(database)->gone ? database : NULL;
}

struct database *registry_find_template(const struct registry *registry, struct view name)
{
    struct database *database = registry_find(registry, name);

    return database != NULL && database_options(database)->durable == NULL ? database : NULL;
}

/* ---- named clones ---- */

static struct named_bucket *bucket_of(struct registry *registry, struct view name)
{
    return &registry->buckets[name_hash(name) % registry_buckets];
}

struct named *registry_find_locked(struct registry *registry, struct view name)
{
    struct named *named;

    LIST_FOREACH (named, bucket_of(registry, name), entry) {
        if (view_equal_str(name, named->name)) {
            return named;
        }
    }
    return NULL;
}

/* By a database, or a named clone. The lock is held. */
static bool is_taken(struct registry *registry, struct view name)
{
    const struct database *database = registry_find_any(registry, name);

    return (database != NULL && database->taken) || registry_find_locked(registry, name) != NULL;
}

static int put(struct registry *registry, struct named *named)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    struct view name = view_of_str(named->name);

    if (named_is_durable(named) ? registry_find_locked(registry, name) != NULL
                                : is_taken(registry, name)) {
        return -EEXIST;
    }
    if (registry->max_clones != 0 && !named_is_durable(named) &&
        registry->named_count - registry->durable_count >= registry->max_clones) {
        return REGISTRY_FULL;
    }
    LIST_INSERT_HEAD(bucket_of(registry, name), named, entry);
    registry->named_count++;
    registry->durable_count += named_is_durable(named);
    return 0;
}

int registry_put(struct registry *registry, struct named *named)
{
    int r = put(registry, named);

    if (r == 0) {
        named_ref(named)->listed = true;
    }
    return r;
}

int registry_start_durable(struct registry *registry, struct database *database)
{
    const struct database_options *o = database_options(database);
    struct named_options options = {
        .name = o->name,
        .attributes = { .owner = "pond", .allows_connections = true, .connection_limit = -1 },
        .database = database,
        .parent = registry->world.parent,
        .oid = o->oid,
        .lasting = true,
        .clone = durable_clone(o->durable),
    };
    struct named *named;

    if (named_create(&options, &named) != 0) {
        return -ENOMEM;
    }
    durable_start(o->durable);
    database->owns_durable = false;
    int r = registry_put(registry, named);
    named_unref(named);
    return r;
}

bool registry_locate(struct registry *registry, struct view name, unsigned *ret_loop)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named = registry_find_locked(registry, name);

    if (named != NULL) {
        *ret_loop = named->loop;
    }
    return named != NULL;
}

struct named *registry_named(struct registry *registry, struct view name)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    struct named *named = registry_find_locked(registry, name);

    return named != NULL && named->loop == loop_number(loop_current()) ? named : NULL;
}

static void take_off(struct registry *registry, struct named *named)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    LIST_REMOVE(named, entry);
    registry->named_count--;
    registry->durable_count -= named_is_durable(named);
    registry->frozen_count -= named->frozen != NULL;
}

void registry_drop(struct registry *registry, struct named *named)
{
    if (named->listed) {
        named->listed = false;
        take_off(registry, named);
        named_unref(named);
    }
}

/* `name` becomes the old name when it says 0. */
static int swap_name(struct registry *registry, struct named *named, char **name)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    struct view wanted = view_of_str(*name);
    char *old = named->name;

    if (is_taken(registry, wanted)) {
        return -EEXIST;
    }
    LIST_REMOVE(named, entry);
    named->name = *name;
    *name = old;
    LIST_INSERT_HEAD(bucket_of(registry, wanted), named, entry);
    return 0;
}

int registry_rename(struct registry *registry, struct named *named, const char *name)
{
    struct account *was = account_swap(registry->world.parent); /* as in named_create() */
    cleanup(mem_freep) char *copy = mem_strdup(name);

    account_swap(was);
    if (copy == NULL) {
        return -ENOMEM;
    }
    return swap_name(registry, named, &copy);
}

struct named_attributes registry_attributes(struct registry *registry, const struct named *named)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    return named->attributes;
}

void registry_set_attributes(struct registry *registry, struct named *named,
                             const struct named_attributes *attributes)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    named->attributes = *attributes;
}

uint32_t registry_next_oid(struct registry *registry)
{
    return atomic_fetch_add_explicit(&registry->next_oid, 1, memory_order_relaxed);
}
