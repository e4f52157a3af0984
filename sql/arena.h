/* sql/arena.h: memory that one translation needs and drops as a whole. Zero bytes are a valid empty
 * arena.
 *
 * Comes from base/alloc.h in chunks; one thread at a time. */
#pragma once

#include "base/defs.h"
#include "base/view.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t used;                /* bytes of the newest chunk in use */
    size_t total;               /* bytes of all chunks */
};

/* Zeroed, aligned for anything; NULL: no memory. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strndup(struct arena *arena, const void *s, size_t len); /* adds NUL */
char *arena_strdup(struct arena *arena, const char *s);
void arena_finish(struct arena *arena);
