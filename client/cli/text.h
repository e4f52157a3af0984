/* client/cli/text.h: text as a terminal shows it: how wide it is, and what must not reach it as it
 * is.
 *
 * Control characters, what turns the direction of writing, what no font has and what is not UTF-8
 * are shown as escapes: \n, \x1b, \u202e, \xff. Widths are those of the C.UTF-8 locale, whatever
 * the user's is. */
#pragma once

#include "client/cli/output.h"

#include <stdint.h>

/* Once, before the others. */
void text_init(void);

/* Columns that it takes when it is written whole. */
int text_width(const char *s, size_t len);

/* Writes it, or, when it is wider than `most` (0: no limit), its beginning and an ellipsis. Gives
 * the columns that it took. */
int text_put(struct output *out, const char *s, size_t len, int most);

/* The character at the beginning, and how many bytes it has; 0: that is not UTF-8. */
size_t text_decode(const char *s, size_t len, uint32_t *ret_character);
