/* pool/name_hash.h: a hash of a short name or key, for tables that clients cannot make large enough
 * to matter. FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
#pragma once

#include "base/view.h"

static inline uint32_t name_hash(struct view name)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < name.len; i++) {
        hash = (hash ^ name.data[i]) * 16777619u;
    }
    return hash;
}
