/* protocol/units.h: the short way for decimals of at most 15 digits, as nearly all are: a whole
 * number of units, of which 10^scale make one. Whatever is not so simple is answered with false,
 * and the caller goes the long way (protocol/number.h).
 *
 * A double that equals units / 10^scale is the nearest one to that decimal (both are exact in a
 * double, and a division is rounded correctly), and no other decimal of up to 15 digits is as near.
 * Pure; any thread. */
#pragma once

#include "base/cell.h"

enum { units_digits = 15, units_scale_most = 14, units_bytes = 18 };

struct units {
    int64_t count; /* less than 10^15, either way */
    int scale;     /* 0 to units_scale_most */
};

/* [sign] digits [. digits], and nothing around it. */
must_check bool units_parse(struct view text, struct units *ret_units);
/* A number cell, at that scale, when it has no digits behind it. */
must_check bool units_of_cell(const struct cell *cell, int scale, struct units *ret_units);
/* At another scale, if that takes no digits but zeros away. */
must_check bool units_rescale(struct units *units, int scale);
/* Has it at most so many digits in front of the point? */
bool units_have_digits(const struct units *units, int most);

double units_to_double(const struct units *units);
/* As numerics are stored: CELL_INT if it is whole, else CELL_REAL. */
void units_to_cell(const struct units *units, struct cell *ret_cell);
/* With all digits of its scale; at most units_bytes. */
size_t units_write(const struct units *units, char *out);
