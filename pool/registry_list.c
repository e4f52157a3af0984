/* pool/registry_list.c: all databases and named clones, and the pools, as they are now. */
#include "pool/registry_impl.h"

#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/database_impl.h"
#include "pool/template.h"

#include <errno.h>
#include <stdio.h>

static size_t list_databases(const struct registry *registry, struct registry_row *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < registry->count; i++) {
        const struct database_options *options = database_options(registry->databases[i]);
        const struct template *template_ = options->template_;

        if (options->durable != NULL) {
            continue; /* comes with the named ones */
        }
        rows[count] = (struct registry_row){
            .attributes = { .owner = "pond",
                            .is_template = true,
                            .allows_connections = true,
                            .connection_limit = -1 },
            .oid = options->oid,
            .bytes = (size_t)template_page_count(template_) * template_page_bytes(template_),
        };
        snprintf(rows[count].name, sizeof(rows[count].name), "%s", options->name);
        count++;
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
                                          .origin = database_options(named->database)->name,
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

/* ---- pools ---- */

static struct registry_pool *pool_of(const struct registry *registry, struct registry_pool *pools,
                                     const struct named *named)
{
    size_t number = named->database->number;

    return number < registry->count && registry->databases[number] == named->database
               ? &pools[number]
               : NULL;
}

static void add_clones(struct registry *registry, struct registry_pool *pools)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&registry->lock);
    const struct named *named;

    for (size_t i = 0; i < registry_buckets; i++) {
        LIST_FOREACH (named, &registry->buckets[i], entry) {
            struct registry_pool *pool = pool_of(registry, pools, named);

            if (pool != NULL && !named_is_durable(named)) {
                pool->clones++;
                pool->clone_bytes += clone_own_bytes(named->clone);
            }
        }
    }
}

int registry_list_pools(struct registry *registry, struct registry_pool **ret_pools,
                        size_t *ret_count)
{
    struct registry_pool *pools = mem_zalloc((registry->count + 1) * sizeof(*pools));

    if (pools == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < registry->count; i++) {
        pools[i].options = database_options(registry->databases[i]);
        database_stats(registry->databases[i], &pools[i].stats);
    }
    add_clones(registry, pools);
    *ret_pools = pools;
    *ret_count = registry->count;
    return 0;
}
