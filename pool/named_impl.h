/* pool/named_impl.h: what a named clone is made of, for the registry and for leases. */
#pragma once

#include "pool/marks.h"
#include "pool/named.h"

#include <sys/queue.h>

struct named {
    LIST_ENTRY(named) entry; /* in the registry, under its lock; the name too */
    char *name;
    struct named_attributes attributes; /* under that lock, too */
    uint32_t oid;
    uint32_t refs;
    unsigned loop;
    bool lasting;
    int64_t created_us;      /* wall clock */
    bool listed;             /* the registry knows it */
    struct template *frozen; /* under that lock, too; NULL: it is not */
    uint64_t frozen_used;    /* a number that grows with each use of it */
    size_t leases;
    int64_t left_us; /* when the last of them ended */
    void *keeper;
    struct database *database;
    struct clone *clone;
    struct marks marks;
};
