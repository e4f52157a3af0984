/* protocol/blank.h: blanks as PostgreSQL's input functions skip them: isspace() in the C locale.
 * Pure; any thread. */
#pragma once

#include "base/view.h"

static inline bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without the blanks at both ends. */
static inline struct view view_trimmed(struct view v)
{
    while (v.len > 0 && is_blank(v.data[0])) {
        view_advance(&v, 1);
    }
    while (v.len > 0 && is_blank(v.data[v.len - 1])) {
        v.len--;
    }
    return v;
}
