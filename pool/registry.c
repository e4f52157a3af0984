/* pool/registry.c: databases in an array, which is only read once the loops run; named clones in a
 * hash table by name, under a lock. registry_frozen.c has the templates among them,
 * registry_list.c lists all. */
#include "pool/registry_impl.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "pool/database_impl.h"
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
    atomic_store(&registry->open, registry->count + 1);
    for (size_t i = 0; i < registry->count; i++) {
        database_close(registry->databases[i], one_has_closed, registry);
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
    for (size_t i = 0; i < registry->count; i++) {
        database_destroy(registry->databases[i]);
    }
    lock_finish(&registry->lock);
    mem_free(registry->databases);
    mem_free(registry);
}

/* ---- databases ---- */

int registry_add(struct registry *registry, const struct database_options *options)
{
    struct database_options all = *options;
    struct database **grown;

    if (registry_find(registry, view_of_str(options->name)) != NULL) {
        return -EEXIST;
    }
    grown = mem_realloc(registry->databases, (registry->count + 1) * sizeof(struct database *));
    if (grown == NULL) {
        return -ENOMEM;
    }
    registry->databases = grown;
    if (all.oid == 0) {
        all.oid = registry_next_oid(registry);
    }
    int r = database_create(&registry->world, &all, &grown[registry->count]);
    if (r == 0) {
        grown[registry->count]->number = registry->count;
        registry->count++;
    }
    return r;
}

void registry_await_prefill(struct registry *registry)
{
    int r = 0;

    for (size_t i = 0; i < registry->count && r == 0; i++) {
        r = database_await_prefill(registry->databases[i]);
    }
}

void registry_shed(const struct registry *registry)
{
    for (size_t i = 0; i < registry->count; i++) {
        database_shed(registry->databases[i]);
    }
}

struct database *registry_find(const struct registry *registry, struct view name)
{
    for (size_t i = 0; i < registry->count; i++) {
        if (view_equal_str(name, database_options(registry->databases[i])->name)) {
            return registry->databases[i];
        }
    }
    return NULL;
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

static int put(struct registry *registry, struct named *named)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    struct view name = view_of_str(named->name);

    if (registry_find_locked(registry, name) != NULL) {
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
    bool taken = registry_find(registry, view_of_str(named->name)) != NULL;
    int r = taken && !named_is_durable(named) ? -EEXIST : put(registry, named);

    if (r == 0) {
        named_ref(named)->listed = true;
    }
    return r;
}

int registry_start_durable(struct registry *registry, struct database *database)
{
    const struct database_options *o = &database->options;
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

    if (registry_find_locked(registry, wanted) != NULL) {
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
    if (registry_find(registry, view_of_str(name)) != NULL) {
        return -EEXIST;
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
