/* pool/registry.c: databases in an array, which is only read once the loops run; named clones in a
 * hash table by name, under a lock. */
#include "pool/registry.h"

#include "async/lock.h"
#include "async/loop.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/name_hash.h"
#include "pool/named_impl.h"
#include "pool/template.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

enum { bucket_count = 1024, first_oid = 16384 };

LIST_HEAD(named_bucket, named);

struct registry {
    struct database_world world;
    size_t max_clones;
    size_t max_templates;
    struct database **databases; /* few; they are looked up once per connection */
    size_t count;
    _Atomic uint32_t next_oid;

    struct lock lock; /* over all below */
    size_t named_count;
    size_t frozen_count;
    uint64_t frozen_uses; /* so far */
    struct named_bucket buckets[bucket_count];

    atomic_size_t open; /* databases that have not closed yet, and registry_close() itself */
    void (*closed)(void *arg);
    void *closed_arg;
};

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
    for (size_t i = 0; i < bucket_count; i++) {
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
    registry->count += r == 0;
    return r;
}

void registry_await_prefill(struct registry *registry)
{
    int r = 0;

    for (size_t i = 0; i < registry->count && r == 0; i++) {
        r = database_await_prefill(registry->databases[i]);
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

/* ---- named clones ---- */

static struct named_bucket *bucket_of(struct registry *registry, struct view name)
{
    return &registry->buckets[name_hash(name) % bucket_count];
}

/* The lock is held. */
static struct named *find(struct registry *registry, struct view name)
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

    if (find(registry, name) != NULL) {
        return -EEXIST;
    }
    if (registry->max_clones != 0 && registry->named_count >= registry->max_clones) {
        return REGISTRY_FULL;
    }
    LIST_INSERT_HEAD(bucket_of(registry, name), named, entry);
    registry->named_count++;
    return 0;
}

int registry_put(struct registry *registry, struct named *named)
{
    int r =
        registry_find(registry, view_of_str(named->name)) != NULL ? -EEXIST : put(registry, named);

    if (r == 0) {
        named_ref(named)->listed = true;
    }
    return r;
}

bool registry_locate(struct registry *registry, struct view name, unsigned *ret_loop)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named = find(registry, name);

    if (named != NULL) {
        *ret_loop = named->loop;
    }
    return named != NULL;
}

struct named *registry_named(struct registry *registry, struct view name)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    struct named *named = find(registry, name);

    return named != NULL && named->loop == loop_number(loop_current()) ? named : NULL;
}

static void take_off(struct registry *registry, struct named *named)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    LIST_REMOVE(named, entry);
    registry->named_count--;
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

    if (find(registry, wanted) != NULL) {
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

/* ---- frozen ones ---- */

/* The lock is held. NULL: there are not too many. */
static struct named *find_least_used(struct registry *registry)
{
    struct named *least = NULL;
    struct named *named;

    for (size_t i = 0; i < bucket_count; i++) {
        LIST_FOREACH (named, &registry->buckets[i], entry) {
            if (named->frozen != NULL &&
                (least == NULL || named->frozen_used < least->frozen_used)) {
                least = named;
            }
        }
    }
    return least;
}

bool registry_find_excess(struct registry *registry, char *ret_name)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    bool too_many =
        registry->max_templates != 0 && registry->frozen_count > registry->max_templates;
    const struct named *least = too_many ? find_least_used(registry) : NULL;

    if (least != NULL) {
        snprintf(ret_name, database_name_bytes, "%s", least->name);
    }
    return least != NULL;
}

/* False: it has been dropped, or is frozen already. */
static bool set_frozen(struct registry *registry, struct named *named, struct template *template_)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    if (!named->listed || named->frozen != NULL) {
        return false;
    }
    named->frozen = template_;
    named->frozen_used = ++registry->frozen_uses;
    named->attributes.is_template = true;
    registry->frozen_count++;
    return true;
}

int registry_freeze(struct registry *registry, struct named *named)
{
    struct template *template_;

    if (template_seal(named->clone, &template_) != 0) {
        return -ENOMEM;
    }
    if (!set_frozen(registry, named, template_)) {
        template_unref(template_);
    }
    return 0;
}

/* The lock is held. NULL: it is not that of a frozen one. */
static struct named *use_frozen(struct registry *registry, struct view name)
{
    struct named *named = find(registry, name);

    if (named == NULL || named->frozen == NULL) {
        return NULL;
    }
    named->frozen_used = ++registry->frozen_uses;
    return named;
}

bool registry_frozen(struct registry *registry, struct view name, struct frozen *ret_frozen)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named = use_frozen(registry, name);

    if (named != NULL) {
        *ret_frozen = (struct frozen){ .template_ = template_ref(named->frozen),
                                       .database = named->database,
                                       .oid = named->oid,
                                       .allows_connections = named->attributes.allows_connections };
    }
    return named != NULL;
}

bool registry_is_template(struct registry *registry, struct view name)
{
    if (registry_find(registry, name) != NULL) {
        return true;
    }
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    return use_frozen(registry, name) != NULL;
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

/* ---- the list ---- */

static size_t list_databases(const struct registry *registry, struct registry_row *rows)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct database_options *options = database_options(registry->databases[i]);
        const struct template *template_ = options->template_;

        rows[i] = (struct registry_row){
            .attributes = { .owner = "pond",
                            .is_template = true,
                            .allows_connections = true,
                            .connection_limit = -1 },
            .oid = options->oid,
            .bytes = (size_t)template_page_count(template_) * template_page_bytes(template_),
        };
        snprintf(rows[i].name, sizeof(rows[i].name), "%s", options->name);
    }
    return registry->count;
}

/* As many as there is room for. */
static size_t list_named(struct registry *registry, struct registry_row *rows, size_t room)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named;
    size_t count = 0;

    for (size_t i = 0; i < bucket_count; i++) {
        LIST_FOREACH (named, &registry->buckets[i], entry) {
            if (count == room) {
                return count;
            }
            struct registry_row *row = &rows[count++];

            *row = (struct registry_row){ .attributes = named->attributes,
                                          .oid = named->oid,
                                          .named = true,
                                          .bytes = clone_own_bytes(named->clone) };
            snprintf(row->name, sizeof(row->name), "%s", named->name);
        }
    }
    return count;
}

static size_t count_named(struct registry *registry)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    return registry->named_count;
}

void registry_stats(struct registry *registry, struct registry_stats *ret_stats)
{
    struct registry_stats all = { .clones = count_named(registry) };

    for (size_t i = 0; i < registry->count; i++) {
        struct database_stats one;

        database_stats(registry->databases[i], &one);
        all.sessions.sessions += one.sessions;
        all.sessions.idle += one.idle;
        all.sessions.waiting += one.waiting;
        all.sessions.leases += one.leases;
        all.sessions.created += one.created;
    }
    *ret_stats = all;
}

int registry_list(struct registry *registry, struct registry_row **ret_rows, size_t *ret_count)
{
    size_t room = count_named(registry) + 16; /* some may come before they are listed */
    struct registry_row *rows = mem_alloc((registry->count + room) * sizeof(*rows));

    if (rows == NULL) {
        return -ENOMEM;
    }
    size_t count = list_databases(registry, rows);
    *ret_count = count + list_named(registry, rows + count, room);
    *ret_rows = rows;
    return 0;
}
