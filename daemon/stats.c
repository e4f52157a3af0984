/* daemon/stats.c: see pondd(8) for what each name means. Each worker adds its own, on its own
 * thread.
 */
#include "daemon/stats.h"

#include "async/task.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "pool/registry.h"
#include "pool/sweep.h"

#include <inttypes.h>
#include <string.h>

struct sum {
    struct worker_stats daemon;
    struct loop_stats loops;
};

static void add_worker(struct worker *worker, void *arg)
{
    struct sum *sum = arg;
    const struct worker_stats *stats = &worker->stats;
    struct loop_stats loop;

    sum->daemon.connections_total += stats->connections_total;
    sum->daemon.connections_refused += stats->connections_refused;
    sum->daemon.statements += stats->statements;
    sum->daemon.clone_open_us_total += stats->clone_open_us_total;
    sum->daemon.clone_open_count += stats->clone_open_count;
    if (stats->clone_open_us_max > sum->daemon.clone_open_us_max) {
        sum->daemon.clone_open_us_max = stats->clone_open_us_max;
    }
    loop_stats(worker->loop, &loop);
    sum->loops.turns += loop.turns;
    sum->loops.tasks += loop.tasks;
    sum->loops.stacks_cached += loop.stacks_cached;
    if (loop.longest_hold_us > sum->loops.longest_hold_us) {
        sum->loops.longest_hold_us = loop.longest_hold_us;
        sum->loops.longest_hold_by = loop.longest_hold_by;
    }
    if (loop.longest_cpu_us > sum->loops.longest_cpu_us) {
        sum->loops.longest_cpu_us = loop.longest_cpu_us;
        sum->loops.longest_cpu_by = loop.longest_cpu_by;
    }
}

int stats_line(const struct server *server, struct buf *out)
{
    struct sum sum = { 0 };
    size_t sweeps = sweep_count(); /* before the memory */

    server_each_worker(server, add_worker, &sum);
    sum.loops.tasks--; /* the one that asks */
    struct registry_stats pools;
    registry_stats(server->registry, &pools);
    uint64_t opens = sum.daemon.clone_open_count;
    return buf_printf(
        out,
        "loops=%zu sessions=%zu sessions_idle=%zu sessions_created=%" PRIu64 " waiting=%zu "
        "leases=%" PRIu64 " clones=%zu connections=%zu connections_total=%" PRIu64
        " connections_refused=%" PRIu64 " statements=%" PRIu64 " clone_open_count=%" PRIu64
        " clone_open_us_mean=%" PRIu64 " clone_open_us_max=%" PRIu64 " longest_hold_us=%" PRId64
        " longest_hold_by=%s longest_cpu_us=%" PRId64 " longest_cpu_by=%s turns=%" PRIu64
        " tasks=%" PRIu64 " stacks_cached=%" PRIu64 " sweeps=%zu memory=%zu",
        server->worker_count, pools.sessions.sessions, pools.sessions.idle, pools.sessions.created,
        pools.sessions.waiting, pools.sessions.leases, pools.clones, server_connections(server),
        sum.daemon.connections_total, sum.daemon.connections_refused, sum.daemon.statements, opens,
        opens == 0 ? 0 : sum.daemon.clone_open_us_total / opens, sum.daemon.clone_open_us_max,
        sum.loops.longest_hold_us,
        sum.loops.longest_hold_by == NULL ? "-" : sum.loops.longest_hold_by,
        sum.loops.longest_cpu_us, sum.loops.longest_cpu_by == NULL ? "-" : sum.loops.longest_cpu_by,
        sum.loops.turns, sum.loops.tasks, sum.loops.stacks_cached, sweeps, mem_used_total());
}

int stats_status(const struct server *server, struct buf *out)
{
    struct sum sum = { 0 };
    struct registry_stats pools;

    server_each_worker(server, add_worker, &sum);
    registry_stats(server->registry, &pools);
    return buf_printf(out,
                      "%zu clients, %zu sessions in use, %zu waiting, %zu named databases, %" PRIu64
                      " statements so far, %zu MB",
                      server_connections(server), pools.sessions.sessions, pools.sessions.waiting,
                      pools.clones, sum.daemon.statements, mem_used_total() >> 20);
}

static void log_task(void *arg)
{
    cleanup(buf_finish) struct buf line = { 0 };

    if (stats_line(arg, &line) == 0) {
        log_line(LEVEL_LOG, "statistics: %.*s", (int)line.len, (const char *)line.data);
    }
}

void stats_log(struct server *server)
{
    int r = task_spawn(server_main(server)->loop, "statistics", log_task, server, NULL);

    if (r != 0) {
        log_line(LEVEL_ERROR, "no statistics: %s", strerror(-r));
    }
}
