/* daemon/tally.c: see the header. */
#include "daemon/tally.h"

#include "async/await.h"
#include "async/task.h"
#include "daemon/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- loops ---- */

struct count {
    struct tally *tally;
    struct traffic *traffic;
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
    traffic_add(worker, count->traffic);
}

/* ---- databases ---- */

/* The pools come in the order of the configuration, but the last ones may not be loaded yet. */
static const struct registry_pool *pool_of(const struct registry_pool *pools, size_t count,
                                           size_t i, const char *name)
{
    if (i < count && strcmp(pools[i].options->name, name) == 0) {
        return &pools[i];
    }
    for (size_t k = 0; k < count; k++) {
        if (strcmp(pools[k].options->name, name) == 0) {
            return &pools[k];
        }
    }
    return NULL;
}

static uint64_t since_us(const struct server *server, int64_t then_us)
{
    int64_t now_us = loop_now_us(server_main(server)->loop);

    return then_us == DEADLINE_NONE || then_us > now_us ? 0 : (uint64_t)(now_us - then_us);
}

static void take_databases(const struct server *server, const struct registry_pool *pools,
                           size_t count, const struct traffic *traffic, struct tally *tally)
{
    const struct conf *conf = server->conf;

    for (size_t i = 0; i < conf->database_count; i++) {
        struct tally_database *database = &tally->databases[i];
        const struct registry_pool *pool = pool_of(pools, count, i, conf->databases[i].name);

        database->name = conf->databases[i].name;
        database->builtin = conf->databases[i].builtin;
        database->traffic = traffic[i];
        if (pool != NULL) {
            database->is_pool = true;
            database->pool = *pool;
            database->pool_size = pool->options->pool_size;
            database->oldest_wait_us = since_us(server, pool->stats.first_since_us);
        }
        if (task_slice_over(task_current())) {
            (void)!await_turn();
        }
    }
    tally->databases[conf->database_count] =
        (struct tally_database){ .name = "pond", .traffic = traffic[conf->database_count] };
}

/* ---- the daemon ---- */

static void take_process(struct tally *tally)
{
    struct rusage usage = { .ru_maxrss = 0 };
    FILE *statm = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;

    getrusage(RUSAGE_SELF, &usage);
    tally->cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                    (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    if (statm != NULL) {
        if (fscanf(statm, "%*u %llu", &pages) == 1) {
            tally->resident_bytes = pages * (unsigned long long)sysconf(_SC_PAGESIZE);
        }
        fclose(statm);
    }
}

static void take_daemon(const struct server *server, struct tally *tally)
{
    struct loop *loop = server_main(server)->loop;

    tally->connections = server_connections(server);
    tally->connections_limit = (uint64_t)server->conf->max_client_conn;
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
    size_t count = traffic_count(server);
    cleanup(mem_freep) struct traffic *traffic = mem_zalloc(count * sizeof(*traffic));
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    size_t pool_count = 0;

    *ret_tally = (struct tally){ .database_count = count };
    ret_tally->databases = mem_zalloc(count * sizeof(*ret_tally->databases));
    if (traffic == NULL || ret_tally->databases == NULL ||
        registry_list_pools(server->registry, &pools, &pool_count) != 0) {
        return -ENOMEM;
    }
    server_each_worker(server, count_worker,
                       &(struct count){ .tally = ret_tally, .traffic = traffic });
    take_databases(server, pools, pool_count, traffic, ret_tally);
    take_daemon(server, ret_tally);
    return 0;
}

void tally_finish(struct tally *tally)
{
    mem_free(take_ptr(tally->databases));
}
