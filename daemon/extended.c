/* daemon/extended.c: Parse, Bind, Describe, Execute, Close and Sync.
 * https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 *
 * All up to a Sync is one implicit transaction. It costs nothing for the usual client, whose one
 * Execute has its Sync right behind it: that one runs without. */
#include "daemon/serve.h"

#include "daemon/params.h"
#include "pool/txn.h"
#include "protocol/backend.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void begin_once(struct connection *conn)
{
    if (!conn->statement_begun) {
        statement_begin(conn);
    }
}

static int send_simple(struct connection *conn, void (*write)(struct writer *w))
{
    struct writer w = reply_begin(conn);

    write(&w);
    return reply_done(conn, &w);
}

/* Cuts the one statement of a Parse; an empty one is fine. 0 or FAILED. */
static int only_statement(struct view text, struct view *ret_statement, struct failure *ret_failure)
{
    struct view rest = text;
    struct view more;
    int r = sql_next_statement(&rest, ret_statement, ret_failure);

    if (r == SQL_END) {
        *ret_statement = view_of(text.data, 0);
        return 0;
    }
    if (r == 0) {
        r = sql_next_statement(&rest, &more, ret_failure);
    }
    if (r == 0) {
        return failure_set(ret_failure, "42601",
                           "cannot insert multiple commands into a prepared statement");
    }
    return r == SQL_END ? 0 : r;
}

enum { few_types = 32 };

static int make_plan(struct connection *conn, const struct msg_parse *msg, struct view statement,
                     struct plan **ret_plan, struct failure *ret_failure)
{
    uint32_t few[few_types];
    cleanup(mem_freep) uint32_t *many = NULL;
    uint32_t *types = few;

    if (msg->type_count > few_types) {
        types = many = mem_alloc(msg->type_count * sizeof(*many));
        if (many == NULL) {
            return failure_set_nomem(ret_failure);
        }
    }
    for (size_t i = 0; i < msg->type_count; i++) {
        types[i] = parse_type(msg, i);
    }
    return statement_prepare(conn, msg->text, statement, types, msg->type_count, ret_plan,
                             ret_failure);
}

int extended_parse(struct connection *conn, const struct msg_parse *msg,
                   struct failure *ret_failure)
{
    cleanup(plan_unrefp) struct plan *plan = NULL;
    struct view statement;

    begin_once(conn);
    if (msg->name.len == 0) {
        sql_statement_close(conn->sql, msg->name);
    }
    int r = utf8_check(msg->name, ret_failure);
    if (r == 0) {
        r = utf8_check(msg->text, ret_failure);
    }
    if (r == 0) {
        r = only_statement(msg->text, &statement, ret_failure);
    }
    if (r == 0) {
        r = make_plan(conn, msg, statement, &plan, ret_failure);
    }
    if (r == 0) {
        r = sql_statement_put(conn->sql, msg->name, plan, ret_failure);
    }
    if (r != 0) {
        return r;
    }
    return send_simple(conn, backend_parse_complete);
}

/* How many parameters and result columns are there, and are the formats as many? */
static int check_counts(const struct msg_bind *msg, const struct plan *plan,
                        struct failure *ret_failure)
{
    const uint32_t *oids;
    const struct column *columns;
    size_t params = sql_plan_params(plan, &oids);
    size_t results = sql_plan_columns(plan, &columns);

    if (msg->param_count != params) {
        return failure_set(ret_failure, "08P01",
                           "bind message supplies %d parameters, but prepared statement \"%.*s\" "
                           "requires %d",
                           msg->param_count, (int)msg->statement.len, msg->statement.data,
                           (int)params);
    }
    if (msg->result_formats.count > 1 && msg->result_formats.count != results) {
        return failure_set(ret_failure, "08P01",
                           "bind message has %d result formats but query has %d columns",
                           msg->result_formats.count, (int)results);
    }
    return 0;
}

static int keep_formats(struct portal *portal, const struct format_codes *codes,
                        struct failure *ret_failure)
{
    if (codes->count == 0) {
        return 0;
    }
    int16_t *formats = mem_alloc(codes->count * sizeof(*formats));
    if (formats == NULL) {
        return failure_set_nomem(ret_failure);
    }
    for (size_t i = 0; i < codes->count; i++) {
        formats[i] = (int16_t)format_of(codes, i);
    }
    sql_portal_set_formats(portal, formats, codes->count);
    return 0;
}

static int bind_plan(struct connection *conn, const struct msg_bind *msg, struct plan *plan,
                     struct failure *ret_failure)
{
    cleanup(params_finish) struct params params = { 0 };
    struct portal *portal;
    const uint32_t *oids;

    sql_plan_params(plan, &oids);
    int r = params_decode(&params, msg, oids, sql_value_style(conn->sql), ret_failure);
    if (r == 0) {
        r = sql_bind(conn->sql, msg->portal, plan, params.cells, params.count, &portal,
                     ret_failure);
    }
    if (r == 0) {
        r = keep_formats(portal, &msg->result_formats, ret_failure);
    }
    return r;
}

int extended_bind(struct connection *conn, const struct msg_bind *msg, struct failure *ret_failure)
{
    struct plan *plan;

    begin_once(conn);
    int r = utf8_check(msg->portal, ret_failure);
    if (r == 0) {
        r = utf8_check(msg->statement, ret_failure);
    }
    if (r == 0) {
        r = sql_statement_get(conn->sql, msg->statement, &plan, ret_failure);
    }
    if (r == 0) {
        r = statement_bindable(conn, plan, ret_failure);
    }
    if (r == 0) {
        r = check_counts(msg, plan, ret_failure);
    }
    if (r == 0) {
        r = bind_plan(conn, msg, plan, ret_failure);
    }
    return r == 0 ? send_simple(conn, backend_bind_complete) : r;
}

/* In a failed block only what returns no rows may be described. */
static int describable(struct connection *conn, const struct plan *plan,
                       struct failure *ret_failure)
{
    return sql_plan_returns_rows(plan) ? statement_allowed(conn, plan, ret_failure) : 0;
}

static int describe_statement(struct connection *conn, struct view name,
                              struct failure *ret_failure)
{
    struct plan *plan;
    const uint32_t *oids;
    struct writer w = reply_begin(conn);
    int r = sql_statement_get(conn->sql, name, &plan, ret_failure);

    if (r == 0) {
        r = describable(conn, plan, ret_failure);
    }
    if (r != 0) {
        return r;
    }
    size_t count = sql_plan_params(plan, &oids);
    backend_parameter_description(&w, oids, (uint16_t)count);
    r = reply_done(conn, &w);
    return r == 0 ? rows_describe(conn, plan, NULL, 0, true) : r;
}

static int describe_portal(struct connection *conn, struct view name, struct failure *ret_failure)
{
    struct portal *portal;
    size_t count;
    int r = sql_portal_get(conn->sql, name, &portal, ret_failure);

    if (r == 0) {
        r = describable(conn, sql_portal_plan(portal), ret_failure);
    }
    if (r != 0) {
        return r;
    }
    const int16_t *formats = sql_portal_formats(portal, &count);
    return rows_describe(conn, sql_portal_plan(portal), formats, count, true);
}

int extended_describe(struct connection *conn, const struct msg_target *msg,
                      struct failure *ret_failure)
{
    begin_once(conn);
    int r = utf8_check(msg->name, ret_failure);

    if (r != 0) {
        return r;
    }
    /* 'S' or 'P': frontend_read() has refused anything else */
    return msg->kind == 'S' ? describe_statement(conn, msg->name, ret_failure)
                            : describe_portal(conn, msg->name, ret_failure);
}

/* Is the next message a Sync, so that this statement is alone in its transaction? */
static bool sync_is_next(const struct connection *conn)
{
    static const uint8_t sync[] = { 'S', 0, 0, 0, 4 };
    struct view ahead = conn->input.ahead;

    return ahead.len >= sizeof(sync) && memcmp(ahead.data, sync, sizeof(sync)) == 0;
}

static void join_implicit(struct connection *conn, const struct plan *plan)
{
    if (sql_plan_is_txn_control(plan) || sql_plan_runs_alone(plan)) {
        conn->pipelined = true;
        return;
    }
    if (conn->pipelined || !sync_is_next(conn)) {
        conn->pipelined = true;
        txn_implicit_begin(conn->lease.session);
    }
}

/* COMMIT, VACUUM and the like end what ran in the pipeline so far, and with it its portals. */
static void settle_implicit(struct connection *conn)
{
    struct session *session = conn->lease.session;

    if (conn->pipelined && !txn_is_open(session)) {
        sql_transaction_ended(conn->sql);
    }
    txn_pipelined(session);
}

static int run_portal(struct connection *conn, struct portal *portal, const struct msg_execute *msg,
                      struct failure *ret_failure)
{
    struct statement_how how = { .max_rows = msg->max_rows < 0 ? 0 : msg->max_rows,
                                 .text = sql_plan_text(sql_portal_plan(portal)),
                                 .portal = &msg->portal };

    return statement_run(conn, portal, &how, ret_failure);
}

int extended_execute(struct connection *conn, const struct msg_execute *msg,
                     struct failure *ret_failure)
{
    struct portal *portal;

    begin_once(conn);
    int r = utf8_check(msg->portal, ret_failure);
    if (r == 0) {
        r = sql_portal_get(conn->sql, msg->portal, &portal, ret_failure);
    }
    if (r == 0) {
        r = statement_allowed(conn, sql_portal_plan(portal), ret_failure);
    }
    if (r != 0) {
        return r;
    }
    statement_note(conn, sql_plan_text(sql_portal_plan(portal)));
    bool is_empty = sql_plan_is_empty(sql_portal_plan(portal));
    if (!is_empty) {
        join_implicit(conn, sql_portal_plan(portal));
    }
    r = run_portal(conn, portal, msg, ret_failure);
    if (!is_empty) {
        settle_implicit(conn);
    }
    return r;
}

int extended_close(struct connection *conn, const struct msg_target *msg,
                   struct failure *ret_failure)
{
    (void)ret_failure;
    if (msg->kind == 'S') {
        sql_statement_close(conn->sql, msg->name);
    } else {
        sql_portal_close(conn->sql, msg->name);
    }
    return send_simple(conn, backend_close_complete);
}

int extended_sync(struct connection *conn)
{
    conn->skip_to_sync = false;
    conn->pipelined = false;
    int r = statement_end_implicit(conn);

    return r == 0 ? reply_ready(conn) : r;
}
