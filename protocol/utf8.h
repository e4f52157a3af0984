/* protocol/utf8.h: is it UTF-8 as PostgreSQL accepts it: no NUL, no surrogates, nothing overlong;
 * and letters written as such. Pure; any thread. */
#pragma once

#include "base/failure.h"

bool utf8_valid(struct view v);

/* Where the first bad byte sequence starts; v.len when there is none. */
size_t utf8_invalid_at(struct view v);

/* 0, or FAILED with 22021 and PostgreSQL's words. */
must_check int utf8_check(struct view v, struct failure *ret_failure);

/* The longest beginning of valid text that has at most so many bytes and ends with a letter. */
struct view utf8_cut(struct view v, size_t most);

/* The same for a name, copied with its NUL into a field of so many bytes. */
void utf8_copy_name(char *ret_name, size_t bytes, const char *name);

/* A letter's bytes, and how many these are. `code` is Unicode's, and no surrogate. */
static inline size_t utf8_put(uint8_t ret_bytes[static 4], uint32_t code)
{
    static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = len; i-- > 1; code >>= 6) {
        ret_bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
    }
    ret_bytes[0] = (uint8_t)(leads[len] | code);
    return len;
}
