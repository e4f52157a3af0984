/* sql/plan_cache.h: plans by text and parameter types, the least recently used go first. One loop.
 */
#pragma once

#include "base/view.h"
#include "sql/plan.h"

struct plan_cache;

struct plan_key {
    struct view text;
    const uint32_t *oids;
    size_t oid_count;
    uint64_t style; /* what else the translation depended on */
};

must_check int plan_cache_create(size_t max_plans, size_t max_bytes, struct plan_cache **ret_cache);
void plan_cache_destroy(struct plan_cache *cache); /* NULL is fine */

/* 0 or -ENOMEM. Takes a reference of its own. A plan NULL notes that there is none for this key. */
must_check int plan_cache_put(struct plan_cache *cache, const struct plan_key *key,
                              struct plan *plan);
/* False: not there. *ret_plan is lent and may be NULL. */
bool plan_cache_find(struct plan_cache *cache, const struct plan_key *key, struct plan **ret_plan);
void plan_cache_clear(struct plan_cache *cache);
size_t plan_cache_count(const struct plan_cache *cache);
