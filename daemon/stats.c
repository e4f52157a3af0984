/* daemon/stats.c: see pondd(8) for what each name means. */
#include "daemon/stats.h"

#include "async/loop.h"
#include "daemon/log.h"
#include "daemon/server.h"

#include <inttypes.h>

int stats_line(const struct server *server, struct buf *out)
{
    const struct server_stats *stats = &server->stats;
    uint64_t opens = stats->clone_open_count;
    struct loop_stats loop;

    loop_stats(server->loop, &loop);
    return buf_printf(out,
                      "connections=%zu connections_total=%" PRIu64 " connections_refused=%" PRIu64
                      " statements=%" PRIu64 " clone_open_count=%" PRIu64
                      " clone_open_us_mean=%" PRIu64 " clone_open_us_max=%" PRIu64
                      " longest_hold_us=%" PRId64 " longest_hold_by=%s turns=%" PRIu64
                      " tasks=%" PRIu64 " stacks_cached=%" PRIu64 " memory=%zu",
                      server->connection_count, stats->connections_total,
                      stats->connections_refused, stats->statements, opens,
                      opens == 0 ? 0 : stats->clone_open_us_total / opens, stats->clone_open_us_max,
                      loop.longest_hold_us,
                      loop.longest_hold_by == NULL ? "-" : loop.longest_hold_by, loop.turns,
                      loop.tasks, loop.stacks_cached, mem_used_total());
}

void stats_log(const struct server *server)
{
    cleanup(buf_finish) struct buf line = { 0 };

    if (stats_line(server, &line) == 0) {
        log_line(LEVEL_LOG, "statistics: %.*s", (int)line.len, (const char *)line.data);
    }
}
