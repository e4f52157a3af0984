/* pool/registry_impl.h: what the registry is made of, for registry*.c. */
#pragma once

#include "async/lock.h"
#include "pool/database_impl.h"
#include "pool/named_impl.h"
#include "pool/registry.h"

#include <stdatomic.h>

enum { registry_buckets = 1024 };

LIST_HEAD(named_bucket, named);

struct registry {
    struct database_world world;
    /* Few, which are looked up once per connection; only ever added to, by one thread at a time. */
    _Atomic(struct database *) first;
    atomic_size_t count;
    _Atomic uint32_t next_oid;

    struct lock lock; /* over all below */
    size_t max_clones;
    size_t max_templates;
    size_t named_count; /* durable ones too */
    size_t durable_count;
    size_t frozen_count;
    uint64_t frozen_uses; /* so far */
    struct named_bucket buckets[registry_buckets];

    atomic_size_t open; /* databases that have not closed yet, and registry_close() itself */
    void (*closed)(void *arg);
    void *closed_arg;
};

static inline struct database *registry_first(const struct registry *registry)
{
    return atomic_load_explicit(&registry->first, memory_order_acquire);
}

static inline struct database *registry_next(const struct database *database)
{
    return atomic_load_explicit(&database->next, memory_order_acquire);
}

/* That of the name, gone or not; or NULL. */
struct database *registry_find_any(const struct registry *registry, struct view name);

/* Adds one. 0 or -ENOMEM. */
must_check int registry_append(struct registry *registry, const struct database_options *options,
                               struct database **ret_database);

/* The named clone, or NULL. The lock is held. */
struct named *registry_find_locked(struct registry *registry, struct view name);
