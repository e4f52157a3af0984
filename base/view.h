/* base/view.h: bytes that belong to somebody else. A view owns nothing and is never kept past its
 * call. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <string.h>

struct view {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct view view_of(const void *data, size_t len)
{
    return (struct view){ .data = data, .len = len };
}

static inline struct view view_of_str(const char *s)
{
    return (struct view){ .data = (const uint8_t *)s, .len = s == NULL ? 0 : strlen(s) };
}

/* Drops the first n bytes; n must not exceed len. */
static inline void view_advance(struct view *v, size_t n)
{
    v->data += n;
    v->len -= n;
}

static inline bool view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool view_equal_str(struct view a, const char *s)
{
    return view_equal(a, view_of_str(s));
}
