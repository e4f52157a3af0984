/* daemon/query.c: the simple query: a string of statements, in one implicit transaction when there
 * are several. https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.4 */
#include "daemon/serve.h"

#include "async/await.h"
#include "async/task.h"
#include "pool/txn.h"
#include "protocol/backend.h"
#include "protocol/utf8.h"

static const struct view unnamed = { .data = (const uint8_t *)"", .len = 0 };

/* Are there more statements behind the first? All are cut now, so that an unterminated string in
 * the last keeps the first from running. 0 or FAILED. */
static int look_ahead(struct view rest, bool *ret_several, struct failure *ret_failure)
{
    struct view statement;
    size_t count = 0;
    int r;

    while ((r = sql_next_statement(&rest, &statement, ret_failure)) == 0) {
        count++;
    }
    *ret_several = count > 0;
    return r == SQL_END ? 0 : r;
}

/* All rows are text, but for those of a BINARY cursor. */
static int choose_format(struct portal *portal, struct failure *ret_failure)
{
    if (!sql_plan_is_binary(sql_portal_plan(portal))) {
        return 0;
    }
    int16_t *formats = mem_alloc(sizeof(*formats));
    if (formats == NULL) {
        return failure_set_nomem(ret_failure);
    }
    formats[0] = FORMAT_BINARY;
    sql_portal_set_formats(portal, formats, 1);
    return 0;
}

static int describe(struct connection *conn, const struct portal *portal)
{
    size_t count;
    const int16_t *formats = sql_portal_formats(portal, &count);

    return rows_describe(conn, sql_portal_plan(portal), formats, count, false);
}

static int run_plan(struct connection *conn, struct plan *plan, const struct statement_how *how,
                    struct failure *ret_failure)
{
    struct portal *portal;
    int r = sql_bind(conn->sql, unnamed, plan, NULL, 0, &portal, ret_failure);

    if (r == 0) {
        r = choose_format(portal, ret_failure);
    }
    if (r == 0) {
        r = describe(conn, portal);
    }
    if (r == 0) {
        r = statement_run(conn, portal, how, ret_failure);
    }
    sql_portal_close(conn->sql, unnamed);
    return r;
}

struct run {
    struct view text; /* of the whole query */
    bool several;
    bool last;
    bool ran; /* a statement that was not empty */
};

static int run_one(struct connection *conn, struct run *run, struct view statement,
                   struct failure *ret_failure)
{
    cleanup(plan_unrefp) struct plan *plan = NULL;
    struct statement_how how = { .commits = run->last, .text = statement };

    statement_begin(conn);
    int r = statement_prepare(conn, run->text, statement, NULL, 0, &plan, ret_failure);
    if (r != 0 || sql_plan_is_empty(plan)) {
        return r;
    }
    if (run->several && !sql_plan_is_txn_control(plan)) {
        txn_implicit_begin_several(conn->lease.session);
    }
    run->ran = true;
    return run_plan(conn, plan, &how, ret_failure);
}

static int run_all(struct connection *conn, struct run *run, struct failure *ret_failure)
{
    struct view rest = run->text;
    struct view statement;
    struct view next;
    int r = sql_next_statement(&rest, &statement, ret_failure);

    if (r == 0) {
        r = look_ahead(rest, &run->several, ret_failure);
    }
    while (r == 0) {
        int more = sql_next_statement(&rest, &next, ret_failure);

        run->last = more == SQL_END;
        r = run_one(conn, run, statement, ret_failure);
        statement = next;
        if (r == 0 && more == 0 && task_slice_over(task_current())) {
            r = await_turn();
        }
        r = r == 0 ? more : r;
    }
    return r == SQL_END ? 0 : r;
}

static int send_empty(struct connection *conn)
{
    struct writer w = reply_begin(conn);

    backend_empty_query(&w);
    return reply_done(conn, &w);
}

int query_simple(struct connection *conn, const struct msg_query *msg)
{
    struct failure failure;
    struct run run = { .text = msg->text };
    int r = utf8_check(msg->text, &failure);

    statement_note(conn, r == 0 ? msg->text : view_of_str("")); /* others will see it */
    sql_statement_close(conn->sql, unnamed);
    if (r == 0) {
        r = run_all(conn, &run, &failure);
    }
    if (r == FAILED) {
        r = reply_statement_failed(conn, &failure);
    } else if (r == 0 && !run.ran) {
        r = send_empty(conn);
    }
    if (r == 0) {
        r = statement_end_implicit(conn);
    }
    return r == 0 ? reply_ready(conn) : r;
}
