/* daemon/traffic.c: see the header. */
#include "daemon/traffic.h"

#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "daemon/console.h"
#include "pool/database.h"

#include <errno.h>
#include <string.h>

size_t traffic_number(const struct database *database)
{
    return 1 + database_number(database);
}

/* So many sums, the new ones of nothing. 0 or -ENOMEM. */
static int reserve(struct worker *worker, size_t count)
{
    struct traffic *sums = mem_realloc(worker->traffic, count * sizeof(*sums));

    if (sums == NULL) {
        return -ENOMEM;
    }
    for (size_t i = worker->traffic_count; i < count; i++) {
        sums[i] = (struct traffic){ 0 };
    }
    worker->traffic = sums;
    worker->traffic_count = count;
    return 0;
}

void traffic_close(struct worker *worker)
{
    mem_free(take_ptr(worker->traffic));
}

/* A named clone's is that of the database whose limits it has. */
static size_t number_of(const struct connection *conn)
{
    return conn->console != CONSOLE_NONE ? traffic_console : traffic_number(conn->lease.database);
}

void traffic_enter(struct connection *conn, int64_t wait_us)
{
    struct account *was = account_swap(NULL); /* it is for all who come later */
    size_t number = number_of(conn);
    int r = number < conn->worker->traffic_count ? 0 : reserve(conn->worker, number + 1);

    account_swap(was);
    conn->traffic.number = r == 0 ? number + 1 : 0;
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
    size_t number = conn->traffic.number;

    if (number != 0) {
        conn->traffic.number = 0;
        add_connection(&conn->worker->traffic[number - 1], conn);
    }
}

void traffic_add(const struct worker *worker, struct traffic *sums, size_t count)
{
    const struct connection *conn;

    for (size_t i = 0; i < count && i < worker->traffic_count; i++) {
        add(&sums[i], &worker->traffic[i]);
    }
    TAILQ_FOREACH (conn, &worker->connections, entry) {
        size_t number = conn->traffic.number;

        if (number != 0 && number <= count) {
            add_connection(&sums[number - 1], conn);
        }
    }
}
