/* async/respool_impl.h: what a pool and its shards are made of. For respool.c and respool_shard.c.
 *
 * The pool's references: one for each shard until it has seen the close, one for each lease and for
 * whoever is about to have one, and the owner's. With the last, the pool has ended. */
#pragma once

#include "async/loop.h"
#include "async/respool.h"
#include "async/timer.h"

#include <stdatomic.h>

enum respool_counter {
    COUNT_IN_USE,
    COUNT_IDLE,
    COUNT_LEASES,
    COUNT_CREATED,
    COUNT_DESTROYED,
    COUNT_TIMED_OUT,
    COUNT_WAITED_US,
    RESPOOL_COUNTERS,
};

TAILQ_HEAD(respool_items, respool_item);

/* A loop's part; all but the counters is touched by that loop only. */
struct respool_shard {
    struct respool *pool;
    struct loop *loop;
    struct respool_options options; /* as this loop has them */
    uint64_t renewals;              /* so far: what is older is not lent any more */
    struct respool_items idle;      /* the youngest first */
    size_t alive;                   /* leased, idle, in the making or at their end */
    struct timer timer;             /* when an idle one ends, or a new one is tried again */
    bool tended;                    /* its task is on its way or at work */
    bool changed;                   /* there is more for that task to look at */
    bool closing;                   /* its last one is */
    bool shedding;                  /* all idle ones are to end */
    struct loop_message close;
    struct loop_message shed;
    atomic_bool shed_sent;                       /* it is under way */
    _Atomic uint64_t counters[RESPOOL_COUNTERS]; /* written by its loop, read by any thread */
};

struct respool {
    struct respool_options options; /* as it was made */
    struct budget budget;
    atomic_size_t refs;
    atomic_bool closed; /* set before the shards are told */
    struct respool_shard shards[];
};

static inline bool respool_is_closed(const struct respool *pool)
{
    return atomic_load_explicit(&pool->closed, memory_order_relaxed);
}

static inline void respool_ref(struct respool *pool)
{
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
}

/* Nothing of the pool may be touched afterwards. */
void respool_unref(struct respool *pool);

static inline uint64_t shard_counted(const struct respool_shard *shard, enum respool_counter what)
{
    return atomic_load_explicit(&shard->counters[what], memory_order_relaxed);
}

/* One writer: no locked instruction is needed. */
static inline void shard_count(struct respool_shard *shard, enum respool_counter what, int64_t more)
{
    atomic_store_explicit(&shard->counters[what], shard_counted(shard, what) + (uint64_t)more,
                          memory_order_relaxed);
}

void shard_init(struct respool_shard *shard, struct respool *pool, struct loop *loop);

/* See respool_change(). */
void shard_change(struct respool_shard *shard, const struct respool_options *options, bool renew);

/* An idle one that is still good, or a new one. */
must_check int shard_await_item(struct respool_shard *shard, const struct respool_request *request,
                                struct respool_item **ret_item);

/* What a lease leaves behind: is kept idle, or ended. */
void shard_take_back(struct respool_item *item);

/* See respool_await_prefill(). */
must_check int shard_await_fill(struct respool_shard *shard);
