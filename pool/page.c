/* pool/page.c: see page.h. A page is one block of the accounting allocator: header, bytes, a few
 * zeroes. */
#include "pool/page.h"

#include <errno.h>
#include <string.h>

/* SQLite's cell parser may read two varints over the end of a damaged page. */
enum { spare_bytes = 32 };

int page_owner_create(uint32_t page_bytes, size_t cap, struct account *parent,
                      struct page_owner **ret_owner)
{
    struct account *was = account_swap(parent);
    struct page_owner *owner = mem_zalloc(sizeof(*owner));

    account_swap(was);
    if (owner == NULL) {
        return -ENOMEM;
    }
    owner->account.parent = parent;
    owner->cap = cap;
    owner->page_bytes = page_bytes;
    atomic_init(&owner->refs, 1);
    *ret_owner = owner;
    return 0;
}

struct page_owner *page_owner_ref(struct page_owner *owner)
{
    atomic_fetch_add_explicit(&owner->refs, 1, memory_order_relaxed);
    return owner;
}

void page_owner_unref(struct page_owner *owner)
{
    if (owner != NULL && atomic_fetch_sub_explicit(&owner->refs, 1, memory_order_acq_rel) == 1) {
        mem_free(owner);
    }
}

bool page_owner_is_full(const struct page_owner *owner)
{
    size_t used = page_owner_used(owner);

    return owner->cap != 0 && (used > owner->cap || owner->page_bytes > owner->cap - used);
}

size_t page_owner_used(const struct page_owner *owner)
{
    return atomic_load_explicit(&owner->account.used, memory_order_relaxed);
}

void *page_owner_alloc(struct page_owner *owner, size_t size)
{
    struct account *was = account_swap(&owner->account);
    void *block = mem_alloc(size);

    account_swap(was);
    return block;
}

struct page *page_create(struct page_owner *owner)
{
    size_t bytes = sizeof(struct page) + owner->page_bytes + spare_bytes;
    struct page *page = page_owner_alloc(owner, bytes);

    if (page == NULL) {
        return NULL;
    }
    page->owner = owner;
    page->unused = 0;
    atomic_init(&page->refs, 1);
    memset(page->data + owner->page_bytes, 0, spare_bytes);
    return page;
}

void page_unref(struct page *page)
{
    if (page != NULL && atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) == 1) {
        mem_free(page);
    }
}
