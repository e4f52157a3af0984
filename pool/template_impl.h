/* pool/template_impl.h: what a template is made of, for pool/'s own files. */
#pragma once

#include "async/loop.h"
#include "pool/pagemap.h"
#include "pool/template.h"

struct clone;
struct clone_limits;
struct failure;
struct page_owner;
struct sqlite3;

struct template_cache {
    void *cache;
    void (*destroy)(void *cache);
};

/* Immutable but for refs and caches, each of which only its own loop touches. */
struct template
{
    _Atomic uint32_t refs;
    uint32_t page_bytes;
    struct pagemap map;       /* kept alive by this reference: clones borrow it */
    struct page_owner *owner; /* who pays for what is in the map and not in base's; may be NULL */
    struct template *base;    /* the map borrows from it; may be NULL */
    uint32_t counter;         /* of page 1: change counter */
    uint32_t cookie;          /* of page 1: schema cookie */
    struct template_cache caches[loops_most]; /* by the loop's number */
};

/* An empty image of this page size. 0 or -ENOMEM. */
must_check int template_create_sized(uint32_t page_bytes, struct template **ret_template);

struct image_source {
    struct sqlite3 *db;
    const char *path;         /* for messages */
    const _Atomic bool *stop; /* as template_load_file()'s */
};

/* template_load.c: all that the connection reads, as a clone of the empty template of the same page
 * size. 0, FAILED or -ENOMEM. */
must_check int template_copy_image(struct template *empty, const struct clone_limits *limits,
                                   const struct image_source *source, struct clone **ret_clone,
                                   struct failure *ret_failure);
