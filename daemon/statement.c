/* daemon/statement.c: one statement from its text to its completion, for both protocols. */
#include "daemon/serve.h"

#include "async/loop.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/slow.h"
#include "daemon/statement_log.h"
#include "pool/database.h"
#include "pool/txn.h"
#include "protocol/backend.h"

#include <string.h>

void statement_note(struct connection *conn, struct view text)
{
    activity_begin(conn->activity, text, clock_wall_us(loop_clock(conn->worker->loop)),
                   txn_is_open(conn->lease.session));
}

/* The client may ask for less than its user has, not for more. 0: for ever. */
static int64_t timeout_us_of(const struct connection *conn)
{
    int64_t wanted_us = sql_setting_us(conn->sql, "statement_timeout");
    int64_t most_us = conn->statement_most_us;

    return most_us > 0 && (wanted_us == 0 || wanted_us > most_us) ? most_us : wanted_us;
}

void statement_begin(struct connection *conn)
{
    int64_t timeout_us = timeout_us_of(conn);
    int64_t deadline_us = DEADLINE_NONE;

    memory_look(conn);
    if (timeout_us > 0) {
        deadline_us = clock_after_us(loop_clock(conn->worker->loop), timeout_us);
    }
    session_statement_begin(conn->lease.session, deadline_us);
    if (conn->cut_off) {
        session_stop_statement(conn->lease.session, STOP_SHUTDOWN);
    } else if (conn->cancel_next) {
        conn->cancel_next = false;
        session_stop_statement(conn->lease.session, STOP_CANCEL);
    }
    conn->statement_begun = true;
}

static int in_failed_block(struct failure *ret_failure)
{
    return failure_set(
        ret_failure, "25P02",
        "current transaction is aborted, commands ignored until end of transaction block");
}

int statement_allowed(struct connection *conn, const struct plan *plan, struct failure *ret_failure)
{
    if (txn_status(conn->lease.session) == TXN_FAILED && !sql_plan_is_empty(plan) &&
        !sql_plan_allowed_in_failed(plan)) {
        return in_failed_block(ret_failure);
    }
    return 0;
}

int statement_bindable(struct connection *conn, const struct plan *plan,
                       struct failure *ret_failure)
{
    if (txn_status(conn->lease.session) == TXN_FAILED && sql_plan_is_empty(plan)) {
        return in_failed_block(ret_failure);
    }
    return statement_allowed(conn, plan, ret_failure);
}

static int32_t characters(struct view v)
{
    int32_t count = 0;

    for (size_t i = 0; i < v.len; i++) {
        count += (v.data[i] & 0xc0) != 0x80;
    }
    return count;
}

/* An error of a statement that would not have run anyway is PostgreSQL's 25P02, but for its syntax,
 * which is looked at first. */
static int prepare_failed(struct connection *conn, struct view before, struct failure *failure)
{
    if (txn_status(conn->lease.session) == TXN_FAILED && strcmp(failure->sqlstate, "42601") != 0) {
        return in_failed_block(failure);
    }
    if (failure->position > 0) {
        failure->position += characters(before);
    }
    return FAILED;
}

int statement_prepare(struct connection *conn, struct view text, struct view statement,
                      const uint32_t *param_oids, size_t param_count, struct plan **ret_plan,
                      struct failure *ret_failure)
{
    struct plan *plan;
    int r = sql_prepare(conn->sql, statement, param_oids, param_count, &plan, ret_failure);

    if (r == FAILED) {
        struct view before = view_of(text.data, (size_t)(statement.data - text.data));
        return prepare_failed(conn, before, ret_failure);
    }
    if (r == 0) {
        r = statement_allowed(conn, plan, ret_failure);
        if (r != 0) {
            sql_plan_unref(plan);
            return r;
        }
        *ret_plan = plan;
    }
    return r;
}

/* The statistic that says what a fresh database costs: clone, session and first statement. */
static void count_opening(struct connection *conn, int64_t run_us)
{
    struct worker_stats *stats = &conn->worker->stats;
    uint64_t us = (uint64_t)(conn->opening_us + run_us);

    conn->opening = false;
    stats->clone_open_count++;
    stats->clone_open_us_total += us;
    if (us > stats->clone_open_us_max) {
        stats->clone_open_us_max = us;
    }
}

static int send_completion(struct connection *conn, const struct portal *portal, bool suspended)
{
    struct writer w = reply_begin(conn);

    if (sql_plan_is_empty(sql_portal_plan(portal))) {
        backend_empty_query(&w);
    } else if (suspended) {
        backend_portal_suspended(&w);
    } else {
        backend_command_complete(&w, view_of_str(sql_tag(portal)));
    }
    return reply_done(conn, &w);
}

static void log_statement(const struct connection *conn, const struct portal *portal,
                          const struct statement_how *how, const struct failure *failure,
                          int64_t took_us)
{
    const struct log_about about = connection_about(conn);
    const struct statement_report report = { .text = how->text,
                                             .portal = how->portal,
                                             .tag = failure == NULL ? sql_tag(portal) : NULL,
                                             .failure = failure,
                                             .took_us = took_us };

    statement_log(conn->worker->conf, &about, &report);
}

static int fail_result(const struct connection *conn, struct failure *ret_failure)
{
    failure_set(ret_failure, "54000", "result is too large");
    failure_add(ret_failure, FIELD_DETAIL,
                "A statement on database \"%s\" may give %zu bytes of rows (max_result_size).",
                conn->database, database_options(conn->lease.database)->max_result_size);
    failure_add(ret_failure, FIELD_HINT, "Ask for fewer rows, or page through them by a cursor.");
    return FAILED;
}

int statement_result_grows(struct connection *conn, size_t bytes, struct failure *ret_failure)
{
    size_t most = database_options(conn->lease.database)->max_result_size;

    conn->result_bytes += bytes;
    return most > 0 && conn->result_bytes > most ? fail_result(conn, ret_failure) : 0;
}

int statement_run(struct connection *conn, struct portal *portal, const struct statement_how *how,
                  struct failure *ret_failure)
{
    bool opening = conn->opening && !sql_plan_is_txn_control(sql_portal_plan(portal));
    bool logged = statement_log_is_on(conn->worker->conf); /* when it began: how->text is there */

    conn->result_bytes = 0;
    traffic_statement_begins(conn);
    int r = rows_run(conn, portal, how->max_rows, ret_failure);
    conn->statement_begun = r == SQL_SUSPENDED; /* a portal's pages have one time-out */
    int64_t took_us = traffic_statement_ends(conn);

    slow_note_if(conn, took_us);
    conn->worker->stats.statements++;
    if (opening) {
        count_opening(conn, took_us);
    }
    if (r == 0 && (how->commits || txn_stands_alone(conn->lease.session))) {
        r = sql_implicit_end(conn->sql, ret_failure);
    }
    if (logged) {
        log_statement(conn, portal, how, r == FAILED ? ret_failure : NULL, took_us);
    }
    if (r == 0 || r == SQL_SUSPENDED) {
        r = send_completion(conn, portal, r == SQL_SUSPENDED);
    }
    return r;
}

int statement_end_implicit(struct connection *conn)
{
    struct failure failure;
    int r = sql_implicit_end(conn->sql, &failure);

    if (r == FAILED) {
        r = reply_statement_failed(conn, &failure);
    }
    sql_transaction_ended(conn->sql);
    return r;
}
