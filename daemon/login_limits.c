/* daemon/login_limits.c: a hash table of sets of four places. */
#include "daemon/login_limits.h"

#include "pool/name_hash.h"

#include <netinet/in.h>
#include <string.h>

void login_limits_init(struct login_limits *limits)
{
    lock_init(&limits->lock);
}

void login_limits_finish(struct login_limits *limits)
{
    lock_finish(&limits->lock);
}

/* ---- keys ---- */

static struct login_key key_of(char kind, const void *bytes, size_t len)
{
    struct login_key key = { .bytes = { (uint8_t)kind } };

    memcpy(key.bytes + 1, bytes, len);
    return key;
}

struct login_key login_key_of_address(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        return key_of('4', &((const struct sockaddr_in *)address)->sin_addr, 4);
    }
    if (address->sa_family == AF_INET6) {
        return key_of('6', &((const struct sockaddr_in6 *)address)->sin6_addr, 8);
    }
    return key_of('?', "", 0);
}

struct login_key login_key_of_uid(uid_t uid)
{
    return key_of('u', &uid, sizeof(uid));
}

/* ---- the table ---- */

static bool is_same(const struct login_key *a, const struct login_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Who picks his addresses so that they meet in one set gains that they forget each other. */
static struct login_slot *set_of(struct login_limits *limits, const struct login_key *key)
{
    uint32_t hash = name_hash(view_of(key->bytes, sizeof(key->bytes)));

    return limits->slots[(hash >> 8) % login_limit_sets];
}

static bool is_over(const struct login_slot *slot, int64_t now_us)
{
    return slot->count == 0 || now_us - slot->since_us >= login_limit_window_us;
}

/* NULL: he has not failed lately. */
static struct login_slot *find(struct login_slot *set, const struct login_key *key, int64_t now_us)
{
    for (size_t i = 0; i < login_limit_ways; i++) {
        if (is_same(&set[i].key, key) && !is_over(&set[i], now_us)) {
            return &set[i];
        }
    }
    return NULL;
}

/* His old one, a free one, or that of who began the longest time ago. */
static struct login_slot *choose(struct login_slot *set, const struct login_key *key,
                                 int64_t now_us)
{
    struct login_slot *best = &set[0];

    for (size_t i = 0; i < login_limit_ways; i++) {
        if (is_same(&set[i].key, key)) {
            return &set[i];
        }
        if (!is_over(best, now_us) &&
            (is_over(&set[i], now_us) || set[i].since_us < best->since_us)) {
            best = &set[i];
        }
    }
    return best;
}

bool login_limits_allow(struct login_limits *limits, const struct login_key *key, size_t most,
                        int64_t now_us)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&limits->lock);
    const struct login_slot *slot = find(set_of(limits, key), key, now_us);

    return most == 0 || slot == NULL || slot->count < most;
}

void login_limits_count(struct login_limits *limits, const struct login_key *key, int64_t now_us)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&limits->lock);
    struct login_slot *set = set_of(limits, key);
    struct login_slot *slot = find(set, key, now_us);

    if (slot == NULL) {
        slot = choose(set, key, now_us);
        *slot = (struct login_slot){ .key = *key, .since_us = now_us };
    }
    slot->count += slot->count < UINT32_MAX;
}
