/* sql/params.h: the parameters in a text for SQLite. Pure.
 *
 * One that is one above all before it is `?` to SQLite as well as `?n`; but of each `?n` SQLite
 * looks for the name in a list, which takes seconds with 65,535 of them. So texts are run without
 * such numbers, and have all of them where their parts are put elsewhere. */
#pragma once

#include "base/buf.h"

/* In place; gives the new length. */
size_t params_shorten(char *text, size_t len);
/* Appends the text with a number to each. 0, BUF_FULL or -ENOMEM. */
must_check int params_number(struct view text, struct buf *out);
