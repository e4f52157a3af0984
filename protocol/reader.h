/* protocol/reader.h: reads network-order fields out of a view, strictly.
 *
 * Failure is sticky: once a read goes past the end, `failed` is set, nothing more is used up and
 * every read gives zero, so that a parser checks once, at its end. A well-formed message is used
 * up: reader_done(). Lengths are compared by subtraction, never by addition. Pure; any thread. */
#pragma once

#include "base/view.h"

struct reader {
    const uint8_t *pos;
    const uint8_t *end;
    bool failed;
};

static inline struct reader reader_over(struct view v)
{
    static const uint8_t nothing[1];

    if (v.data == NULL) {
        return (struct reader){ .pos = nothing, .end = nothing };
    }
    return (struct reader){ .pos = v.data, .end = v.data + v.len };
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->pos);
}

/* Nothing failed and every byte is used up. */
static inline bool reader_done(const struct reader *r)
{
    return !r->failed && r->pos == r->end;
}

/* The next n bytes, or NULL when there are not that many. */
static inline const uint8_t *reader_bytes(struct reader *r, size_t n)
{
    const uint8_t *at = r->pos;

    if (r->failed || n > reader_left(r)) {
        r->failed = true;
        return NULL;
    }
    r->pos += n;
    return at;
}

static inline struct view reader_take(struct reader *r, size_t n)
{
    const uint8_t *at = reader_bytes(r, n);

    return view_of(at, at == NULL ? 0 : n);
}

static inline struct view reader_rest(struct reader *r)
{
    return reader_take(r, reader_left(r));
}

static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 1);

    return at == NULL ? 0 : at[0];
}

static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 2);
    uint16_t n = 0;

    if (at != NULL) {
        memcpy(&n, at, sizeof(n));
    }
    return __builtin_bswap16(n);
}

static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 4);
    uint32_t n = 0;

    if (at != NULL) {
        memcpy(&n, at, sizeof(n));
    }
    return __builtin_bswap32(n);
}

static inline uint64_t reader_u64(struct reader *r)
{
    const uint8_t *at = reader_bytes(r, 8);
    uint64_t n = 0;

    if (at != NULL) {
        memcpy(&n, at, sizeof(n));
    }
    return __builtin_bswap64(n);
}

static inline int16_t reader_i16(struct reader *r)
{
    return (int16_t)reader_u16(r);
}

static inline int32_t reader_i32(struct reader *r)
{
    return (int32_t)reader_u32(r);
}

static inline int64_t reader_i64(struct reader *r)
{
    return (int64_t)reader_u64(r);
}

/* A NUL-terminated string without its NUL (which stays in place behind the view). No NUL: failed.
 */
static inline struct view reader_cstr(struct reader *r)
{
    const uint8_t *at = r->pos;
    const uint8_t *nul = r->failed ? NULL : memchr(at, 0, reader_left(r));

    if (nul == NULL) {
        r->failed = true;
        return view_of(NULL, 0);
    }
    r->pos = nul + 1;
    return view_of(at, (size_t)(nul - at));
}

/* A value of Bind or DataRow: an int32 length (-1: NULL, other negatives: failed), then its bytes.
 * Gives false for NULL. */
static inline bool reader_value(struct reader *r, struct view *ret_value)
{
    int32_t len = reader_i32(r);

    *ret_value = view_of(NULL, 0);
    if (len == -1) {
        return false;
    }
    if (len < 0) {
        r->failed = true;
        return true;
    }
    *ret_value = reader_take(r, (size_t)len);
    return true;
}
