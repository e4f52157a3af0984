/* pool/advisory_impl.h: what advisory.c and advisory_list.c share. */
#pragma once

#include "async/line.h"
#include "pool/advisory.h"

#include <stddef.h>

enum { advisory_buckets = 64 };

/* What a clone knows of its locks, while there are any. */
struct advisory {
    LIST_HEAD(, advisory_lock) buckets[advisory_buckets];
    size_t count;
};

struct advisory_lock {
    LIST_ENTRY(advisory_lock) entry;
    struct clone *clone;
    struct advisory_key key;
    struct advisory_holds holds;
    struct line line; /* of struct advisory_wait */
    size_t waiting;   /* in the line, or just told to leave it */
};

struct advisory_hold {
    LIST_ENTRY(advisory_hold) of_lock;
    LIST_ENTRY(advisory_hold) of_session;
    struct advisory_lock *lock;
    struct session *session;
    enum advisory_mode mode;
    size_t by_session;   /* how often it was locked for the session */
    bool by_transaction; /* it was locked for the transaction, too ... */
    size_t depth;        /* ... below so many savepoints */
};

/* One who waits, in the stack of his task. */
struct advisory_wait {
    struct session *session;
    struct advisory_lock *lock;
    struct advisory_request request;
    struct advisory_hold *hold; /* to be his */
    int64_t since_us;
    int64_t deadline_us; /* lock_timeout's */
    bool lock_timeout;   /* that deadline came first */
};

/* Does the session have it, in whatever mode? */
bool advisory_has(const struct advisory_lock *lock, const struct session *session);

static inline bool advisory_modes_conflict(enum advisory_mode a, enum advisory_mode b)
{
    return a == ADVISORY_EXCLUSIVE || b == ADVISORY_EXCLUSIVE;
}
