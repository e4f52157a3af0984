/* protocol/writer.h: appends messages to a buffer.
 *
 * Failure is sticky: after the first BUF_FULL or -ENOMEM the message that was begun is taken out of
 * the buffer again, and every later call does nothing; whole messages before it stay. So a caller
 * writes what it has to say and checks writer_result() (or the last writer_end()) once. Nothing
 * else may touch the buffer between writer_begin() and writer_end(). Values are written straight
 * into the buffer and their length is filled in afterwards, so a row costs no allocation of its
 * own. Pure; any thread.
 *
 *     struct writer w = writer_over(&out);
 *     frontend_bind(&w, ...);
 *     writer_null(&w);
 *     writer_value_begin(&w);
 *     writer_check(&w, value_encode(..., w.out, &failure));
 *     writer_value_end(&w);
 *     frontend_bind_end(&w, ...); */
#pragma once

#include "base/buf.h"

struct writer {
    struct buf *out;
    size_t message_at; /* where the begun message starts */
    size_t length_at;  /* where its length word is */
    size_t value_at;   /* where the begun value's length word is */
    int result;        /* 0, or what made it fail */
};

static inline struct writer writer_over(struct buf *out)
{
    return (struct writer){ .out = out, .message_at = out->len };
}

/* 0, BUF_FULL, -ENOMEM, or what writer_check() was told. */
must_check static inline int writer_result(const struct writer *w)
{
    return w->result;
}

/* Takes the begun message out of the buffer; `result` (not 0) is the writer's result from now on.
 */
void writer_fail(struct writer *w, int result);

/* Fails the writer with the result of somebody who appended to w->out; 0 is fine. What was appended
 * although the writer had failed before is taken out again. */
static inline void writer_check(struct writer *w, int result)
{
    if (result != 0 || w->result != 0) {
        writer_fail(w, result);
    }
}

/* Room for n bytes at the end of the buffer, already counted in; NULL when the writer has failed.
 */
uint8_t *writer_grow(struct writer *w, size_t n);

static inline uint8_t *writer_room(struct writer *w, size_t n)
{
    struct buf *b = w->out;

    if (w->result == 0 && n <= b->cap - b->len) {
        b->len += n;
        return b->data + b->len - n;
    }
    return writer_grow(w, n);
}

static inline void writer_u8(struct writer *w, uint8_t n)
{
    uint8_t *at = writer_room(w, sizeof(n));

    if (at != NULL) {
        *at = n;
    }
}

static inline void writer_u16(struct writer *w, uint16_t n)
{
    uint8_t *at = writer_room(w, sizeof(n));

    if (at != NULL) {
        n = __builtin_bswap16(n);
        memcpy(at, &n, sizeof(n));
    }
}

static inline void writer_u32(struct writer *w, uint32_t n)
{
    uint8_t *at = writer_room(w, sizeof(n));

    if (at != NULL) {
        n = __builtin_bswap32(n);
        memcpy(at, &n, sizeof(n));
    }
}

static inline void writer_u64(struct writer *w, uint64_t n)
{
    uint8_t *at = writer_room(w, sizeof(n));

    if (at != NULL) {
        n = __builtin_bswap64(n);
        memcpy(at, &n, sizeof(n));
    }
}

static inline void writer_i16(struct writer *w, int16_t n)
{
    writer_u16(w, (uint16_t)n);
}

static inline void writer_i32(struct writer *w, int32_t n)
{
    writer_u32(w, (uint32_t)n);
}

static inline void writer_bytes(struct writer *w, struct view v)
{
    uint8_t *at = writer_room(w, v.len);

    if (at != NULL && v.len > 0) {
        memcpy(at, v.data, v.len);
    }
}

/* A string and its NUL; the string ends at its first NUL, since it could not be read back
 * otherwise. */
void writer_cstr(struct writer *w, const char *s); /* NULL: empty */
void writer_cstr_view(struct writer *w, struct view v);

/* Starts a message; type 0: a start-up packet, which has no type byte. */
void writer_begin(struct writer *w, uint8_t type);
/* Fills in its length. 0, or what made the writer fail. */
int writer_end(struct writer *w);

/* A value of DataRow, Bind, FunctionCall: int32 length and bytes. The bytes may be appended to
 * w->out by others in between; tell their result to writer_check(). */
static inline void writer_null(struct writer *w)
{
    writer_i32(w, -1);
}

static inline void writer_value_begin(struct writer *w)
{
    w->value_at = w->out->len;
    writer_u32(w, 0);
}

static inline void writer_value_end(struct writer *w)
{
    size_t len = w->out->len - w->value_at - 4;

    if (w->result != 0) {
        return;
    }
    if (len > INT32_MAX) {
        writer_fail(w, BUF_FULL);
        return;
    }
    uint32_t word = __builtin_bswap32((uint32_t)len);

    memcpy(w->out->data + w->value_at, &word, sizeof(word));
}

static inline void writer_value(struct writer *w, struct view v)
{
    writer_value_begin(w);
    writer_bytes(w, v);
    writer_value_end(w);
}
