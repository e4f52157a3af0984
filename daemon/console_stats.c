/* daemon/console_stats.c: SHOW STATS, STATS_TOTALS and STATS_AVERAGES. Averages are over all the
 * time that the daemon runs: it has no periods. */
#include "daemon/console_show.h"

#include "async/loop.h"
#include "daemon/console_rows.h"
#include "daemon/serve.h"
#include "daemon/traffic.h"
#include "pool/registry.h"

#include <errno.h>

enum { columns_totals = 1, columns_averages = 2 };

static void put_totals(struct console_rows *rows, const struct traffic *sum)
{
    console_put_uint(rows, sum->transactions);
    console_put_uint(rows, sum->queries);
    console_put_uint(rows, sum->received);
    console_put_uint(rows, sum->sent);
    console_put_uint(rows, sum->transaction_us);
    console_put_uint(rows, sum->query_us);
    console_put_uint(rows, sum->wait.sum_us);
}

static uint64_t per(uint64_t sum, uint64_t count)
{
    return count == 0 ? 0 : sum / count;
}

/* Times of one transaction and one query; all else for each second. */
static void put_averages(struct console_rows *rows, const struct traffic *sum, uint64_t seconds)
{
    console_put_uint(rows, per(sum->transactions, seconds));
    console_put_uint(rows, per(sum->queries, seconds));
    console_put_uint(rows, per(sum->received, seconds));
    console_put_uint(rows, per(sum->sent, seconds));
    console_put_uint(rows, per(sum->transaction_us, sum->transactions));
    console_put_uint(rows, per(sum->query_us, sum->queries));
    console_put_uint(rows, per(sum->wait.sum_us, seconds));
}

struct sums {
    struct traffic *list;
    size_t count;
};

static void add_worker(struct worker *worker, void *arg)
{
    const struct sums *sums = arg;

    traffic_add(worker, sums->list, sums->count);
}

static void put_row(struct console_rows *rows, const char *name, const struct traffic *sum,
                    unsigned columns, uint64_t seconds)
{
    console_row_begin(rows);
    console_put(rows, name);
    if ((columns & columns_totals) != 0) {
        put_totals(rows, sum);
    }
    if ((columns & columns_averages) != 0) {
        put_averages(rows, sum, seconds);
    }
    console_row_end(rows);
}

static int list(struct connection *conn, struct console_rows *rows, unsigned columns)
{
    const struct server *server = conn->server;
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    size_t count;

    if (registry_list_pools(server->registry, &pools, &count) != 0) {
        return -ENOMEM;
    }
    struct sums sums = { .count = registry_count(server->registry) + 1 };
    cleanup(mem_freep) struct traffic *all = mem_zalloc(sums.count * sizeof(*all));
    uint64_t seconds =
        (uint64_t)(loop_now_us(conn->worker->loop) - server->start_us + 999999) / 1000000;

    sums.list = all;
    if (all == NULL) {
        return -ENOMEM;
    }
    server_each_worker(server, add_worker, &sums);
    for (size_t i = 0; i < count; i++) {
        put_row(rows, pools[i].name, &all[traffic_number(pools[i].database)], columns, seconds);
    }
    put_row(rows, "pond", &all[traffic_console], columns, seconds);
    return 0;
}

int console_stats(struct connection *conn, struct console_rows *rows)
{
    return list(conn, rows, columns_totals | columns_averages);
}

int console_stats_totals(struct connection *conn, struct console_rows *rows)
{
    return list(conn, rows, columns_totals);
}

int console_stats_averages(struct connection *conn, struct console_rows *rows)
{
    return list(conn, rows, columns_averages);
}
