/* daemon/traffic.c: see the header. */
#include "daemon/traffic.h"

#include "async/loop.h"
#include "async/task.h"
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

/* NULL: it counts for nobody. They move when there are more of them. */
static struct traffic *total_of(const struct connection *conn)
{
    size_t number = conn->traffic.number;

    return number == 0 ? NULL : &conn->worker->traffic[number - 1];
}

void traffic_enter(struct connection *conn, int64_t wait_us)
{
    struct account *was = account_swap(NULL); /* it is for all who come later */
    size_t number = number_of(conn);
    int r = number < conn->worker->traffic_count ? 0 : reserve(conn->worker, number + 1);

    account_swap(was);
    conn->traffic.number = r == 0 ? number + 1 : 0;
    if (r == 0 && conn->console == CONSOLE_NONE) {
        histogram_add(&total_of(conn)->wait, wait_us);
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
    struct traffic *total = total_of(conn);

    read_clock(conn);
    if (total == NULL) {
        return;
    }
    total->queries++;
    total->query_us += (uint64_t)(meter->now_us - meter->query_start_us);
    meter->query_start_us = meter->now_us; /* of the next, when it is in the same batch */
    if (connection_txn_status(conn) == TXN_IDLE) {
        total->transactions++;
        total->transaction_us += (uint64_t)(meter->now_us - meter->transaction_start_us);
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
    const struct traffic_meter *meter = &conn->traffic;
    struct traffic *total = total_of(conn);

    read_clock(conn);
    if (total != NULL) {
        histogram_add(&total->first_row, meter->now_us - meter->statement_start_us);
    }
}

int64_t traffic_statement_ends(struct connection *conn)
{
    const struct traffic_meter *meter = &conn->traffic;
    struct traffic *total = total_of(conn);

    read_clock(conn);
    int64_t took_us = meter->now_us - meter->statement_start_us;
    if (total != NULL) {
        histogram_add(&total->statement, took_us);
    }
    return took_us;
}

void traffic_error(struct connection *conn)
{
    struct traffic *total = total_of(conn);

    if (total != NULL) {
        total->errors++;
    }
}

/* ---- sums ---- */

void traffic_rests(struct connection *conn)
{
    struct traffic_meter *meter = &conn->traffic;
    struct traffic *total = total_of(conn);

    if (total != NULL) {
        total->received += conn->input.received - meter->received;
        total->sent += conn->output.sent - meter->sent;
        meter->received = conn->input.received;
        meter->sent = conn->output.sent;
    }
}

void traffic_leave(struct connection *conn)
{
    traffic_rests(conn);
    conn->traffic.number = 0;
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

void traffic_add(const struct worker *worker, struct traffic *sums, size_t count)
{
    for (size_t i = 0; i < count && i < worker->traffic_count; i++) {
        add(&sums[i], &worker->traffic[i]);
    }
}
