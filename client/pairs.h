/* client/pairs.h: a few names and their values, one behind the other in one buffer: name, NUL,
 * value, NUL. Names are few, and looked for from the front. */
#pragma once

#include "base/buf.h"

/* The value; NULL: no such name. Good until the next change. */
const char *pairs_find(const struct buf *pairs, const char *name);

/* Replaces or adds. 0, BUF_FULL or -ENOMEM; the old value is gone then. */
must_check int pairs_set(struct buf *pairs, struct view name, struct view value);
