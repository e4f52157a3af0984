/* daemon/memory.c: see the header. */
#include "daemon/memory.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "pool/registry.h"
#include "pool/sweep.h"

static const int64_t shed_step_us = 100000; /* not for each statement while little is left */
static const int64_t room_step_us = 500;
static const int64_t room_most_us = 1000000; /* idle sessions that do not end so soon are many */

/* More than all but the `part`th of the limit? */
static bool is_over(const struct account *account, size_t part)
{
    return account->limit > 0 && atomic_load_explicit(&account->used, memory_order_relaxed) >
                                     account->limit - account->limit / part;
}

static bool is_little_left(const struct account *account)
{
    return is_over(account, 4);
}

static bool is_none_left(const struct account *account)
{
    return is_over(account, 8);
}

static void shed(struct worker *worker)
{
    int64_t now_us = loop_now_us(worker->loop);

    if (now_us - worker->shed_us >= shed_step_us && !atomic_load(&worker->server->draining)) {
        worker->shed_us = now_us;
        registry_shed(worker->server->registry);
    }
}

void memory_look(struct connection *conn)
{
    if (is_little_left(&conn->server->account)) {
        shed(conn->worker);
    }
}

/* Are there idle sessions, or pages, that are about to be given back? Those of other loops, too. */
static bool more_comes(const struct server *server)
{
    struct registry_stats stats;

    if (sweep_count() > 0) {
        return true;
    }
    registry_stats(server->registry, &stats);
    return stats.sessions.idle + stats.sessions.ending > 0;
}

int memory_await_room(struct connection *conn, struct failure *ret_failure)
{
    const struct server *server = conn->server;
    const struct loop *loop = conn->worker->loop;
    int64_t end_us = clock_after_us(loop_clock(loop), room_most_us);
    int r = 0;

    memory_look(conn);
    while (r == 0 && is_none_left(&server->account) && loop_now_us(loop) < end_us &&
           more_comes(server)) {
        r = await_until(loop_now_us(loop) + room_step_us);
        shed(conn->worker);
    }
    if (r != 0 || !is_none_left(&server->account)) {
        return r;
    }
    failure_set(ret_failure, "53200", "out of memory");
    failure_add(ret_failure, FIELD_DETAIL,
                "The daemon uses %zu of the %zu kB that it may use (memory_limit); what is left is "
                "for those who are there.",
                atomic_load(&server->account.used) / 1024, server->account.limit / 1024);
    failure_add(ret_failure, FIELD_HINT,
                "Try again when others have left, drop databases that are not needed, or raise "
                "memory_limit.");
    return FAILED;
}
