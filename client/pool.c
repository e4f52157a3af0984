/* client/pool.c: connections as the resources of async/respool.h, on one loop. */
#include "async/await.h"
#include "async/line.h"
#include "async/respool.h"
#include "async/task.h"
#include "base/alloc.h"
#include "client/connection.h"
#include "client/error.h"

#include <errno.h>

enum { default_max = 10 };

struct pond_pool {
    struct pond_loop *loop;
    struct respool *respool;
    struct gate gate;
    char *conninfo;
    bool ping;
    bool ended;
    struct line end; /* who waits for the last connection's end */
    LIST_HEAD(, pooled) all;
};

/* A connection of the pool. */
struct pooled {
    struct respool_item item;
    struct pond_conn *conn;
    LIST_ENTRY(pooled) entry;
};

static struct pooled *pooled_of(struct respool_item *item)
{
    return container_of(item, struct pooled, item);
}

/* ---- what a connection is to the pool; in tasks of its loop ---- */

static int create(void *context, const struct respool_request *request,
                  struct respool_item **ret_item)
{
    struct pond_pool *pool = context;
    struct pooled *pooled = mem_zalloc(sizeof(*pooled));

    if (pooled == NULL) {
        return error_nomem(request->arg);
    }
    int r = pond_conn_open(pool->loop, pool->conninfo, &pooled->conn, request->arg);
    if (r != 0) {
        mem_free(pooled);
        return r;
    }
    LIST_INSERT_HEAD(&pool->all, pooled, entry);
    *ret_item = &pooled->item;
    return 0;
}

/* An idle server has nothing to say: whatever can be read is a good-bye, or the socket's end. */
static bool is_silent(const struct pond_conn *conn)
{
    char byte;

    return conn->fd >= 0 && recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           errno == EAGAIN;
}

static bool validate(void *context, struct respool_item *item,
                     const struct respool_request *request)
{
    struct pond_pool *pool = context;
    struct pond_conn *conn = pooled_of(item)->conn;

    (void)request;
    return is_silent(conn) && (!pool->ping || pond_exec(conn, "", NULL, NULL) == 0);
}

/* What a user has set on our side. */
static void reset_settings(struct pond_conn *conn)
{
    pond_conn_set_timeout(conn, 0);
    pond_conn_set_deadline_in(conn, -1);
    pond_conn_on_notice(conn, NULL, NULL);
    pond_conn_on_notification(conn, NULL, NULL);
}

/* Also for a user who was cancelled: his connection is as good as any. */
static bool reset(void *context, struct respool_item *item)
{
    struct pond_conn *conn = pooled_of(item)->conn;
    int reason = task_cancel_reason(task_current());

    (void)context;
    reset_settings(conn);
    if (conn->fd < 0 || conn->busy || conn->holder != NULL || conn->refs != 1) {
        return false;
    }
    task_uncancel(task_current());
    pond_conn_set_deadline_in(conn, conn_grace_us / 1000);
    bool good = (conn->status == 'I' || pond_exec(conn, "ROLLBACK", NULL, NULL) == 0) &&
                pond_exec(conn, "DISCARD ALL", NULL, NULL) == 0;
    pond_conn_set_deadline_in(conn, -1);
    if (reason != 0) {
        task_cancel(task_current(), reason);
    }
    return good;
}

static void destroy(void *context, struct respool_item *item)
{
    struct pooled *pooled = pooled_of(item);

    (void)context;
    LIST_REMOVE(pooled, entry);
    pond_conn_destroy(pooled->conn);
    mem_free(pooled);
}

static void ended(void *context)
{
    struct pond_pool *pool = context;

    pool->ended = true;
    line_call_first(&pool->end);
}

static const struct respool_ops pool_ops = {
    .create = create,
    .validate = validate,
    .reset = reset,
    .destroy = destroy,
    .ended = ended,
};

/* ---- life ---- */

static void pool_free(struct pond_pool *pool)
{
    respool_destroy(pool->respool);
    gate_finish(&pool->gate);
    client_loop_unref(pool->loop);
    mem_free(pool->conninfo);
    mem_free(pool);
}

static int pool_open(struct pond_pool *pool, const struct pond_pool_options *o)
{
    size_t max = o->max == 0 ? default_max : o->max;
    const struct respool_options options = {
        .name = "pool",
        .ops = &pool_ops,
        .context = pool,
        .gate = &pool->gate,
        .loops = &pool->loop->loop,
        .loop_count = 1,
        .max = max,
        .min = o->min,
        .max_idle = max,
        .max_waiters = o->max_waiters == 0 ? SIZE_MAX : o->max_waiters,
        .idle_timeout_us = o->idle_ms * 1000,
        .lifetime_us = o->life_ms * 1000,
    };

    pool->conninfo = mem_strdup(o->conninfo == NULL ? "" : o->conninfo);
    return pool->conninfo == NULL ? -ENOMEM : respool_create(&options, &pool->respool);
}

/* The pool makes them without a word about failures: so one is made and given back first. */
static int fill_run(void *arg, struct pond_error *error)
{
    struct pond_pool *pool = arg;
    struct respool_request request = { .deadline_us = DEADLINE_NONE, .arg = error };
    struct respool_item *item;
    int r = respool_await_item(pool->respool, &request, &item);

    if (r == 0) {
        respool_release(item);
        r = respool_await_prefill(pool->respool);
        if (r != 0 && error->kind == 0) {
            return error_set(error, r, "", "a connection of the pool could not be opened");
        }
    }
    return r;
}

int pond_pool_create(struct pond_loop *loop, const struct pond_pool_options *options,
                     struct pond_pool **ret_pool, struct pond_error *error)
{
    struct pond_pool *pool = mem_zalloc(sizeof(*pool));

    if (pool == NULL) {
        return error_nomem(error);
    }
    int r = client_loop_for(loop, &pool->loop, error);
    if (r != 0) {
        mem_free(pool);
        return r;
    }
    gate_init(&pool->gate);
    LIST_INIT(&pool->all);
    pool->ping = options->ping;
    if (pool_open(pool, options) != 0) {
        pool_free(pool);
        return error_nomem(error);
    }
    r = options->min == 0 ? 0 : client_call(pool->loop, fill_run, pool, error);
    if (r != 0) {
        pond_pool_destroy(pool, NULL);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

/* Waits also when it is cancelled: what is lent is in use. */
static int destroy_run(void *arg, struct pond_error *error)
{
    struct pond_pool *pool = arg;
    int reason = 0;

    (void)error;
    respool_close(pool->respool);
    while (!pool->ended) {
        int r = await_line(&pool->end, NULL, DEADLINE_NONE);

        if (r == -ECANCELED) {
            reason = task_cancel_reason(task_current());
            task_uncancel(task_current());
        }
    }
    if (reason != 0) {
        task_cancel(task_current(), reason);
    }
    return 0;
}

int pond_pool_destroy(struct pond_pool *pool, struct pond_error *error)
{
    struct pond_pool_stats stats;

    if (pool == NULL) {
        return 0;
    }
    pond_pool_stats(pool, &stats);
    if (!pond_in_task() && stats.in_use > 0 && TAILQ_EMPTY(&pool->loop->tasks)) {
        return error_set(error, POND_USAGE, "",
                         "a connection of the pool is still lent, and no "
                         "task is left to give it back");
    }
    int r = client_call(pool->loop, destroy_run, pool, error);
    if (r == 0) {
        pool_free(pool);
    }
    return r;
}

/* ---- leases ---- */

struct lease {
    struct pond_pool *pool;
    int64_t timeout_ms;
    struct respool_item *item;
};

static int tell(int r, struct pond_error *error)
{
    switch (r) {
    case GATE_FULL:
        return error_set(error, POND_USAGE, "53300", "too many wait for a connection of the pool");
    case -ESHUTDOWN:
        return error_set(error, POND_USAGE, "", "the pool is being closed");
    case -ETIMEDOUT:
        return error_set(error, POND_TIMEOUT, "",
                         "timeout expired while waiting for a connection of the pool");
    case -ECANCELED:
        return error_of_await(error, r);
    case -ENOMEM:
        return error_nomem(error);
    default:
        return r;
    }
}

static int acquire_run(void *arg, struct pond_error *error)
{
    struct lease *lease = arg;
    struct pond_error failed = { 0 };
    int64_t deadline_us = lease->timeout_ms < 0 || lease->timeout_ms > INT64_MAX / 1000
                              ? DEADLINE_NONE
                              : client_deadline_us(lease->pool->loop, lease->timeout_ms * 1000);
    struct respool_request request = { .deadline_us = deadline_us, .arg = &failed };
    int r = respool_await_item(lease->pool->respool, &request, &lease->item);

    if (r < 0 && failed.kind == r) { /* what create said: a kind, no -errno */
        *error = failed;
        return r;
    }
    return r == 0 ? 0 : tell(r, error);
}

int pond_pool_acquire(struct pond_pool *pool, int64_t timeout_ms, struct pond_conn **ret_conn,
                      struct pond_error *error)
{
    struct lease lease = { .pool = pool, .timeout_ms = timeout_ms };
    int r = client_call(pool->loop, acquire_run, &lease, error);

    if (r == 0) {
        *ret_conn = pooled_of(lease.item)->conn;
    }
    return r;
}

static int release_run(void *arg, struct pond_error *error)
{
    (void)error;
    respool_release(arg);
    return 0;
}

void pond_pool_release(struct pond_pool *pool, struct pond_conn *conn)
{
    struct pooled *pooled;

    LIST_FOREACH (pooled, &pool->all, entry) {
        if (pooled->conn == conn) {
            maybe_unused int r = client_call(pool->loop, release_run, &pooled->item, NULL);
            return;
        }
    }
}

int pond_pool_with(struct pond_pool *pool, int64_t timeout_ms, pond_conn_fn *fn, void *arg,
                   struct pond_error *error)
{
    struct pond_error own;
    struct pond_conn *conn = NULL;
    int r = pond_pool_acquire(pool, timeout_ms, &conn, error);

    if (r == 0) {
        r = fn(arg, conn, error == NULL ? &own : error);
        pond_pool_release(pool, conn);
    }
    return r;
}

struct lease_note {
    struct pond_pool *pool;
    struct pond_conn *conn;
};

static int release_note(void *arg, struct pond_error *error)
{
    cleanup(mem_freep) struct lease_note *note = arg;

    (void)error;
    pond_pool_release(note->pool, note->conn);
    return 0;
}

int pond_scope_acquire(struct pond_scope *scope, struct pond_pool *pool, int64_t timeout_ms,
                       struct pond_conn **ret_conn, struct pond_error *error)
{
    cleanup(mem_freep) struct lease_note *note = mem_alloc(sizeof(*note));

    if (note == NULL) {
        return error_nomem(error);
    }
    note->pool = pool;
    int r = pond_pool_acquire(pool, timeout_ms, &note->conn, error);
    if (r == 0) {
        struct pond_conn *conn = note->conn;

        r = pond_scope_defer(scope, release_note, take_ptr(note), error);
        if (r == 0) {
            *ret_conn = conn;
        }
    }
    return r;
}

void pond_pool_stats(struct pond_pool *pool, struct pond_pool_stats *ret_stats)
{
    struct respool_stats stats;

    respool_stats(pool->respool, &stats);
    *ret_stats = (struct pond_pool_stats){ .in_use = stats.in_use,
                                           .idle = stats.idle,
                                           .waiting = stats.waiting,
                                           .leases = stats.leases,
                                           .opened = stats.created,
                                           .closed = stats.destroyed };
}

struct pond_loop *pond_pool_loop(const struct pond_pool *pool)
{
    return pool->loop;
}
