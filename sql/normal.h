/* sql/normal.h: takes the literals out of an ordinary statement, so that texts that differ only in
 * them share a plan.
 *
 * SELECT ... WHERE id = 5 becomes SELECT ... WHERE id = $1 with the value 5. One pass, no
 * allocation. Literals are left where they may mean something else than their value: in ORDER BY
 * and GROUP BY, behind type names, in LIKE patterns. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

enum { normal_text_bytes = 1536, normal_literals = 32 };

struct normal {
    uint8_t text[normal_text_bytes];
    size_t len;
    struct view literals[normal_literals]; /* as written, quotes included; in the client's text */
    uint32_t oids[normal_literals]; /* int4, int8, numeric (type_code()); OID_UNKNOWN: a string */
    size_t count;
};

/* False: not such a statement, or too long; its text is to be taken as it is. */
bool normal_take(struct view text, struct normal *ret_normal);
