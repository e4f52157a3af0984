/* pool/stmt_cache.c: idle statements hang in a list by age and in buckets by text; lent ones in a
 * short list of their own, which is searched from its young end. */
#include "pool/stmt_cache.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>

struct cached_stmt {
    TAILQ_ENTRY(cached_stmt) entry;
    struct cached_stmt *next; /* in its bucket */
    struct sqlite3_stmt *stmt;
    uint64_t hash;
    size_t len; /* of sqlite3_sql() */
    bool keep;
    bool keep_soon;
};

static uint64_t hash_text(struct view text)
{
    uint64_t hash = 0x9e3779b97f4a7c15U ^ text.len;
    size_t i = 0;

    for (; text.len - i >= 8; i += 8) {
        uint64_t word;

        memcpy(&word, text.data + i, 8);
        hash = (hash ^ word) * 0xff51afd7ed558ccdU;
        hash ^= hash >> 32;
    }
    for (; i < text.len; i++) {
        hash = (hash ^ text.data[i]) * 0x100000001b3U;
    }
    return hash ^ (hash >> 29);
}

void stmt_cache_init(struct stmt_cache *cache)
{
    *cache = (struct stmt_cache){ .idle_count = 0 };
    TAILQ_INIT(&cache->idle);
    TAILQ_INIT(&cache->lent);
}

static struct cached_stmt **bucket_of(struct stmt_cache *cache, uint64_t hash)
{
    return &cache->buckets[hash % stmt_cache_buckets];
}

static void unlink_idle(struct stmt_cache *cache, struct cached_stmt *cached)
{
    struct cached_stmt **at = bucket_of(cache, cached->hash);

    while (*at != cached) {
        at = &(*at)->next;
    }
    *at = cached->next;
    TAILQ_REMOVE(&cache->idle, cached, entry);
    cache->idle_count--;
}

static void destroy(struct cached_stmt *cached)
{
    sqlite3_finalize(cached->stmt);
    mem_free(cached);
}

static void destroy_spare(struct stmt_cache *cache)
{
    if (cache->spare != NULL) {
        destroy(take_ptr(cache->spare));
    }
}

void stmt_cache_clear(struct stmt_cache *cache)
{
    struct cached_stmt *cached;

    destroy_spare(cache);
    while ((cached = TAILQ_FIRST(&cache->idle)) != NULL) {
        unlink_idle(cache, cached);
        destroy(cached);
    }
}

void stmt_cache_hand_over(struct stmt_cache *from, struct stmt_cache *to)
{
    stmt_cache_clear(from);
    stmt_cache_init(to);
    TAILQ_CONCAT(&to->lent, &from->lent, entry);
}

void stmt_cache_finish(struct stmt_cache *cache)
{
    struct cached_stmt *cached;

    stmt_cache_clear(cache);
    while ((cached = TAILQ_FIRST(&cache->lent)) != NULL) {
        TAILQ_REMOVE(&cache->lent, cached, entry);
        destroy(cached);
    }
}

static bool has_text(const struct cached_stmt *cached, uint64_t hash, struct view sql)
{
    return cached->hash == hash && cached->len == sql.len &&
           memcmp(sqlite3_sql(cached->stmt), sql.data, sql.len) == 0;
}

static struct sqlite3_stmt *lend(struct stmt_cache *cache, struct cached_stmt *cached)
{
    TAILQ_INSERT_TAIL(&cache->lent, cached, entry);
    return cached->stmt;
}

struct sqlite3_stmt *stmt_cache_take(struct stmt_cache *cache, struct view sql)
{
    uint64_t hash = hash_text(sql);
    struct cached_stmt *cached = *bucket_of(cache, hash);

    for (; cached != NULL; cached = cached->next) {
        if (has_text(cached, hash, sql)) {
            unlink_idle(cache, cached);
            return lend(cache, cached);
        }
    }
    if (cache->spare != NULL && has_text(cache->spare, hash, sql)) {
        return lend(cache, take_ptr(cache->spare));
    }
    destroy_spare(cache);
    return NULL;
}

int stmt_cache_add(struct stmt_cache *cache, struct view sql, bool keep, struct sqlite3_stmt *stmt)
{
    struct cached_stmt *cached = mem_alloc(sizeof(*cached));

    if (cached == NULL) {
        return -ENOMEM;
    }
    /* SQLite keeps the text up to its own end of it; only a whole one can be compared */
    bool whole = strlen(sqlite3_sql(stmt)) == sql.len;

    *cached = (struct cached_stmt){
        .stmt = stmt,
        .hash = hash_text(sql),
        .len = sql.len,
        .keep = keep && whole && sql.len <= stmt_cache_text_bytes,
        .keep_soon = keep && whole,
    };
    TAILQ_INSERT_TAIL(&cache->lent, cached, entry);
    return 0;
}

static void keep_idle(struct stmt_cache *cache, struct cached_stmt *cached)
{
    if (cache->idle_count == stmt_cache_most) {
        struct cached_stmt *oldest = TAILQ_FIRST(&cache->idle);

        unlink_idle(cache, oldest);
        destroy(oldest);
    }
    struct cached_stmt **bucket = bucket_of(cache, cached->hash);
    cached->next = *bucket;
    *bucket = cached;
    TAILQ_INSERT_TAIL(&cache->idle, cached, entry);
    cache->idle_count++;
}

static struct cached_stmt *take_back(struct stmt_cache *cache, struct sqlite3_stmt *stmt)
{
    struct cached_stmt *cached;

    TAILQ_FOREACH_REVERSE(cached, &cache->lent, cached_stmts, entry)
    {
        if (cached->stmt == stmt) {
            break;
        }
    }
    assert(cached != NULL);
    TAILQ_REMOVE(&cache->lent, cached, entry);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return cached;
}

void stmt_cache_release(struct stmt_cache *cache, struct sqlite3_stmt *stmt)
{
    struct cached_stmt *cached = take_back(cache, stmt);

    if (cached->keep) {
        keep_idle(cache, cached);
    } else {
        destroy(cached);
    }
}

void stmt_cache_release_soon(struct stmt_cache *cache, struct sqlite3_stmt *stmt)
{
    struct cached_stmt *cached = take_back(cache, stmt);

    if (cached->keep) {
        keep_idle(cache, cached);
    } else if (cached->keep_soon) {
        destroy_spare(cache);
        cache->spare = cached;
    } else {
        destroy(cached);
    }
}
