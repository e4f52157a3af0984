/* base/buf.h: a growing byte buffer with a cap. Zero bytes are a valid empty buffer without a cap.
 *
 * Owned by whoever embeds it; one thread at a time. Memory comes from base/alloc.h. */
#pragma once

#include "base/defs.h"
#include "base/view.h"

/* The cap would be passed: nothing was appended. Not FAILED (base/failure.h), so that one call may
 * say both. */
enum { BUF_FULL = 9 };

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap; /* bytes allocated: never more than max allows */
    size_t max; /* most bytes it may ever hold; 0: no cap */
};

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b);
/* The same for a secret: its bytes are overwritten first. Who appends one reserves its room before,
 * for what a growing buffer leaves behind is not. */
void buf_wipe(struct buf *b);

/* Makes room for n more bytes. 0, BUF_FULL or -ENOMEM; on failure the content is untouched. */
must_check int buf_grow(struct buf *b, size_t n);

must_check static inline int buf_reserve(struct buf *b, size_t n)
{
    return n <= b->cap - b->len ? 0 : buf_grow(b, n);
}

/* As buf_reserve, then copies. */
must_check static inline int buf_append(struct buf *b, const void *data, size_t len)
{
    int r = buf_reserve(b, len);

    if (r == 0 && len > 0) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }
    return r;
}

must_check int buf_append_str(struct buf *b, const char *s);
must_check int buf_append_view(struct buf *b, struct view v);
must_check int buf_append_byte(struct buf *b, uint8_t byte);
must_check int buf_printf(struct buf *b, const char *format, ...) printf_like(2, 3);

/* Drops n bytes from the front; n must not exceed len. */
void buf_consume(struct buf *b, size_t n);

/* Empties it and keeps the memory. */
void buf_clear(struct buf *b);

/* Gives the memory back when the buffer is empty. */
void buf_shrink(struct buf *b);

/* Hands the bytes over as a NUL-terminated string (mem_free it); the buffer is empty afterwards.
 * NULL when there was no memory for the NUL. */
char *buf_take_str(struct buf *b);

static inline struct view buf_view(const struct buf *b)
{
    return view_of(b->data, b->len);
}
