/* async/respool.h: resources that are dear to make, kept between uses: the daemon's sessions, a
 * client's connections.
 *
 * A resource is leased by one task at a time. Who wants one gets a place in the pool's budget first
 * (async/gate.h: the limit and the line, shared by all loops), then the youngest idle resource that
 * is still good, or a new one. At its release it is reset and kept, or ended. So the oldest idle
 * ones are left alone, and end by their time-out.
 *
 * A resource belongs to the loop that made it: it is leased, released, kept and ended there, in the
 * shard of that loop, which no other thread touches. Any thread may ask for the statistics and
 * close the pool.
 *
 * How many there are: no more than `max` are leased or being made at once, and each loop keeps no
 * more than `max_idle` beside those. On a pool of one loop there are never more than `max`. */
#pragma once

#include "async/gate.h"
#include "base/defs.h"

#include <stdbool.h>
#include <sys/queue.h>

struct loop;
struct respool;
struct respool_shard;
struct scope;

/* Embedded in a resource, which is found from it by container_of(). The pool's own. */
struct respool_item {
    struct respool_shard *shard;
    TAILQ_ENTRY(respool_item) entry;
    int64_t idle_end_us;  /* when it has been idle for too long */
    int64_t life_end_us;  /* when it has lived for too long */
    struct permit permit; /* of its lease */
    uint64_t renewals;    /* of its shard, before it was made */
};

/* What one user wants. */
struct respool_request {
    struct budget *const *budgets; /* that count beside the pool's: the user's, the daemon's */
    size_t budget_count;           /* at most gate_budgets_max - 1 */
    int64_t deadline_us;
    void *arg; /* for create and validate: how he wants it, and where his failure goes */
};

/* What a resource is. All are called in the task that leases, releases or tends, on the loop of the
 * resource, with no account charged (what they make outlives the task); they may await. Those that
 * are NULL have nothing to do, and say true; create and destroy may not be NULL. */
struct respool_ops {
    /* 0, or whatever the caller of respool_await_item() is to be told (but GATE_FULL). When the
     * pool itself wants one, `request` has neither arg nor deadline. */
    int (*create)(void *context, const struct respool_request *request,
                  struct respool_item **ret_item);
    /* Before it is lent again: false ends it and has the next tried. */
    bool (*validate)(void *context, struct respool_item *item,
                     const struct respool_request *request);
    /* At its release: false ends it. */
    bool (*reset)(void *context, struct respool_item *item);
    void (*destroy)(void *context, struct respool_item *item);
    /* The last resource has ended after respool_close(): nothing will be called any more, and
     * respool_destroy() may be, even in here. On any loop's thread, not always in a task. */
    void (*ended)(void *context);
};

/* Times in microseconds. */
struct respool_options {
    const char *name; /* of its budget; must live as long as the pool */
    const struct respool_ops *ops;
    void *context;
    struct gate *gate;
    struct loop *const *loops; /* each at its loop_number(), or the only one; they outlive it */
    size_t loop_count;
    size_t max;      /* leased at once; 0: no limit */
    size_t min;      /* on each loop, leased or idle: made ahead, and spared by idle_timeout_us */
    size_t max_idle; /* kept on each loop; at least min are */
    size_t max_waiters;      /* who wait for a lease; SIZE_MAX: no limit */
    int64_t idle_timeout_us; /* how long one is kept unused; 0: for ever */
    int64_t lifetime_us;     /* how long one is lent again and again; 0: for ever */
};

/* 0 or -ENOMEM. Any thread. */
must_check int respool_create(const struct respool_options *options, struct respool **ret_pool);

/* Begins the end: who waits or comes is told -ESHUTDOWN, idle resources are ended on their loops,
 * leased ones at their release. Then ops->ended() is called. Once; any thread. */
void respool_close(struct respool *pool);

/* Only after ops->ended(), or before the first use of a pool that was not closed. NULL is fine. */
void respool_destroy(struct respool *pool);

/* A lease for the running task. 0; what create says; or -ETIMEDOUT, -ECANCELED, -ESHUTDOWN or
 * GATE_FULL as from await_gate(). */
must_check int respool_await_item(struct respool *pool, const struct respool_request *request,
                                  struct respool_item **ret_item);

/* Ends a lease: keeps the resource or ends it, then lets the next one in. Gives up the turn where
 * reset and destroy do. On the resource's loop. */
void respool_release(struct respool_item *item);

/* A lease that ends with a scope (-ENOMEM when there is no memory for the note), or before it. */
must_check int respool_await_scoped(struct respool *pool, const struct respool_request *request,
                                    struct scope *scope, struct respool_item **ret_item);
void respool_release_scoped(struct scope *scope, struct respool_item *item);

/* Makes resources on the running loop until there are `min`: at start, that the first users need
 * not wait. Later the pool does so itself. 0 (also when `max` or the close of the pool stands
 * against more) or what create says. */
must_check int respool_await_prefill(struct respool *pool);

/* All idle resources end soon, on their loops, those that `min` keeps ready as well: what they hold
 * is needed elsewhere. Such are made anew, but only after a second. Any thread; not beside
 * respool_close() nor after it. */
void respool_shed(struct respool *pool);

/* Other options for the running loop: those from `max` on. With `renew`, what was made there before
 * is lent to nobody any more: it is ended, or, while it is leased, at its release. The caller goes
 * through the loops, and changes the limit of the budget by gate_set_limit(). Does not await. */
void respool_change(struct respool *pool, const struct respool_options *options, bool renew);

/* For gate_set_limit(), gate_stats() and gate_find_full(). */
struct budget *respool_budget(struct respool *pool);

/* Of all loops together; any thread. */
struct respool_stats {
    size_t in_use;
    size_t idle;
    size_t ending; /* neither: what they hold is about to come back. An estimate beside threads */
    size_t waiting;
    int64_t first_since_us; /* when the first who waits came; DEADLINE_NONE: nobody waits */
    uint64_t leases;        /* ever */
    uint64_t created;
    uint64_t destroyed;
    uint64_t timed_out; /* who wanted a lease in vain */
    uint64_t waited_us; /* all that waited for a place and got it, together */
};
void respool_stats(struct respool *pool, struct respool_stats *ret_stats);
