/* pool/registry_impl.h: what the registry is made of, for registry*.c. */
#pragma once

#include "async/lock.h"
#include "pool/named_impl.h"
#include "pool/registry.h"

#include <stdatomic.h>

enum { registry_buckets = 1024 };

LIST_HEAD(named_bucket, named);

struct registry {
    struct database_world world;
    size_t max_clones;
    size_t max_templates;
    struct database **databases; /* few; they are looked up once per connection */
    size_t count;
    _Atomic uint32_t next_oid;

    struct lock lock;   /* over all below */
    size_t named_count; /* durable ones too */
    size_t durable_count;
    size_t frozen_count;
    uint64_t frozen_uses; /* so far */
    struct named_bucket buckets[registry_buckets];

    atomic_size_t open; /* databases that have not closed yet, and registry_close() itself */
    void (*closed)(void *arg);
    void *closed_arg;
};

/* The named clone, or NULL. The lock is held. */
struct named *registry_find_locked(struct registry *registry, struct view name);
