/* pool/page.h: one page of a database image, counted by reference and charged to the clone that
 * wrote it.
 *
 * A page's bytes are written before it is put into a map that others can see, and never again.
 * Pages of a sealed template are reached without counting (pool/pagemap.h). Counting is atomic: a
 * template may die on any thread. */
#pragma once

#include "base/alloc.h"
#include "base/defs.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Who pays for pages and tree nodes: one per clone. It lives as long as the clone and all templates
 * sealed from it, so that a page can always be credited. */
struct page_owner {
    struct account account;
    size_t cap; /* bytes; 0: none */
    uint32_t page_bytes;
    _Atomic uint32_t refs;
};

/* 0 or -ENOMEM. The owner itself is charged to `parent` (may be NULL). */
must_check int page_owner_create(uint32_t page_bytes, size_t cap, struct account *parent,
                                 struct page_owner **ret_owner);
struct page_owner *page_owner_ref(struct page_owner *owner);
void page_owner_unref(struct page_owner *owner); /* NULL is fine */

/* True when one more page would pass the cap. */
bool page_owner_is_full(const struct page_owner *owner);
size_t page_owner_used(const struct page_owner *owner);

/* Memory charged to the owner, for its pages and tree nodes; mem_free() gives it back. */
void *page_owner_alloc(struct page_owner *owner, size_t size);

struct page {
    struct page_owner *owner; /* who pays; not counted */
    _Atomic uint32_t refs;
    uint32_t unused;
    uint8_t data[]; /* page_bytes, and some zeroes behind: SQLite reads a little over the end of a
                       corrupt page */
};

/* A page with one reference and undefined content, whatever the cap. NULL: no memory. */
struct page *page_create(struct page_owner *owner);
void page_unref(struct page *page); /* NULL is fine */

static inline struct page *page_ref(struct page *page)
{
    atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
    return page;
}

/* Nobody else sees it: its bytes may still be written. */
static inline bool page_is_private(const struct page *page)
{
    return atomic_load_explicit(&page->refs, memory_order_acquire) == 1;
}

static inline struct page *page_of_data(const void *data)
{
    return (struct page *)((uintptr_t)data - offsetof(struct page, data));
}
