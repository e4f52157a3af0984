/* sql/source_impl.h: what source.c lends to source_rename.c. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

/* Where the next comment begins; NULL: there is none. */
const uint8_t *source_find(struct view text);
/* Of a text that begins with one: is what follows it what it was made for? */
bool source_is_believed(struct view text);
/* The comment's text. 0, -ENOMEM or BUF_FULL. */
must_check int source_unescape(struct view comment, struct buf *out);
/* The comment of this text for that expression, and a blank. */
must_check int source_put_comment(struct buf *out, struct view text, struct view expression);
