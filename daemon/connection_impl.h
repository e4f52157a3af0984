/* daemon/connection_impl.h: what the files behind connection.h share: the connection itself.
 *
 * connection.c is its life and its task, connection_move.c its way to another worker, deadline.c
 * its time-outs, startup.c and login*.c all before the first ReadyForQuery, dispatch.c takes
 * messages one by one, query.c and extended.c serve them, reply.c and rows.c answer, host.c is what
 * sql/ may ask of it. All that a connection owns hangs on its scope. Worker's thread. */
#pragma once

#include "async/scope.h"
#include "daemon/activity.h"
#include "daemon/input.h"
#include "daemon/server.h"
#include "pool/lease.h"
#include "protocol/frontend.h"
#include "sql/sql.h"

#include <event2/event_struct.h>

struct task;

/* An answer of all that serves messages: the connection is over, and what had to be said about it
 * is in the output. */
enum {
    CONNECTION_END = 16,
    CONNECTION_MOVES, /* to conn->destination, before anything was answered */
};

/* Why the daemon ends a connection that did nothing wrong in its last message. */
enum goodbye {
    GOODBYE_NONE,
    GOODBYE_SHUTDOWN,            /* 57P01 */
    GOODBYE_LOGIN_TIMEOUT,       /* client_login_timeout: closed without a word */
    GOODBYE_IDLE,                /* client_idle_timeout: 57P05 */
    GOODBYE_IDLE_IN_TRANSACTION, /* 25P03 */
};

struct connection {
    TAILQ_ENTRY(connection) entry;
    struct worker *worker;
    struct server *server; /* the worker's */
    struct task *task;     /* serves it now; NULL: idle */
    struct scope scope;    /* all below that owns something, in the order of taking */
    struct input input;
    struct output output;
    struct event read_event; /* added for good, but while bytes wait that no task takes */
    struct event timer;
    int64_t timer_at_us;         /* when `timer` fires; DEADLINE_NONE: it is not set */
    struct worker *destination;  /* where it moves to */
    struct loop_message message; /* brings it there, or to its end when it is doomed */
    int64_t
        deadline_us; /* of login or idleness; DEADLINE_NONE: none. The timer may fire before it */
    struct cancel_key cancel_key;
    struct named *named; /* the named clone that it uses or waits for; counted */
    struct lease lease;
    struct activity *activity; /* NULL: not logged in */
    struct sql_session *sql;
    uint8_t *copy_scratch; /* while a COPY FROM reads */
    char *user;
    char *database;
    uint32_t database_oid;
    int64_t start_us;   /* when it was accepted */
    int64_t opening_us; /* clone and session took so long; until the first statement adds itself */
    int fd;
    uint8_t goodbye;          /* enum goodbye: once told, it ends */
    uint8_t deadline_goodbye; /* what deadline_us will lead to */
    bool is_unix;
    bool refused;   /* over max_client_conn */
    bool ready;     /* the first ReadyForQuery is out */
    bool has_moved; /* from another worker, with its start-up packet unread */
    bool ssl_asked; /* SSLRequest and GSSENCRequest are answered once each */
    bool gssenc_asked;
    bool read_off;        /* read_event is not added */
    bool gone;            /* the client hung up: nobody hears us */
    bool doomed;          /* ends with the next messages: nobody may serve it any more */
    bool cut_off;         /* no statement of it may go on, nor begin */
    bool cancel_next;     /* the next statement is cancelled */
    bool at_rest;         /* ReadyForQuery was the last answer: nothing is half done */
    bool error_told;      /* an ErrorResponse waits in the output */
    bool skip_to_sync;    /* after an error in the extended protocol */
    bool statement_begun; /* an extended statement's time runs */
    bool pipelined;       /* more than one Execute since the last Sync, or BEGIN and the like */
    bool opening;         /* opening_us is to be counted */
    bool in_line;         /* waits for a session, or to build a template: a stop ends that */
    bool builds;          /* has got the right to build a template */
    bool made_clone;      /* `named` was made for it */
    bool owns_clone;      /* ... and goes with it */
};

/* ---- connection.c ---- */

void connection_join_worker(struct connection *conn, struct worker *worker);
void connection_leave_worker(struct connection *conn);
/* Prepares its events for its worker's loop; none is added. 0 or -EINVAL. */
must_check int connection_assign_events(struct connection *conn);
void connection_remove_events(struct connection *conn);
/* Starts the task that serves what has come. */
void connection_serve(struct connection *conn);
void connection_destroy(struct connection *conn);

/* ---- connection_move.c ---- */

/* Hands the connection, which no task serves any more, over to conn->destination: nobody here may
 * touch it afterwards. 0, or -errno and it must be destroyed here. */
must_check int connection_move(struct connection *conn);

/* ---- startup.c ---- */

/* Takes start-up packets from the input until the client is in or more bytes are needed.
 * 0, CONNECTION_END or -errno. */
must_check int startup_work(struct connection *conn);

/* ---- dispatch.c ---- */

/* Serves every complete message of the input. 0, CONNECTION_END or -errno. */
must_check int dispatch_work(struct connection *conn);

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
    struct view text; /* for the log */
};
must_check int statement_run(struct connection *conn, struct portal *portal,
                             const struct statement_how *how, struct failure *ret_failure);
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

/* ---- copy.c: host_ops of COPY; the host is the struct connection ---- */

must_check int copy_in_begin(void *host, bool binary, size_t columns, struct failure *ret_failure);
must_check int copy_in_read(void *host, struct view *ret_data, struct failure *ret_failure);
void copy_in_end(void *host);
must_check int copy_out_begin(void *host, bool binary, size_t columns);
must_check int copy_out_row(void *host, struct view row);
must_check int copy_out_end(void *host);

/* ---- host.c, connection.c ---- */

extern const struct host_ops connection_host_ops; /* the host is the struct connection */

bool connection_hung_up(struct connection *conn); /* asks the kernel */
enum stop_reason connection_should_stop(void *connection);
/* Ends a statement of it, as CancelRequest wants. */
void connection_cancel_statement(struct connection *conn);
struct session_who connection_who(void *connection);

/* ---- host_database.c: host_ops of databases and backends ---- */

int host_database_create(void *host, const struct database_request *request,
                         struct failure *ret_failure);
int host_database_drop(void *host, const char *name, bool force, struct failure *ret_failure);
int host_database_alter(void *host, const char *name, const struct database_change *change,
                        struct failure *ret_failure);
int host_each_database(void *host, database_fn *fn, void *arg, struct failure *ret_failure);
int host_each_backend(void *host, backend_fn *fn, void *arg, struct failure *ret_failure);
int host_backend_signal(void *host, int32_t pid, enum backend_signal signal, bool *ret_found,
                        struct failure *ret_failure);
int host_mark(void *host, enum mark_op op, const char *name, struct failure *ret_failure);
int host_template_claim(void *host, const char *name, const char *from, bool *ret_build,
                        struct failure *ret_failure);
int host_template_end(void *host, const char *name, bool ready, struct failure *ret_failure);
