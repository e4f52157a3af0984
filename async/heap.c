/* async/heap.c: a pairing heap, merged without recursion. */
#include "async/heap.h"

#include <assert.h>

/* Merges two heaps that hang on nothing. */
static struct heap_place *merge(struct heap_place *a, struct heap_place *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    struct heap_place *first = b->key < a->key ? b : a;
    struct heap_place *later = first == a ? b : a;

    later->next = first->child;
    if (later->next != NULL) {
        later->next->link = &later->next;
    }
    first->child = later;
    later->link = &first->child;
    return first;
}

/* Merges a row of siblings: in pairs from the left, then the pairs. */
static struct heap_place *merge_row(struct heap_place *row)
{
    struct heap_place *pairs = NULL; /* through next */
    struct heap_place *all = NULL;

    while (row != NULL) {
        struct heap_place *a = row;
        struct heap_place *b = take_ptr(a->next);

        row = b == NULL ? NULL : take_ptr(b->next);
        a = merge(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct heap_place *pair = pairs;

        pairs = take_ptr(pair->next);
        all = merge(all, pair);
    }
    return all;
}

static void put_first(struct heap *heap, struct heap_place *first)
{
    heap->first = first;
    if (first != NULL) {
        first->link = &heap->first;
    }
}

void heap_add(struct heap *heap, struct heap_place *place, int64_t key)
{
    assert(!heap_has(place));
    place->key = key;
    place->child = place->next = NULL;
    put_first(heap, merge(heap->first, place));
}

void heap_remove(struct heap *heap, struct heap_place *place)
{
    if (!heap_has(place)) {
        return;
    }
    *place->link = place->next;
    if (place->next != NULL) {
        place->next->link = place->link;
    }
    place->link = NULL;
    place->next = NULL;
    put_first(heap, merge(heap->first, merge_row(take_ptr(place->child))));
}
