/* daemon/console_stats.c: SHOW STATS, STATS_TOTALS and STATS_AVERAGES. Averages are over all the
 * time that the daemon runs: it has no periods. */
#include "daemon/console_show.h"

#include "async/loop.h"
#include "daemon/console_rows.h"
#include "daemon/serve.h"
#include "daemon/traffic.h"

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

static void add_worker(struct worker *worker, void *sums)
{
    traffic_add(worker, sums);
}

static int list(struct connection *conn, struct console_rows *rows, unsigned columns)
{
    const struct server *server = conn->server;
    size_t count = traffic_count(server);
    cleanup(mem_freep) struct traffic *sums = mem_zalloc(count * sizeof(*sums));
    uint64_t seconds =
        (uint64_t)(loop_now_us(conn->worker->loop) - server->start_us + 999999) / 1000000;

    if (sums == NULL) {
        return -ENOMEM;
    }
    server_each_worker(server, add_worker, sums);
    for (size_t i = 0; i < count; i++) {
        console_row_begin(rows);
        console_put(rows, i + 1 == count ? "pond" : server->conf->databases[i].name);
        if ((columns & columns_totals) != 0) {
            put_totals(rows, &sums[i]);
        }
        if ((columns & columns_averages) != 0) {
            put_averages(rows, &sums[i], seconds);
        }
        console_row_end(rows);
    }
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
