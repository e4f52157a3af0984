/* protocol/jsonb.h: JSON as jsonb prints it: keys by length and bytes, of those that are alike the
 * last, one blank behind each colon and comma, characters instead of escapes. Pure; any thread. */
#pragma once

#include "base/buf.h"
#include "base/failure.h"

/* Appends it. `text` has passed json_check(). 0, FAILED (22P05: \u0000, 22P02: half a surrogate
 * pair), BUF_FULL or -ENOMEM. No recursion. */
must_check int jsonb_write(struct view text, struct buf *out, struct failure *ret_failure);
