/* async/respool_shard.c: the resources of one loop: made, kept idle, ended.
 *
 * What falls due is done by a task, the shard's tender, because a resource's end and its making may
 * await. A timer starts it when the first idle resource has had its time; a resource that ended
 * before its time starts it when too few are left; the close starts it for the last time. */
#include "async/respool_impl.h"

#include "async/await_private.h"
#include "async/loop_private.h"

#include <assert.h>
#include <errno.h>

enum { retry_us = 1000000 }; /* when a resource could not be made ahead, or there was no memory */

static void shard_tend(struct respool_shard *shard);

static const struct respool_options *options_of(const struct respool_shard *shard)
{
    return &shard->options;
}

/* now + us, where 0 means never. */
static int64_t after(int64_t now_us, int64_t us)
{
    return us == 0 || us > DEADLINE_NONE - now_us ? DEADLINE_NONE : now_us + us;
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

/* ---- the timer ---- */

static void ring_at(struct respool_shard *shard, int64_t due_us)
{
    struct timers *timers = &shard->loop->timers;

    if (due_us == DEADLINE_NONE ||
        (timer_is_started(&shard->timer) && timer_due_us(&shard->timer) <= due_us)) {
        return; /* too early costs a look, less than setting it anew for each lease */
    }
    timer_stop(timers, &shard->timer);
    timer_start(timers, &shard->timer, due_us);
}

static void timer_rings(struct timer *timer)
{
    shard_tend(container_of(timer, struct respool_shard, timer));
}

static bool has_too_few(const struct respool_shard *shard)
{
    return shard->alive < options_of(shard)->min && !respool_is_closed(shard->pool);
}

/* When this idle resource ends, as things are: those that are spared by `min` do not time out. */
static int64_t end_of(const struct respool_shard *shard, const struct respool_item *item)
{
    bool spared = shard->alive <= options_of(shard)->min;

    return spared ? item->life_end_us : earlier(item->idle_end_us, item->life_end_us);
}

static int64_t first_end(const struct respool_shard *shard)
{
    int64_t first_us = DEADLINE_NONE;
    const struct respool_item *item;

    TAILQ_FOREACH (item, &shard->idle, entry) {
        first_us = earlier(first_us, end_of(shard, item));
    }
    return first_us;
}

/* ---- one resource ---- */

static int await_new(struct respool_shard *shard, const struct respool_request *request,
                     struct respool_item **ret_item)
{
    const struct respool_options *o = options_of(shard);
    struct respool_item *item = NULL;

    uint64_t renewals = shard->renewals;

    shard->alive++;
    int r = o->ops->create(o->context, request, &item);
    if (r != 0) {
        shard->alive--;
        return r;
    }
    assert(item != NULL);
    *item = (struct respool_item){
        .shard = shard,
        .life_end_us = after(loop_now_us(shard->loop), o->lifetime_us),
        .renewals = renewals,
    };
    shard_count(shard, COUNT_CREATED, 1);
    *ret_item = item;
    return 0;
}

static void end_item(struct respool_item *item)
{
    struct respool_shard *shard = item->shard;

    options_of(shard)->ops->destroy(options_of(shard)->context, item);
    shard->alive--;
    shard_count(shard, COUNT_DESTROYED, 1);
    if (has_too_few(shard)) {
        shard_tend(shard);
    }
}

static void idle_put(struct respool_item *item, int64_t now_us)
{
    struct respool_shard *shard = item->shard;

    item->idle_end_us = after(now_us, options_of(shard)->idle_timeout_us);
    TAILQ_INSERT_HEAD(&shard->idle, item, entry);
    shard_count(shard, COUNT_IDLE, 1);
    /* Who is spared now stays so until he is lent: users have another made only when none is idle.
     */
    ring_at(shard, end_of(shard, item));
}

static void idle_take(struct respool_item *item)
{
    TAILQ_REMOVE(&item->shard->idle, item, entry);
    shard_count(item->shard, COUNT_IDLE, -1);
}

static bool is_outdated(const struct respool_item *item)
{
    return item->renewals != item->shard->renewals;
}

static bool is_good(struct respool_item *item, const struct respool_request *request)
{
    const struct respool_options *o = options_of(item->shard);

    return !is_outdated(item) &&
           (item->life_end_us == DEADLINE_NONE ||
            item->life_end_us > loop_now_us(item->shard->loop)) &&
           (o->ops->validate == NULL || o->ops->validate(o->context, item, request));
}

int shard_await_item(struct respool_shard *shard, const struct respool_request *request,
                     struct respool_item **ret_item)
{
    struct respool_item *item;

    while ((item = TAILQ_FIRST(&shard->idle)) != NULL) {
        idle_take(item);
        if (is_good(item, request)) {
            *ret_item = item;
            return 0;
        }
        end_item(item);
        /* One who runs out of time must not take all the others with him. */
        int r = await_begin(task_current(), request->deadline_us);
        if (r < 0) {
            return r;
        }
    }
    return await_new(shard, request, ret_item);
}

static bool may_keep(const struct respool_item *item, int64_t now_us)
{
    const struct respool_shard *shard = item->shard;

    return !respool_is_closed(shard->pool) && !is_outdated(item) && item->life_end_us > now_us &&
           shard_counted(shard, COUNT_IDLE) < options_of(shard)->max_idle;
}

void shard_take_back(struct respool_item *item)
{
    const struct respool_options *o = options_of(item->shard);
    int64_t now_us = loop_now_us(item->shard->loop);

    /* Asked again afterwards: much may have happened during a reset that awaits. */
    if (may_keep(item, now_us) && (o->ops->reset == NULL || o->ops->reset(o->context, item)) &&
        may_keep(item, now_us)) {
        idle_put(item, now_us);
    } else {
        end_item(item);
    }
}

/* ---- all of them ---- */

/* Takes those out of the idle ones whose time is over. */
static void take_ended(struct respool_shard *shard, struct respool_items *ended)
{
    int64_t now_us = loop_now_us(shard->loop);
    size_t alive = shard->alive;
    struct respool_item *item, *younger;

    for (item = TAILQ_LAST(&shard->idle, respool_items); item != NULL; item = younger) {
        younger = TAILQ_PREV(item, respool_items, entry);
        if (shard->closing || shard->shedding || is_outdated(item) ||
            end_of(shard, item) <= now_us) {
            idle_take(item);
            TAILQ_INSERT_TAIL(ended, item, entry);
            shard->alive--; /* for end_of(); they still live */
        }
    }
    shard->alive = alive;
}

static void end_due(struct respool_shard *shard)
{
    struct respool_items ended = TAILQ_HEAD_INITIALIZER(ended);
    struct respool_item *item;

    take_ended(shard, &ended);
    shard->shedding = false;
    while ((item = TAILQ_FIRST(&ended)) != NULL) {
        TAILQ_REMOVE(&ended, item, entry);
        end_item(item);
    }
}

/* One more, under a permit while it is made: not beyond `max`, and not past those who wait. */
static int await_one_more(struct respool_shard *shard, const struct respool_request *request)
{
    struct budget *budget = &shard->pool->budget;
    struct respool_item *item;
    struct permit permit;
    int r = await_gate(options_of(shard)->gate, &budget, 1, 0, DEADLINE_NONE, &permit);

    if (r != 0) {
        return r;
    }
    r = await_new(shard, request, &item);
    if (r == 0 && (respool_is_closed(shard->pool) || is_outdated(item))) {
        end_item(item);
    } else if (r == 0) {
        idle_put(item, loop_now_us(shard->loop));
    }
    gate_release(&permit);
    return r;
}

static void set_timer(struct respool_shard *shard)
{
    timer_stop(&shard->loop->timers, &shard->timer);
    ring_at(shard, first_end(shard));
    if (has_too_few(shard)) {
        ring_at(shard, after(loop_now_us(shard->loop), retry_us));
    }
}

int shard_await_fill(struct respool_shard *shard)
{
    struct respool_request request = { .deadline_us = DEADLINE_NONE };
    int r = 0;

    while (r == 0 && has_too_few(shard)) {
        r = await_one_more(shard, &request);
    }
    set_timer(shard); /* it may have rung meanwhile, in vain */
    return r == GATE_FULL || respool_is_closed(shard->pool) ? 0 : r;
}

/* The tender. What could not be made is tried again later, by the timer. */
static void tend(void *arg)
{
    struct respool_shard *shard = arg;

    do {
        bool sheds = shard->shedding;

        shard->changed = false;
        end_due(shard);
        if (sheds) {
            set_timer(shard);
        } else {
            maybe_unused int r = shard_await_fill(shard);
        }
    } while (shard->changed || shard->shedding);
    shard->tended = shard->closing; /* then for good: nobody shall start it anew */
    if (shard->closing) {
        end_due(shard);
        timer_stop(&shard->loop->timers, &shard->timer);
        respool_unref(shard->pool);
    }
}

static void shard_tend(struct respool_shard *shard)
{
    if (shard->tended) {
        return;
    }
    shard->tended = task_spawn(shard->loop, "tender", tend, shard, NULL) == 0;
    if (!shard->tended) {
        ring_at(shard, after(loop_now_us(shard->loop), retry_us));
    }
}

static void shard_closes(struct loop *loop, struct loop_message *message)
{
    struct respool_shard *shard = container_of(message, struct respool_shard, close);

    (void)loop;
    shard->closing = true;
    shard_tend(shard);
}

static void shard_sheds(struct loop *loop, struct loop_message *message)
{
    struct respool_shard *shard = container_of(message, struct respool_shard, shed);

    (void)loop;
    atomic_store_explicit(&shard->shed_sent, false, memory_order_release);
    shard->shedding = !TAILQ_EMPTY(&shard->idle);
    if (shard->shedding) {
        shard_tend(shard);
    }
}

void shard_change(struct respool_shard *shard, const struct respool_options *options, bool renew)
{
    const struct respool_options old = shard->options;

    shard->options = *options;
    shard->options.ops = old.ops;
    shard->options.context = old.context;
    shard->options.gate = old.gate;
    shard->renewals += renew;
    shard->changed = true;
    if (!respool_is_closed(shard->pool)) {
        shard_tend(shard);
    }
}

void shard_init(struct respool_shard *shard, struct respool *pool, struct loop *loop)
{
    *shard = (struct respool_shard){
        .pool = pool,
        .loop = loop,
        .options = pool->options,
        .timer.fire = timer_rings,
        .close.run = shard_closes,
        .shed.run = shard_sheds,
    };
    TAILQ_INIT(&shard->idle);
}
