/* sql/arena.c: chunks in a list; the newest one gives, and each new one is larger. */
#include "sql/arena.h"

#include "base/alloc.h"

#include <stdalign.h>

enum { first_chunk_bytes = 2048, largest_chunk_bytes = 65536 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t room; /* bytes behind this header */
    alignas(max_align_t) uint8_t data[];
};

static struct arena_chunk *grow(struct arena *arena, size_t size)
{
    size_t room = arena->total < first_chunk_bytes ? first_chunk_bytes : arena->total;
    struct arena_chunk *chunk;

    if (room > largest_chunk_bytes) {
        room = largest_chunk_bytes;
    }
    if (room < size) {
        room = size;
    }
    chunk = mem_zalloc(sizeof(*chunk) + room);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->room = room;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used = 0;
    arena->total += room;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->chunks;
    void *block;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (chunk == NULL || size > chunk->room - arena->used) {
        chunk = grow(arena, size);
        if (chunk == NULL) {
            return NULL;
        }
    }
    block = chunk->data + arena->used;
    arena->used += size;
    return block;
}

char *arena_strndup(struct arena *arena, const void *s, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    if (copy != NULL && len > 0) {
        memcpy(copy, s, len);
    }
    return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return arena_strndup(arena, s, strlen(s));
}

void arena_finish(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        mem_free(chunk);
    }
    *arena = (struct arena){ 0 };
}
