/* base/buf.c: doubles as it grows, never past its cap. */
#include "base/buf.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { first_bytes = 64 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_finish(struct buf *b)
{
    if (b != NULL) {
        mem_free(b->data);
        buf_init(b, b->max);
    }
}

void buf_wipe(struct buf *b)
{
    if (b != NULL && b->data != NULL) {
        explicit_bzero(b->data, b->cap);
    }
    buf_finish(b);
}

/* The next capacity that holds `need` bytes: at least doubled, so that appending stays linear. */
static size_t grown_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;

    if (cap < first_bytes) {
        cap = first_bytes;
    }
    if (b->max != 0 && cap > b->max) {
        cap = b->max;
    }
    return cap < need ? need : cap;
}

static int buf_resize(struct buf *b, size_t cap)
{
    uint8_t *data = mem_realloc(b->data, cap);

    if (data == NULL) {
        return -ENOMEM;
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_grow(struct buf *b, size_t n)
{
    size_t most = b->max == 0 ? SIZE_MAX : b->max;

    if (n > most - b->len) {
        return b->max == 0 ? -ENOMEM : BUF_FULL;
    }
    return buf_resize(b, grown_cap(b, b->len + n));
}

int buf_append_str(struct buf *b, const char *s)
{
    return buf_append_view(b, view_of_str(s));
}

int buf_append_view(struct buf *b, struct view v)
{
    return buf_append(b, v.data, v.len);
}

int buf_append_byte(struct buf *b, uint8_t byte)
{
    return buf_append(b, &byte, 1);
}

/* vsnprintf wants room for a NUL that is not part of the content and that the cap may not have:
 * what does not fit goes through a block of its own. */
static int append_long(struct buf *b, size_t len, const char *format, va_list args)
{
    int r = buf_reserve(b, len);

    if (r != 0) {
        return r;
    }
    cleanup(mem_freep) char *text = mem_alloc(len + 1);
    if (text == NULL) {
        return -ENOMEM;
    }
    vsnprintf(text, len + 1, format, args);
    return buf_append(b, text, len);
}

int buf_printf(struct buf *b, const char *format, ...)
{
    char text[256];
    va_list args;
    int r;

    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0) {
        return -EINVAL;
    }
    if ((size_t)len < sizeof(text)) {
        return buf_append(b, text, (size_t)len);
    }
    va_start(args, format);
    r = append_long(b, (size_t)len, format, args);
    va_end(args);
    return r;
}

void buf_consume(struct buf *b, size_t n)
{
    b->len -= n;
    if (b->len != 0 && n != 0) {
        memmove(b->data, b->data + n, b->len);
    }
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

void buf_shrink(struct buf *b)
{
    if (b->len == 0) {
        buf_finish(b);
    }
}

char *buf_take_str(struct buf *b)
{
    if (b->cap == b->len && buf_resize(b, b->len + 1) != 0) {
        return NULL;
    }
    char *s = (char *)b->data;

    s[b->len] = '\0';
    buf_init(b, b->max);
    return s;
}
