/* protocol/writer.c: the slow paths of the writer and the length words. */
#include "protocol/writer.h"

#include <assert.h>

void writer_fail(struct writer *w, int result)
{
    if (w->result == 0) {
        w->result = result;
    }
    assert(w->result != 0);
    if (w->out->len > w->message_at) {
        w->out->len = w->message_at;
    }
}

uint8_t *writer_grow(struct writer *w, size_t n)
{
    struct buf *b = w->out;

    if (w->result != 0) {
        return NULL;
    }
    int r = buf_reserve(b, n);

    if (r != 0) {
        writer_fail(w, r);
        return NULL;
    }
    b->len += n;
    return b->data + b->len - n;
}

void writer_cstr(struct writer *w, const char *s)
{
    writer_cstr_view(w, view_of_str(s));
}

void writer_cstr_view(struct writer *w, struct view v)
{
    const uint8_t *nul = v.len == 0 ? NULL : memchr(v.data, 0, v.len);

    if (nul != NULL) {
        v.len = (size_t)(nul - v.data);
    }
    writer_bytes(w, v);
    writer_u8(w, 0);
}

static void store_u32(struct writer *w, size_t at, uint32_t n)
{
    n = __builtin_bswap32(n);
    memcpy(w->out->data + at, &n, sizeof(n));
}

void writer_begin(struct writer *w, uint8_t type)
{
    if (w->result != 0) {
        return;
    }
    w->message_at = w->out->len;
    if (type != 0) {
        writer_u8(w, type);
    }
    w->length_at = w->out->len;
    writer_u32(w, 0);
}

int writer_end(struct writer *w)
{
    if (w->result != 0) {
        return w->result;
    }
    size_t len = w->out->len - w->length_at;

    if (len > INT32_MAX) {
        writer_fail(w, BUF_FULL);
        return w->result;
    }
    store_u32(w, w->length_at, (uint32_t)len);
    w->message_at = w->out->len;
    return 0;
}
