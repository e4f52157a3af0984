/* protocol/utf8.h: is it UTF-8 as PostgreSQL accepts it: no NUL, no surrogates, nothing overlong.
 * Pure; any thread. */
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
