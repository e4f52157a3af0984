/* sql/regex_posix.h: patterns as the C library's POSIX has them. Pure; any thread. */
#pragma once

#include "base/buf.h"

/* An answer: \D, \W or \S stands in brackets, which POSIX cannot say. */
enum { REGEX_NOT_IN_SET = 60 };

/* PostgreSQL's, with its shorthands: \d \D \m \M \y, (?:...). What POSIX has not (lazy quantifiers,
 * look-ahead) stays as it is: regcomp() refuses it. A NUL is put behind it. 0, BUF_FULL,
 * REGEX_NOT_IN_SET or -ENOMEM. */
must_check int regex_to_posix(struct view pattern, struct buf *out);

/* SIMILAR TO's: to be turned again by the one above. `escape` 0: none. 0, BUF_FULL or -ENOMEM. */
must_check int regex_similar_to_posix(struct view pattern, int escape, struct buf *out);
