/* daemon/census.c: see the header. */
#include "daemon/census.h"

#include "async/loop.h"
#include "daemon/connection_impl.h"

#include <string.h>

/* Where a row goes that took so long; census_most: nowhere. */
static size_t place_of(const struct census_list *list, int64_t took_us)
{
    size_t i = list->count;

    while (i > 0 && list->rows[i - 1].what.took_us < took_us) {
        i--;
    }
    return i;
}

/* The row to be filled, or NULL: it is none of the longest. */
static struct census_row *make_row(struct census_list *list, int64_t took_us)
{
    size_t at = place_of(list, took_us);

    list->total++;
    if (at == census_most) {
        return NULL;
    }
    list->count += list->count < census_most;
    memmove(&list->rows[at + 1], &list->rows[at], (list->count - at - 1) * sizeof(list->rows[0]));
    return &list->rows[at];
}

static enum census_why why_of(const struct connection *conn)
{
    const struct session *session = conn->lease.session;

    if (session != NULL && (session_waits_for_place(session) || session_waits_for_lock(session))) {
        return CENSUS_LOCK;
    }
    return conn->output.awaiting ? CENSUS_CLIENT : CENSUS_RUNS;
}

static void add(struct census_list *list, const struct connection *conn, int64_t took_us,
                struct view text)
{
    struct census_row *row = make_row(list, took_us);
    struct view cut = utf8_cut(text, slow_text_bytes);

    if (row == NULL) {
        return;
    }
    row->what =
        (struct slow){ .pid = conn->cancel_key.pid, .took_us = took_us, .text_len = cut.len };
    row->why = why_of(conn);
    utf8_copy_name(row->what.user, sizeof(row->what.user), conn->user);
    utf8_copy_name(row->what.database, sizeof(row->what.database), conn->database);
    if (cut.len > 0) {
        memcpy(row->what.text, cut.data, cut.len);
    }
}

static void count_connection(struct census *census, const struct connection *conn, int64_t now_us)
{
    const struct activity *activity = conn->activity;

    if (activity == NULL) {
        return; /* it has not said who it is */
    }
    if (!conn->ready && conn->in_line) {
        add(&census->waiting, conn, now_us - conn->start_us, view_of_str(""));
    } else if (conn->ready && !conn->at_rest) {
        add(&census->running, conn, now_us - conn->traffic.query_start_us,
            view_of(activity->query, activity->query_len));
    }
}

/* The last first, of all loops together. */
static void add_slow(struct census *census, const struct slow *slow)
{
    size_t at = census->slow_count;

    while (at > 0 && census->slow[at - 1].ended_us < slow->ended_us) {
        at--;
    }
    if (at == slow_kept) {
        return;
    }
    census->slow_count += census->slow_count < slow_kept;
    memmove(&census->slow[at + 1], &census->slow[at],
            (census->slow_count - at - 1) * sizeof(census->slow[0]));
    census->slow[at] = *slow;
}

static void count_worker(struct worker *worker, void *arg)
{
    int64_t now_us = loop_now_us(worker->loop);
    const struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        count_connection(arg, conn, now_us);
    }
    for (size_t i = 0; i < slow_kept; i++) {
        if (worker->slow->list[i].ended_us > 0) {
            add_slow(arg, &worker->slow->list[i]);
        }
    }
}

void census_take(const struct server *server, struct census *ret_census)
{
    ret_census->waiting.count = ret_census->waiting.total = 0;
    ret_census->running.count = ret_census->running.total = 0;
    ret_census->slow_count = 0;
    server_each_worker(server, count_worker, ret_census);
}
