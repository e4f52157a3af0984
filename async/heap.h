/* async/heap.h: what has the least key comes first: timers by their time, waiters by their number.
 *
 * A pairing heap through its members themselves: adding one takes no memory and so cannot fail. A
 * place is embedded in its owner. Zero bytes are a place in no heap and an empty heap. Private to
 * async/; no lock of its own. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct heap_place {
    int64_t key;
    struct heap_place *child; /* the first of those whose keys are not less */
    struct heap_place *next;  /* sibling */
    struct heap_place **link; /* what points here; NULL: in no heap */
};

struct heap {
    struct heap_place *first; /* the one with the least key, or NULL */
};

/* A place that is in a heap must not be added again. */
void heap_add(struct heap *heap, struct heap_place *place, int64_t key);

/* Fine for one that is in no heap. */
void heap_remove(struct heap *heap, struct heap_place *place);

static inline bool heap_has(const struct heap_place *place)
{
    return place->link != NULL;
}
