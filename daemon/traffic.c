/* daemon/traffic.c: see the header. */
#include "daemon/traffic.h"

#include "async/loop.h"
#include "async/task.h"
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
    if (conn->traffic.total != NULL && conn->console == CONSOLE_NONE) {
        histogram_add(&conn->traffic.total->wait, wait_us);
    }
}

/* ---- the clock ---- */

static void read_clock(struct connection *conn)
{
    conn->traffic.now_us = loop_now_us(conn->worker->loop);
}

/* When the message that is served now was there. */
static int64_t message_us(const struct connection *conn)
{
    int64_t resumed_us = task_resumed_us(conn->task);

    return resumed_us > conn->traffic.now_us ? resumed_us : conn->traffic.now_us;
}

bool traffic_slice_over(struct connection *conn, int64_t before_us)
{
    if (conn->traffic.now_us == before_us) {
        read_clock(conn);
    }
    return task_slice_over_at(conn->task, conn->traffic.now_us);
}

/* ---- queries ---- */

void traffic_query_begins(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;

    meter->query_start_us = message_us(conn);
    if (meter->transaction_start_us == 0) {
        meter->transaction_start_us = meter->query_start_us;
    }
}

void traffic_query_ends(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;

    read_clock(conn);
    if (meter->total == NULL) {
        return;
    }
    meter->total->queries++;
    meter->total->query_us += (uint64_t)(meter->now_us - meter->query_start_us);
    meter->query_start_us = meter->now_us; /* of the next, when it is in the same batch */
    if (connection_txn_status(conn) == TXN_IDLE) {
        meter->total->transactions++;
        meter->total->transaction_us += (uint64_t)(meter->now_us - meter->transaction_start_us);
        meter->transaction_start_us = 0;
    }
}

/* ---- statements ---- */

void traffic_statement_begins(struct connection *conn)
{
    conn->traffic.statement_start_us = message_us(conn);
}

void traffic_first_row(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;

    read_clock(conn);
    if (meter->total != NULL) {
        histogram_add(&meter->total->first_row, meter->now_us - meter->statement_start_us);
    }
}

int64_t traffic_statement_ends(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;

    read_clock(conn);
    int64_t took_us = meter->now_us - meter->statement_start_us;
    if (meter->total != NULL) {
        histogram_add(&meter->total->statement, took_us);
    }
    return took_us;
}

void traffic_error(struct connection *conn)
{
    if (conn->traffic.total != NULL) {
        conn->traffic.total->errors++;
    }
}

/* ---- sums ---- */

void traffic_rests(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;

    if (meter->total != NULL) {
        meter->total->received += conn->input.received - meter->received;
        meter->total->sent += conn->output.sent - meter->sent;
        meter->received = conn->input.received;
        meter->sent = conn->output.sent;
    }
}

void traffic_leave(struct connection *conn)
{
    traffic_rests(conn);
    conn->traffic.total = NULL;
}

static void add(struct traffic *to, const struct traffic *from)
{
    to->transactions += from->transactions;
    to->queries += from->queries;
    to->received += from->received;
    to->sent += from->sent;
    to->errors += from->errors;
    to->transaction_us += from->transaction_us;
    to->query_us += from->query_us;
    histogram_add_all(&to->wait, &from->wait);
    histogram_add_all(&to->statement, &from->statement);
    histogram_add_all(&to->first_row, &from->first_row);
}

void traffic_add(const struct worker *worker, struct traffic *sums)
{
    for (size_t i = 0; i < traffic_count(worker->server); i++) {
        add(&sums[i], &worker->traffic[i]);
    }
}
