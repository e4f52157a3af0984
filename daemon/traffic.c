/* daemon/traffic.c: see the header. */
#include "daemon/traffic.h"

#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "daemon/console.h"
#include "pool/database.h"

#include <errno.h>
#include <string.h>

size_t traffic_count(const struct server *server)
{
    return server->conf->database_count + 1;
}

int traffic_open(struct worker *worker)
{
    worker->traffic = mem_zalloc(traffic_count(worker->server) * sizeof(*worker->traffic));
    return worker->traffic == NULL ? -ENOMEM : 0;
}

void traffic_close(struct worker *worker)
{
    mem_free(take_ptr(worker->traffic));
}

/* A named clone's is that of the database whose limits it has. */
static struct traffic *total_of(const struct connection *conn)
{
    const struct conf *conf = conn->server->conf;

    if (conn->console != CONSOLE_NONE) {
        return &conn->worker->traffic[conf->database_count];
    }
    for (size_t i = 0; i < conf->database_count; i++) {
        if (strcmp(conf->databases[i].name, database_options(conn->lease.database)->name) == 0) {
            return &conn->worker->traffic[i];
        }
    }
    return NULL;
}

void traffic_enter(struct connection *conn, int64_t wait_us)
{
    conn->traffic.total = total_of(conn);
    conn->traffic.sum.wait_us = (uint64_t)wait_us;
}

void traffic_query_begins(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;

    meter->query_start_us = loop_now_us(conn->worker->loop);
    if (meter->transaction_start_us == 0) {
        meter->transaction_start_us = meter->query_start_us;
    }
}

void traffic_query_ends(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;
    int64_t now_us = loop_now_us(conn->worker->loop);

    meter->sum.queries++;
    meter->sum.query_us += (uint64_t)(now_us - meter->query_start_us);
    meter->query_start_us = now_us; /* of the next, when it is in the same batch */
    if (connection_txn_status(conn) == TXN_IDLE) {
        meter->sum.transactions++;
        meter->sum.transaction_us += (uint64_t)(now_us - meter->transaction_start_us);
        meter->transaction_start_us = 0;
    }
}

static void add(struct traffic *to, const struct traffic *from)
{
    to->transactions += from->transactions;
    to->queries += from->queries;
    to->received += from->received;
    to->sent += from->sent;
    to->transaction_us += from->transaction_us;
    to->query_us += from->query_us;
    to->wait_us += from->wait_us;
}

static void add_connection(struct traffic *to, const struct connection *conn)
{
    add(to, &conn->traffic.sum);
    to->received += conn->input.received;
    to->sent += conn->output.sent;
}

void traffic_leave(struct connection *conn)
{
    if (conn->traffic.total != NULL) {
        add_connection(take_ptr(conn->traffic.total), conn);
    }
}

void traffic_add(const struct worker *worker, struct traffic *sums)
{
    const struct connection *conn;

    for (size_t i = 0; i < traffic_count(worker->server); i++) {
        add(&sums[i], &worker->traffic[i]);
    }
    TAILQ_FOREACH (conn, &worker->connections, entry) {
        if (conn->traffic.total != NULL) {
            add_connection(&sums[conn->traffic.total - worker->traffic], conn);
        }
    }
}
