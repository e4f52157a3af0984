/* pool/registry_list.c: all databases and named clones, and the pools, as they are now. */
#include "pool/registry_impl.h"

#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/database_impl.h"
#include "pool/template.h"

#include <errno.h>
#include <stdio.h>

/* As many as there is room for, as list_named(). */
static size_t list_databases(const struct registry *registry, struct registry_row *rows,
                             size_t room)
{
    size_t count = 0;

    for (const struct database *database = registry_first(registry);
         database != NULL && count < room; database = registry_next(database)) {
        const struct database_options *options = database_options(database);
        const struct template *template_ = options->template_;

        if (options->gone || options->durable != NULL) {
            continue; /* a durable one comes with the named ones */
        }
        struct registry_row *row = &rows[count++];

        *row = (struct registry_row){
            .attributes = { .owner = "pond",
                            .is_template = true,
                            .allows_connections = true,
                            .connection_limit = -1 },
            .oid = options->oid,
            .bytes = (size_t)template_page_count(template_) * template_page_bytes(template_),
        };
        snprintf(row->name, sizeof(row->name), "%s", options->name);
    }
    return count;
}

/* As many as there is room for. */
static size_t list_named(struct registry *registry, struct registry_row *rows, size_t room)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named;
    size_t count = 0;

    for (size_t i = 0; i < registry_buckets; i++) {
        LIST_FOREACH (named, &registry->buckets[i], entry) {
            if (count == room) {
                return count;
            }
            struct registry_row *row = &rows[count++];

            *row = (struct registry_row){ .attributes = named->attributes,
                                          .oid = named->oid,
                                          .frozen = named->frozen != NULL,
                                          .named = !named_is_durable(named),
                                          .durable = named_is_durable(named),
                                          .lasting = named->lasting,
                                          .origin = database_name(named->database),
                                          .created_us = named->created_us,
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

static size_t count_clones(struct registry *registry)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);

    return registry->named_count - registry->durable_count;
}

void registry_stats(struct registry *registry, struct registry_stats *ret_stats)
{
    struct registry_stats all = { .clones = count_clones(registry) };

    for (const struct database *database = registry_first(registry); database != NULL;
         database = registry_next(database)) {
        struct database_stats one;

        database_stats(database, &one);
        all.sessions.sessions += one.sessions;
        all.sessions.idle += one.idle;
        all.sessions.ending += one.ending;
        all.sessions.waiting += one.waiting;
        all.sessions.leases += one.leases;
        all.sessions.created += one.created;
    }
    *ret_stats = all;
}

int registry_list(struct registry *registry, struct registry_row **ret_rows, size_t *ret_count)
{
    /* Some may come before they are listed. */
    size_t room = registry_count(registry) + count_named(registry) + 16;
    struct registry_row *rows = mem_alloc(room * sizeof(*rows));

    if (rows == NULL) {
        return -ENOMEM;
    }
    size_t count = list_databases(registry, rows, room);
    *ret_count = count + list_named(registry, rows + count, room - count);
    *ret_rows = rows;
    return 0;
}

/* ---- pools ---- */

struct pools {
    struct registry_pool *list;
    size_t count;
};

static void add_clones(struct registry *registry, const struct pools *pools)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named;

    for (size_t i = 0; i < registry_buckets; i++) {
        LIST_FOREACH (named, &registry->buckets[i], entry) {
            size_t number = database_number(named_database(named));

            if (number < pools->count && !named_is_durable(named)) {
                pools->list[number].clones++;
                pools->list[number].clone_bytes += clone_own_bytes(named->clone);
            }
        }
    }
}

static void fill(struct registry *registry, const struct pools *pools)
{
    struct registry_pool *pool = pools->list;

    for (struct database *database = registry_first(registry); pool < pools->list + pools->count;
         database = registry_next(database), pool++) {
        const struct database_options *options = database_options(database);

        *pool = (struct registry_pool){ .database = database,
                                        .name = options->name,
                                        .gone = options->gone,
                                        .oid = options->oid,
                                        .pool_size = options->pool_size,
                                        .min_pool_size = options->min_pool_size };
        database_stats(database, &pool->stats);
    }
    add_clones(registry, pools);
}

static bool is_used(const struct registry_pool *pool)
{
    const struct database_stats *stats = &pool->stats;

    return !pool->gone || stats->sessions + stats->idle + stats->waiting + pool->clones > 0;
}

/* Those that are gone and that nobody uses are none of the rows. */
static void drop_unused(struct pools *pools)
{
    size_t kept = 0;

    for (size_t i = 0; i < pools->count; i++) {
        if (is_used(&pools->list[i])) {
            pools->list[kept++] = pools->list[i];
        }
    }
    pools->count = kept;
}

int registry_list_pools(struct registry *registry, struct registry_pool **ret_pools,
                        size_t *ret_count)
{
    struct pools pools = { .count = registry_count(registry) };

    pools.list = mem_alloc((pools.count + 1) * sizeof(*pools.list));
    if (pools.list == NULL) {
        return -ENOMEM;
    }
    fill(registry, &pools);
    drop_unused(&pools);
    *ret_pools = pools.list;
    *ret_count = pools.count;
    return 0;
}
