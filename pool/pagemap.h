/* pool/pagemap.h: a database image: an immutable, reference-counted radix tree from page number to
 * page.
 *
 * A map is a small value: a root and a size. Sharing one is O(1). Changing one copies the nodes on
 * the way that somebody else sees, and changes in place those that nobody else sees.
 *
 * Counted and borrowed: a map that owns its root counts. A borrowed map (a clone's view of its
 * template) counts nothing, and neither does anything that is reached through it: whoever lent it
 * keeps the whole tree alive. A node copied out of a borrowed tree keeps borrowing what is below
 * it; each slot knows which of the two it is.
 *
 * A map is changed by one thread; trees that are shared may be read and let go of by any. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct page;
struct page_owner;
struct pagemap_node;

enum { PAGEMAP_MAX_PAGES = 1 << 30 };

/* Zero bytes are a valid empty map. */
struct pagemap {
    struct pagemap_node *root; /* NULL: no page anywhere */
    uint32_t pages;            /* the image's size; pages without an entry are zeroes */
    uint8_t levels;            /* of the tree; 0 when there is no root */
    bool borrowed;             /* the root is not counted */
};

/* Another map of the same image; finish both. */
struct pagemap pagemap_share(const struct pagemap *map);

/* A map of the same image that counts nothing: valid while `map`'s tree is. Finishing it does
 * nothing to that tree. */
struct pagemap pagemap_borrow(const struct pagemap *map);

/* Lets go of the tree; the map is empty afterwards. */
void pagemap_finish(struct pagemap *map);

/* The same in steps, on any thread: what of a tree is still to be freed because nobody sees it any
 * more. Zero bytes: nothing. */
struct pagemap_remains {
    struct pagemap_node *node;
    unsigned level;
};
struct pagemap_remains pagemap_let_go(struct pagemap *map);

/* Frees about so many pages. True when nothing is left. */
bool pagemap_free_some(struct pagemap_remains *remains, size_t pages);

/* Lends the page; NULL: all zeroes, or past the end. Page numbers start at 1. */
struct page *pagemap_get(const struct pagemap *map, uint32_t number);

/* The page, when nobody else can see it through any map or lend: its bytes may be written in place.
 * Else NULL. */
struct page *pagemap_get_private(const struct pagemap *map, uint32_t number);

/* Takes the page, on success only; the image grows to hold it. New nodes are paid by `payer`. 0, or
 * -ENOMEM and the image is what it was. `number` is 1 to PAGEMAP_MAX_PAGES. */
must_check int pagemap_put(struct pagemap *map, struct page_owner *payer, uint32_t number,
                           struct page *page);

/* Makes the image `pages` long: drops what is behind, or adds zeroes. 0, or -ENOMEM and the image
 * is what it was. */
must_check int pagemap_truncate(struct pagemap *map, struct page_owner *payer, uint32_t pages);

/* Calls fn for each page of `to` that is not the same object in `from`, by rising numbers; NULL is
 * a page of zeroes that was none. What the two have in common is passed over, so that it costs what
 * has changed. Stops at the first answer that is not 0, and returns it. Both trees may be read by
 * others meanwhile. */
typedef int pagemap_change_fn(void *arg, uint32_t number, const struct page *page);
must_check int pagemap_each_change(const struct pagemap *from, const struct pagemap *to,
                                   pagemap_change_fn *fn, void *arg);
