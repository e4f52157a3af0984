/* client/cli/layout.h: how wide the columns of a table are. Pure. */
#pragma once

#include <stddef.h>

/* No column is made narrower than this, however narrow the line. */
enum { layout_least = 3 };

/* What a table takes whose columns are so wide: a blank on both sides of each, a bar between two.
 */
long layout_total(const int *widths, size_t count);

/* Makes the widest columns narrower, all to the same width, until the table fits into `line`. */
void layout_fit(int *widths, size_t count, int line);
