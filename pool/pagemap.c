/* pool/pagemap.c: see pagemap.h. Nodes have 64 slots, so that one word says which of them are
 * counted, and three levels hold a gigabyte. Level 1 nodes hold pages, those above hold nodes. */
#include "pool/pagemap.h"

#include "pool/page.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { slot_bits = 6, slot_count = 1 << slot_bits, max_levels = 5 };

static_assert(1 << (slot_bits * max_levels) == PAGEMAP_MAX_PAGES, "the tree holds every page");

struct pagemap_node {
    _Atomic uint32_t refs;
    uint64_t counted; /* bit i: slot i holds a reference; else it is empty or borrowed */
    void *slot[slot_count];
    struct pagemap_node *above; /* only of one that is being freed: what it hung in */
};

/* Where a node hangs: a slot of its parent, or the map's root. */
struct place {
    void **slot;
    uint64_t *counted;
    uint64_t bit;
};

static unsigned slot_of(uint32_t index, unsigned level)
{
    return (index >> (slot_bits * (level - 1))) % slot_count;
}

static uint64_t bit_of(unsigned slot)
{
    return UINT64_C(1) << slot;
}

/* How many pages a tree of so many levels can hold. */
static uint64_t reach(unsigned levels)
{
    return levels == 0 ? 0 : UINT64_C(1) << (slot_bits * levels);
}

/* True when it was the last reference: the node is the caller's to free. */
static bool node_let_go(struct pagemap_node *node)
{
    return atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) == 1;
}

static void node_unref(struct pagemap_node *node, unsigned level)
{
    struct pagemap_remains remains = { .node = node_let_go(node) ? node : NULL, .level = level };

    (void)pagemap_free_some(&remains, SIZE_MAX);
}

static void child_unref(void *child, unsigned level)
{
    if (level == 1) {
        page_unref(child);
    } else {
        node_unref(child, level - 1);
    }
}

static void child_ref(void *child, unsigned level)
{
    if (level == 1) {
        page_ref(child);
    } else {
        struct pagemap_node *node = child;
        atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    }
}

static bool node_is_private(const struct pagemap_node *node)
{
    return atomic_load_explicit(&node->refs, memory_order_acquire) == 1;
}

static struct pagemap_node *node_create(struct page_owner *payer)
{
    struct pagemap_node *node = page_owner_alloc(payer, sizeof(*node));

    if (node != NULL) {
        memset(node, 0, sizeof(*node));
        atomic_init(&node->refs, 1);
    }
    return node;
}

/* A private copy. Children of a counted node are counted once more; those of a borrowed one are
 * borrowed. */
static struct pagemap_node *node_copy(const struct pagemap_node *from, bool from_counted,
                                      unsigned level, struct page_owner *payer)
{
    struct pagemap_node *node = page_owner_alloc(payer, sizeof(*node));

    if (node == NULL) {
        return NULL;
    }
    atomic_init(&node->refs, 1);
    node->above = NULL;
    memcpy(node->slot, from->slot, sizeof(node->slot));
    node->counted = from_counted ? from->counted : 0;
    for (uint64_t left = node->counted; left != 0; left &= left - 1) {
        child_ref(node->slot[__builtin_ctzll(left)], level);
    }
    return node;
}

/* Sees to it that the place holds a node that only this map sees. NULL: no memory. */
static struct pagemap_node *place_own_node(struct place at, unsigned level,
                                           struct page_owner *payer)
{
    struct pagemap_node *node = *at.slot;
    bool counted = (*at.counted & at.bit) != 0;

    if (node != NULL && counted && node_is_private(node)) {
        return node;
    }
    struct pagemap_node *own =
        node == NULL ? node_create(payer) : node_copy(node, counted, level, payer);
    if (own == NULL) {
        return NULL;
    }
    if (counted) {
        node_unref(node, level);
    }
    *at.slot = own;
    *at.counted |= at.bit;
    return own;
}

static struct place place_in(struct pagemap_node *node, unsigned slot)
{
    return (struct place){ &node->slot[slot], &node->counted, bit_of(slot) };
}

static void place_clear(struct place at, unsigned level)
{
    if ((*at.counted & at.bit) != 0) {
        child_unref(*at.slot, level);
    }
    *at.slot = NULL;
    *at.counted &= ~at.bit;
}

/* The map's root as a node that only this map sees. NULL: no memory. */
static struct pagemap_node *own_root(struct pagemap *map, struct page_owner *payer)
{
    void *root = map->root;
    uint64_t counted = root != NULL && !map->borrowed;
    struct place at = { &root, &counted, 1 };
    struct pagemap_node *own = place_own_node(at, map->levels, payer);

    if (own != NULL) {
        map->root = own;
        map->borrowed = false;
    }
    return own;
}

/* Adds levels on top until the tree reaches `pages`. */
static int grow(struct pagemap *map, struct page_owner *payer, uint32_t pages)
{
    if (map->root == NULL) {
        map->levels = 1;
        while (reach(map->levels) < pages) {
            map->levels++;
        }
        return 0;
    }
    while (reach(map->levels) < pages) {
        struct pagemap_node *top = node_create(payer);

        if (top == NULL) {
            return -ENOMEM;
        }
        top->slot[0] = map->root;
        top->counted = map->borrowed ? 0 : 1;
        map->root = top;
        map->borrowed = false;
        map->levels++;
    }
    return 0;
}

struct pagemap pagemap_share(const struct pagemap *map)
{
    if (map->root != NULL && !map->borrowed) {
        atomic_fetch_add_explicit(&map->root->refs, 1, memory_order_relaxed);
    }
    return *map;
}

struct pagemap pagemap_borrow(const struct pagemap *map)
{
    struct pagemap borrowed = *map;

    borrowed.borrowed = true;
    return borrowed;
}

struct pagemap_remains pagemap_let_go(struct pagemap *map)
{
    struct pagemap_remains remains = { .level = map->levels };

    if (map->root != NULL && !map->borrowed && node_let_go(map->root)) {
        remains.node = map->root;
    }
    *map = (struct pagemap){ 0 };
    return remains;
}

/* Takes the next child of the node that is counted. NULL: there is none. */
static void *take_child(struct pagemap_node *node)
{
    uint64_t left = node->counted;

    node->counted = left & (left - 1);
    return left == 0 ? NULL : node->slot[__builtin_ctzll(left)];
}

/* Where it is in the tree is kept in the tree: a node that is being freed knows the one above it.
 */
bool pagemap_free_some(struct pagemap_remains *remains, size_t pages)
{
    while (remains->node != NULL && pages > 0) {
        struct pagemap_node *node = remains->node;
        void *child = take_child(node);

        if (child == NULL) {
            remains->node = node->above;
            remains->level++;
            mem_free(node);
        } else if (remains->level == 1) {
            page_unref(child);
            pages--;
        } else if (node_let_go(child)) {
            ((struct pagemap_node *)child)->above = node;
            remains->node = child;
            remains->level--;
        }
    }
    return remains->node == NULL;
}

void pagemap_finish(struct pagemap *map)
{
    struct pagemap_remains remains = pagemap_let_go(map);

    (void)pagemap_free_some(&remains, SIZE_MAX);
}

struct page *pagemap_get(const struct pagemap *map, uint32_t number)
{
    const struct pagemap_node *node = map->root;
    uint32_t index = number - 1;

    if (number == 0 || number > map->pages || index >= reach(map->levels)) {
        return NULL;
    }
    for (unsigned level = map->levels; level > 1 && node != NULL; level--) {
        node = node->slot[slot_of(index, level)];
    }
    return node == NULL ? NULL : node->slot[slot_of(index, 1)];
}

struct page *pagemap_get_private(const struct pagemap *map, uint32_t number)
{
    const struct pagemap_node *node = map->root;
    uint32_t index = number - 1;

    if (number == 0 || number > map->pages || index >= reach(map->levels) || map->borrowed) {
        return NULL;
    }
    for (unsigned level = map->levels; node != NULL && node_is_private(node); level--) {
        unsigned slot = slot_of(index, level);

        if ((node->counted & bit_of(slot)) == 0) {
            return NULL;
        }
        if (level == 1) {
            struct page *page = node->slot[slot];
            return page_is_private(page) ? page : NULL;
        }
        node = node->slot[slot];
    }
    return NULL;
}

int pagemap_put(struct pagemap *map, struct page_owner *payer, uint32_t number, struct page *page)
{
    uint32_t index = number - 1;

    assert(number != 0 && number <= PAGEMAP_MAX_PAGES);
    if (grow(map, payer, number) < 0) {
        return -ENOMEM;
    }
    struct pagemap_node *node = own_root(map, payer);
    for (unsigned level = map->levels; level > 1 && node != NULL; level--) {
        node = place_own_node(place_in(node, slot_of(index, level)), level - 1, payer);
    }
    if (node == NULL) {
        return -ENOMEM;
    }
    struct place at = place_in(node, slot_of(index, 1));
    place_clear(at, 1);
    *at.slot = page;
    *at.counted |= at.bit;
    map->pages = number > map->pages ? number : map->pages;
    return 0;
}

/* Makes every node on the way to `index` private. */
static int own_way(struct pagemap *map, struct page_owner *payer, uint32_t index)
{
    struct pagemap_node *node = own_root(map, payer);

    for (unsigned level = map->levels; level > 1 && node != NULL; level--) {
        struct place at = place_in(node, slot_of(index, level));

        if (*at.slot == NULL) {
            return 0;
        }
        node = place_own_node(at, level - 1, payer);
    }
    return node == NULL ? -ENOMEM : 0;
}

int pagemap_truncate(struct pagemap *map, struct page_owner *payer, uint32_t pages)
{
    if (pages == 0) {
        pagemap_finish(map);
        return 0;
    }
    if (map->root == NULL || pages >= map->pages || pages >= reach(map->levels)) {
        map->pages = pages;
        return 0;
    }
    uint32_t last = pages - 1;
    if (own_way(map, payer, last) < 0) {
        return -ENOMEM;
    }
    struct pagemap_node *node = map->root;
    for (unsigned level = map->levels; level > 0 && node != NULL; level--) {
        unsigned slot = slot_of(last, level);

        for (unsigned behind = slot + 1; behind < slot_count; behind++) {
            place_clear(place_in(node, behind), level);
        }
        node = level > 1 ? node->slot[slot] : NULL;
    }
    map->pages = pages;
    return 0;
}

/* ---- what has changed ---- */

/* A node or a page of one of the two trees; the lower tree's root stands for the first slot of the
 * levels that it does not have. */
struct spot {
    const void *child; /* NULL: nothing but zeroes */
    unsigned level;
};

struct comparison {
    pagemap_change_fn *fn;
    void *arg;
    uint32_t pages;
};

static struct spot spot_below(struct spot at, unsigned level, unsigned slot)
{
    if (at.child == NULL) {
        return at;
    }
    if (at.level < level) {
        return slot == 0 ? at : (struct spot){ NULL, 0 };
    }
    return (struct spot){ ((const struct pagemap_node *)at.child)->slot[slot], level - 1 };
}

static int compare(const struct comparison *c, struct spot from, struct spot to, unsigned level,
                   uint64_t first)
{
    int r = 0;

    if (from.child == to.child || first >= c->pages) {
        return 0;
    }
    if (level == 0) {
        return c->fn(c->arg, (uint32_t)first + 1, to.child);
    }
    for (unsigned slot = 0; slot < slot_count && r == 0; slot++) {
        r = compare(c, spot_below(from, level, slot), spot_below(to, level, slot), level - 1,
                    first + ((uint64_t)slot << (slot_bits * (level - 1))));
    }
    return r;
}

int pagemap_each_change(const struct pagemap *from, const struct pagemap *to, pagemap_change_fn *fn,
                        void *arg)
{
    const struct comparison c = { .fn = fn, .arg = arg, .pages = to->pages };
    unsigned level = from->levels > to->levels ? from->levels : to->levels;

    return compare(&c, (struct spot){ from->root, from->levels },
                   (struct spot){ to->root, to->levels }, level, 0);
}
