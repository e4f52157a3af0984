/* pool/template_impl.h: what a template is made of, for pool/'s own files. */
#pragma once

#include "pool/pagemap.h"
#include "pool/template.h"

struct page_owner;

/* Immutable but for refs and cache. */
struct template
{
    _Atomic uint32_t refs;
    uint32_t page_bytes;
    struct pagemap map;       /* kept alive by this reference: clones borrow it */
    struct page_owner *owner; /* who pays for what is in the map and not in base's; may be NULL */
    struct template *base;    /* the map borrows from it; may be NULL */
    uint32_t counter;         /* of page 1: change counter */
    uint32_t cookie;          /* of page 1: schema cookie */
    void *cache;
    void (*cache_destroy)(void *cache);
};

/* An empty image of this page size. 0 or -ENOMEM. */
must_check int template_create_sized(uint32_t page_bytes, struct template **ret_template);
