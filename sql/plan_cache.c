/* sql/plan_cache.c: a hash table of chains and one list in order of use. */
#include "sql/plan_cache.h"

#include "base/alloc.h"
#include "sql/grammar.h"

#include <errno.h>
#include <sys/queue.h>

enum { buckets_count = 256, entry_overhead_bytes = 128 };

struct cache_entry {
    TAILQ_ENTRY(cache_entry) by_use; /* the youngest first */
    SLIST_ENTRY(cache_entry) in_bucket;
    uint64_t hash;
    uint64_t style;
    struct plan *plan;
    size_t bytes;
    size_t text_len;
    size_t oid_count;
    uint32_t oids[]; /* then the text */
};

struct plan_cache {
    SLIST_HEAD(, cache_entry) buckets[buckets_count];
    TAILQ_HEAD(cache_entries, cache_entry) entries;
    size_t count;
    size_t bytes;
    size_t max_count;
    size_t max_bytes;
};

static const uint8_t *entry_text(const struct cache_entry *entry)
{
    return (const uint8_t *)(entry->oids + entry->oid_count);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len >= 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
        at += 8;
        len -= 8;
    }
    for (; len > 0; len--) {
        hash = (hash ^ *at++) * 0x100000001b3u;
    }
    return hash ^ (hash >> 32);
}

static uint64_t hash_key(const struct plan_key *key)
{
    uint64_t hash = hash_bytes(key->style ^ 0xcbf29ce484222325u, key->text.data, key->text.len);

    return key->oid_count == 0 ? hash
                               : hash_bytes(hash, key->oids, key->oid_count * sizeof(key->oids[0]));
}

int plan_cache_create(size_t max_plans, size_t max_bytes, struct plan_cache **ret_cache)
{
    struct plan_cache *cache = mem_zalloc(sizeof(*cache));

    if (cache == NULL) {
        return -ENOMEM;
    }
    TAILQ_INIT(&cache->entries);
    cache->max_count = max_plans;
    cache->max_bytes = max_bytes;
    *ret_cache = cache;
    return 0;
}

static void drop(struct plan_cache *cache, struct cache_entry *entry)
{
    SLIST_REMOVE(&cache->buckets[entry->hash % buckets_count], entry, cache_entry, in_bucket);
    TAILQ_REMOVE(&cache->entries, entry, by_use);
    cache->count--;
    cache->bytes -= entry->bytes;
    sql_plan_unref(entry->plan);
    mem_free(entry);
}

void plan_cache_clear(struct plan_cache *cache)
{
    while (!TAILQ_EMPTY(&cache->entries)) {
        drop(cache, TAILQ_FIRST(&cache->entries));
    }
}

void plan_cache_destroy(struct plan_cache *cache)
{
    if (cache != NULL) {
        plan_cache_clear(cache);
        mem_free(cache);
    }
}

static bool same_key(const struct cache_entry *entry, const struct plan_key *key)
{
    return entry->style == key->style && entry->oid_count == key->oid_count &&
           entry->text_len == key->text.len &&
           memcmp(entry_text(entry), key->text.data, key->text.len) == 0 &&
           (key->oid_count == 0 ||
            memcmp(entry->oids, key->oids, key->oid_count * sizeof(key->oids[0])) == 0);
}

static struct cache_entry *find(struct plan_cache *cache, const struct plan_key *key, uint64_t hash)
{
    struct cache_entry *entry;

    SLIST_FOREACH (entry, &cache->buckets[hash % buckets_count], in_bucket) {
        if (entry->hash == hash && same_key(entry, key)) {
            return entry;
        }
    }
    return NULL;
}

bool plan_cache_find(struct plan_cache *cache, const struct plan_key *key, struct plan **ret_plan)
{
    struct cache_entry *entry = find(cache, key, hash_key(key));

    if (entry == NULL) {
        return false;
    }
    if (entry != TAILQ_FIRST(&cache->entries)) {
        TAILQ_REMOVE(&cache->entries, entry, by_use);
        TAILQ_INSERT_HEAD(&cache->entries, entry, by_use);
    }
    *ret_plan = entry->plan;
    return true;
}

static size_t plan_bytes(const struct plan *plan)
{
    if (plan == NULL) {
        return 0;
    }
    return sizeof(*plan) + plan->arena.total + (plan->tree != NULL ? tree_bytes(plan->tree) : 0);
}

int plan_cache_put(struct plan_cache *cache, const struct plan_key *key, struct plan *plan)
{
    uint64_t hash = hash_key(key);
    size_t oid_bytes = key->oid_count * sizeof(key->oids[0]);
    struct cache_entry *entry = find(cache, key, hash);

    if (entry != NULL) {
        drop(cache, entry);
    }
    entry = mem_alloc(sizeof(*entry) + oid_bytes + key->text.len);
    if (entry == NULL) {
        return -ENOMEM;
    }
    entry->hash = hash;
    entry->style = key->style;
    entry->plan = plan == NULL ? NULL : sql_plan_ref(plan);
    entry->text_len = key->text.len;
    entry->oid_count = key->oid_count;
    entry->bytes = entry_overhead_bytes + oid_bytes + key->text.len + plan_bytes(plan);
    if (oid_bytes > 0) {
        memcpy(entry->oids, key->oids, oid_bytes);
    }
    memcpy((uint8_t *)entry->oids + oid_bytes, key->text.data, key->text.len);
    SLIST_INSERT_HEAD(&cache->buckets[hash % buckets_count], entry, in_bucket);
    TAILQ_INSERT_HEAD(&cache->entries, entry, by_use);
    cache->count++;
    cache->bytes += entry->bytes;
    while (cache->count > 1 &&
           (cache->count > cache->max_count || cache->bytes > cache->max_bytes)) {
        drop(cache, TAILQ_LAST(&cache->entries, cache_entries));
    }
    return 0;
}

size_t plan_cache_count(const struct plan_cache *cache)
{
    return cache->count;
}
