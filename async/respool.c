/* async/respool.c: leases, and a pool's begin and end. What is kept for how long is
 * respool_shard.c's.
 *
 * The place in the budget comes first and goes last, so that what is in the making or at its end
 * counts as well. */
#include "async/respool.h"

#include "async/respool_impl.h"
#include "async/scope.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What cannot be: more ready than there may be, or than are kept. */
static struct respool_options made_whole(const struct respool_options *options)
{
    struct respool_options o = *options;

    if (o.max != 0 && o.min > o.max) {
        o.min = o.max;
    }
    if (o.max_idle < o.min) {
        o.max_idle = o.min;
    }
    return o;
}

int respool_create(const struct respool_options *options, struct respool **ret_pool)
{
    size_t count = options->loop_count;
    struct account *was = account_swap(NULL); /* it outlives the task that makes it */
    struct respool *pool = mem_zalloc(sizeof(*pool) + count * sizeof(struct respool_shard));

    account_swap(was);
    if (pool == NULL) {
        return -ENOMEM;
    }
    pool->options = made_whole(options);
    pool->budget = (struct budget){ .name = options->name, .limit = options->max };
    atomic_init(&pool->refs, count + 1);
    for (size_t i = 0; i < count; i++) {
        shard_init(&pool->shards[i], pool, options->loops[i]);
    }
    *ret_pool = pool;
    return 0;
}

void respool_unref(struct respool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) == 1 &&
        pool->options.ops->ended != NULL) {
        pool->options.ops->ended(pool->options.context);
    }
}

void respool_close(struct respool *pool)
{
    assert(!respool_is_closed(pool));
    atomic_store_explicit(&pool->closed, true, memory_order_relaxed);
    gate_close(pool->options.gate, &pool->budget);
    for (size_t i = 0; i < pool->options.loop_count; i++) {
        loop_send(pool->shards[i].loop, &pool->shards[i].close);
    }
    respool_unref(pool); /* the owner's; until here it kept the shards from ending under us */
}

void respool_destroy(struct respool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (size_t i = 0; i < pool->options.loop_count; i++) {
        assert(pool->shards[i].alive == 0 && !timer_is_started(&pool->shards[i].timer));
    }
    assert(atomic_load(&pool->refs) == 0 || !respool_is_closed(pool));
    mem_free(pool);
}

void respool_shed(struct respool *pool)
{
    assert(!respool_is_closed(pool));
    for (size_t i = 0; i < pool->options.loop_count; i++) {
        struct respool_shard *shard = &pool->shards[i];

        if (shard_counted(shard, COUNT_IDLE) > 0 &&
            !atomic_exchange_explicit(&shard->shed_sent, true, memory_order_acquire)) {
            loop_send(shard->loop, &shard->shed);
        }
    }
}

struct budget *respool_budget(struct respool *pool)
{
    return &pool->budget;
}

/* ---- leases ---- */

static struct respool_shard *shard_here(struct respool *pool)
{
    size_t number = pool->options.loop_count == 1 ? 0 : loop_number(loop_current());

    assert(number < pool->options.loop_count && pool->shards[number].loop == loop_current());
    return &pool->shards[number];
}

static int await_permit(struct respool_shard *shard, const struct respool_request *request,
                        struct permit *ret_permit)
{
    struct respool *pool = shard->pool;
    struct budget *budgets[gate_budgets_max] = { &pool->budget };

    assert(request->budget_count < gate_budgets_max);
    for (size_t i = 0; i < request->budget_count; i++) {
        budgets[1 + i] = request->budgets[i];
    }
    return await_gate(pool->options.gate, budgets, 1 + request->budget_count,
                      shard->options.max_waiters, request->deadline_us, ret_permit);
}

static int await_lease(struct respool_shard *shard, const struct respool_request *request,
                       struct respool_item **ret_item)
{
    struct permit permit;
    struct respool_item *item;
    int r = await_permit(shard, request, &permit);

    if (r != 0) {
        return r;
    }
    shard_count(shard, COUNT_WAITED_US, permit.waited_us);
    r = shard_await_item(shard, request, &item);
    if (r != 0) {
        gate_release(&permit);
        return r;
    }
    item->permit = permit;
    *ret_item = item;
    return 0;
}

int respool_await_item(struct respool *pool, const struct respool_request *request,
                       struct respool_item **ret_item)
{
    struct respool_shard *shard = shard_here(pool);

    if (respool_is_closed(pool)) {
        return -ESHUTDOWN;
    }
    respool_ref(pool); /* the shard's own is still there: the pool cannot have ended yet */
    struct account *was = account_swap(NULL);
    int r = await_lease(shard, request, ret_item);
    account_swap(was);
    if (r == 0) {
        shard_count(shard, COUNT_IN_USE, 1);
        shard_count(shard, COUNT_LEASES, 1);
        return 0;
    }
    shard_count(shard, COUNT_TIMED_OUT, r == -ETIMEDOUT);
    respool_unref(pool);
    return r;
}

void respool_release(struct respool_item *item)
{
    struct respool_shard *shard = item->shard;
    struct respool *pool = shard->pool;
    struct permit permit = item->permit;
    struct account *was = account_swap(NULL);

    assert(permit.gate != NULL && shard->loop == loop_current()); /* leased, and once */
    item->permit = (struct permit){ .gate = NULL };
    shard_take_back(item);
    account_swap(was);
    shard_count(shard, COUNT_IN_USE, -1);
    gate_release(&permit);
    respool_unref(pool);
}

static void release_note(void *item)
{
    respool_release(item);
}

int respool_await_scoped(struct respool *pool, const struct respool_request *request,
                         struct scope *scope, struct respool_item **ret_item)
{
    struct respool_item *item;
    int r = respool_await_item(pool, request, &item);

    if (r != 0) {
        return r;
    }
    r = scope_defer(scope, release_note, item); /* without memory it releases at once */
    if (r == 0) {
        *ret_item = item;
    }
    return r;
}

void respool_release_scoped(struct scope *scope, struct respool_item *item)
{
    scope_forget(scope, release_note, item);
    respool_release(item);
}

int respool_await_prefill(struct respool *pool)
{
    if (respool_is_closed(pool)) {
        return 0;
    }
    respool_ref(pool);
    struct account *was = account_swap(NULL);
    int r = shard_await_fill(shard_here(pool));
    account_swap(was);
    respool_unref(pool);
    return r;
}

void respool_change(struct respool *pool, const struct respool_options *options, bool renew)
{
    const struct respool_options o = made_whole(options);

    shard_change(shard_here(pool), &o, renew);
}

/* ---- statistics ---- */

static uint64_t sum(const struct respool *pool, enum respool_counter what)
{
    uint64_t all = 0;

    for (size_t i = 0; i < pool->options.loop_count; i++) {
        all += shard_counted(&pool->shards[i], what);
    }
    return all;
}

void respool_stats(struct respool *pool, struct respool_stats *ret_stats)
{
    struct gate_stats gate;
    uint64_t destroyed = sum(pool, COUNT_DESTROYED);
    uint64_t created = sum(pool, COUNT_CREATED);
    size_t in_use = sum(pool, COUNT_IN_USE);
    size_t idle = sum(pool, COUNT_IDLE);
    uint64_t others = destroyed + in_use + idle;

    gate_stats(pool->options.gate, &pool->budget, &gate);
    *ret_stats = (struct respool_stats){
        .in_use = in_use,
        .idle = idle,
        .ending = created > others ? (size_t)(created - others) : 0,
        .waiting = gate.waiting,
        .first_since_us = gate.first_since_us,
        .leases = sum(pool, COUNT_LEASES),
        .created = created,
        .destroyed = destroyed,
        .timed_out = sum(pool, COUNT_TIMED_OUT),
        .waited_us = sum(pool, COUNT_WAITED_US),
    };
}
