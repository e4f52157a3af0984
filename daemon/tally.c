/* daemon/tally.c: see the header. */
#include "daemon/tally.h"
#include "daemon/reclaim.h"

#include "async/await.h"
#include "async/task.h"
#include "daemon/server.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* ---- loops ---- */

struct count {
    struct tally *tally;
    struct traffic *traffic; /* by traffic_number() */
    size_t traffic_count;
};

static void count_worker(struct worker *worker, void *arg)
{
    const struct count *count = arg;
    struct tally *tally = count->tally;
    struct tally_loop *loop = &tally->loops[tally->loop_count++];

    loop->number = loop_number(worker->loop);
    loop->connections = atomic_load_explicit(&worker->load, memory_order_relaxed);
    loop->statements = worker->stats.statements;
    loop_stats(worker->loop, &loop->stats);
    tally->connections_total += worker->stats.connections_total;
    tally->connections_refused += worker->stats.connections_refused;
    tally->clone_opens += worker->stats.clone_open_count;
    tally->clone_open_us += worker->stats.clone_open_us_total;
    traffic_add(worker, count->traffic, count->traffic_count);
}

/* ---- databases ---- */

static uint64_t since_us(const struct server *server, int64_t then_us)
{
    int64_t now_us = loop_now_us(server_main(server)->loop);

    return then_us == DEADLINE_NONE || then_us > now_us ? 0 : (uint64_t)(now_us - then_us);
}

static bool is_builtin(const char *name)
{
    return strcmp(name, "postgres") == 0 || strncmp(name, "template", 8) == 0;
}

static void take_databases(const struct server *server, const struct registry_pool *pools,
                           size_t count, const struct traffic *traffic, struct tally *tally)
{
    for (size_t i = 0; i < count; i++) {
        struct tally_database *database = &tally->databases[i];

        *database = (struct tally_database){
            .name = pools[i].name,
            .is_pool = true,
            .builtin = is_builtin(pools[i].name),
            .traffic = traffic[traffic_number(pools[i].database)],
            .pool = pools[i],
            .pool_size = pools[i].pool_size,
            .oldest_wait_us = since_us(server, pools[i].stats.first_since_us),
        };
        if (task_slice_over(task_current())) {
            (void)!await_turn();
        }
    }
    tally->databases[count] =
        (struct tally_database){ .name = "pond", .traffic = traffic[traffic_console] };
}

/* ---- the daemon ---- */

static void take_process(struct tally *tally)
{
    struct rusage usage = { .ru_maxrss = 0 };

    getrusage(RUSAGE_SELF, &usage);
    tally->cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                    (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    tally->resident_bytes = reclaim_resident_bytes();
}

static void take_daemon(const struct server *server, struct tally *tally)
{
    struct loop *loop = server_main(server)->loop;

    tally->connections = server_connections(server);
    tally->connections_limit = (uint64_t)server_main(server)->conf->max_client_conn;
    tally->memory = mem_used_total();
    tally->memory_charged = atomic_load(&server->account.used);
    tally->memory_limit = server->account.limit;
    tally->memory_refused = atomic_load(&server->account.refused);
    tally->uptime_us = (uint64_t)(loop_now_us(loop) - server->start_us);
    tally->start_us = (uint64_t)clock_wall_us(loop_clock(loop)) - tally->uptime_us;
    tally->ready = server->ready && !atomic_load(&server->draining);
    take_process(tally);
}

int tally_take(const struct server *server, struct tally *ret_tally)
{
    struct count count = { .tally = ret_tally };
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    size_t pool_count = 0;

    *ret_tally = (struct tally){ .database_count = 0 };
    if (registry_list_pools(server->registry, &pools, &pool_count) != 0) {
        return -ENOMEM;
    }
    count.traffic_count = registry_count(server->registry) + 1;
    cleanup(mem_freep) struct traffic *traffic = mem_zalloc(count.traffic_count * sizeof(*traffic));
    ret_tally->databases = mem_zalloc((pool_count + 1) * sizeof(*ret_tally->databases));
    if (traffic == NULL || ret_tally->databases == NULL) {
        return -ENOMEM;
    }
    ret_tally->database_count = pool_count + 1;
    count.traffic = traffic;
    server_each_worker(server, count_worker, &count);
    take_databases(server, pools, pool_count, traffic, ret_tally);
    take_daemon(server, ret_tally);
    return 0;
}

void tally_finish(struct tally *tally)
{
    mem_free(take_ptr(tally->databases));
}
