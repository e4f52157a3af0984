/* daemon/serve.h: what serves a client's messages and answers them, of one connection. Its task. */
#pragma once

#include "daemon/connection_impl.h"

/* ---- query.c, extended.c: one message each; the same answers ---- */

must_check int query_simple(struct connection *conn, const struct msg_query *msg);

/* These also say FAILED: the error is told and the rest skipped up to Sync by dispatch.c. */
must_check int extended_parse(struct connection *conn, const struct msg_parse *msg,
                              struct failure *ret_failure);
must_check int extended_bind(struct connection *conn, const struct msg_bind *msg,
                             struct failure *ret_failure);
must_check int extended_describe(struct connection *conn, const struct msg_target *msg,
                                 struct failure *ret_failure);
must_check int extended_execute(struct connection *conn, const struct msg_execute *msg,
                                struct failure *ret_failure);
must_check int extended_close(struct connection *conn, const struct msg_target *msg,
                              struct failure *ret_failure);
must_check int extended_sync(struct connection *conn);

/* ---- statement.c: what the simple and the extended protocol have in common ---- */

/* Notes the text of what runs now, for others. */
void statement_note(struct connection *conn, struct view text);
/* Starts the clock of one client statement (statement_timeout). */
void statement_begin(struct connection *conn);
/* Makes a plan of the statement, which lies in `text`; error positions count from text's start.
 * 25P02 in a failed block unless the statement may end it. 0 or FAILED. */
must_check int statement_prepare(struct connection *conn, struct view text, struct view statement,
                                 const uint32_t *param_oids, size_t param_count,
                                 struct plan **ret_plan, struct failure *ret_failure);
/* 25P02 when the transaction has failed and the plan does not end it. */
must_check int statement_allowed(struct connection *conn, const struct plan *plan,
                                 struct failure *ret_failure);
/* The same for Bind, which PostgreSQL refuses for an empty statement too. */
must_check int statement_bindable(struct connection *conn, const struct plan *plan,
                                  struct failure *ret_failure);
/* Runs a portal and sends its rows and its completion. 0, FAILED or -errno. */
struct statement_how {
    int64_t max_rows; /* 0: all */
    bool commits; /* it is the last of an implicit transaction, which ends before it completes */
    struct view text;          /* these two for the log */
    const struct view *portal; /* that an Execute named; NULL: a simple query */
};
must_check int statement_run(struct connection *conn, struct portal *portal,
                             const struct statement_how *how, struct failure *ret_failure);
/* So many bytes more of the rows that it gives: 0, or FAILED with 54000 (max_result_size). */
must_check int statement_result_grows(struct connection *conn, size_t bytes,
                                      struct failure *ret_failure);
/* The implicit transaction ends; a failed COMMIT is told. 0, CONNECTION_END or -errno. */
must_check int statement_end_implicit(struct connection *conn);

/* For cleanup(plan_unrefp) on a local plan. */
static inline void plan_unrefp(struct plan *const *plan)
{
    sql_plan_unref(*plan);
}

/* ---- rows.c ---- */

/* RowDescription, or NoData when `or_no_data` and there are no rows. 0 or -errno. */
must_check int rows_describe(struct connection *conn, const struct plan *plan,
                             const int16_t *formats, size_t format_count, bool or_no_data);
/* Runs the portal, its rows becoming DataRow messages: sql_run()'s answers. */
must_check int rows_run(struct connection *conn, struct portal *portal, int64_t max_rows,
                        struct failure *ret_failure);

/* ---- reply.c ---- */

/* A writer over the output; reply_done() settles what it wrote and flushes a full buffer. */
struct writer reply_begin(struct connection *conn);
must_check int reply_done(struct connection *conn, const struct writer *w);
/* ErrorResponse. 0, CONNECTION_END when it is FATAL or the client is gone, -errno. */
must_check int reply_failure(struct connection *conn, const struct failure *failure);
/* The same as a FATAL one: always CONNECTION_END or -errno. */
must_check int reply_fatal(struct connection *conn, struct failure *failure);
/* An error inside a statement: as reply_failure, and the transaction fails. */
must_check int reply_statement_failed(struct connection *conn, const struct failure *failure);
must_check int reply_ready(struct connection *conn);
