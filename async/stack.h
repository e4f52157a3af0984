/* async/stack.h: guarded stacks and a loop's cache of them. Private to async/; the loop's own
 * thread only. */
#pragma once

#include "base/defs.h"

struct stack {
    struct stack *next; /* in the cache */
    uint8_t *bottom;    /* the lowest usable byte; the guard lies below */
    size_t size;
    unsigned valgrind_id;
};

struct stack_cache {
    struct stack *hot;  /* with their memory, the last given back first */
    struct stack *cold; /* address space only */
    size_t hot_count;
    size_t idle_count; /* both */
    size_t idle_max;
    size_t stack_bytes;
};

void stack_cache_init(struct stack_cache *cache, size_t stack_bytes, size_t idle_max);
void stack_cache_finish(struct stack_cache *cache);

/* A stack out of the cache or a new one; NULL: no memory. */
struct stack *stack_take(struct stack_cache *cache);

/* Back into the cache; nothing may run on it any more. */
void stack_give(struct stack_cache *cache, struct stack *stack);
