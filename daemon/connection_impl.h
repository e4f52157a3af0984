/* daemon/connection_impl.h: what the files behind connection.h share: the connection itself.
 *
 * connection_start.c lets it in, connection.c is its life and its task, connection_stop.c ends what
 * runs for it, connection_move.c is its way to another worker, connection_tls.c its encryption,
 * deadline.c its time-outs, startup.c, auth*.c and login*.c are all before the first ReadyForQuery,
 * dispatch.c takes messages one by one (serve.h has those who serve them), host.h is what sql/ may
 * ask of it. All that a connection owns hangs on its scope. Worker's thread. */
#pragma once

#include "async/scope.h"
#include "daemon/activity.h"
#include "daemon/address.h"
#include "daemon/input.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/traffic.h"
#include "pool/lease.h"
#include "pool/txn.h"
#include "protocol/frontend.h"
#include "sql/sql.h"

#include <event2/event_struct.h>

struct connection_tls;
struct login;
struct task;

/* An answer of all that serves messages: the connection is over, and what had to be said about it
 * is in the output. */
enum {
    CONNECTION_END = 16,
    CONNECTION_MOVES, /* to conn->destination, let in, before it has a session */
};

/* Why the daemon ends a connection that did nothing wrong in its last message. */
enum goodbye {
    GOODBYE_NONE,
    GOODBYE_SHUTDOWN,            /* 57P01 */
    GOODBYE_LOGIN_TIMEOUT,       /* client_login_timeout: closed without a word */
    GOODBYE_IDLE,                /* client_idle_timeout: 57P05 */
    GOODBYE_IDLE_IN_TRANSACTION, /* 25P03 */
    GOODBYE_NOTIFICATIONS,       /* 54000: too many wait for it */
};

struct connection {
    TAILQ_ENTRY(connection) entry;
    struct worker *worker;
    struct server *server; /* the worker's */
    struct task *task;     /* serves it now; NULL: idle */
    struct scope scope;    /* all below that owns something, in the order of taking */
    struct input input;
    struct output output;
    struct connection_tls *tls; /* connection_tls.h; NULL: it is not encrypted */
    struct event read_event;    /* added for good, but while bytes wait that no task takes */
    struct event timer;
    int64_t timer_at_us;         /* when `timer` fires; DEADLINE_NONE: it is not set */
    struct worker *destination;  /* where it moves to */
    struct loop_message message; /* brings it there, or to its end when it is doomed */
    int64_t
        deadline_us; /* of login or idleness; DEADLINE_NONE: none. The timer may fire before it */
    struct cancel_key cancel_key;
    struct named *named; /* the named clone that it uses or waits for; counted */
    struct lease lease;
    struct traffic_meter traffic;
    struct login *login;       /* NULL: no start-up packet has come, or it is in */
    struct activity *activity; /* NULL: not logged in */
    struct crowd_place *place; /* among those from its address; NULL: not counted there */
    struct sql_session *sql;
    uint8_t *copy_scratch; /* while a COPY FROM reads */
    struct buf told;       /* NotificationResponses that wait (daemon/notify.h) */
    char *user;
    char *database;
    struct address from;
    uint32_t database_oid;
    int64_t start_us;          /* when it was accepted */
    size_t result_bytes;       /* of the rows that its statement has given */
    int64_t statement_most_us; /* what its user's line allows a statement; 0: as long as it says */
    int64_t opening_us; /* clone and session took so long; until the first statement adds itself */
    int fd;
    int low_water;            /* so many bytes wake us by TCP; 0: any */
    uint8_t goodbye;          /* enum goodbye: once told, it ends */
    uint8_t console;          /* enum console_access: it has no session, nor settings, then */
    uint8_t deadline_goodbye; /* what deadline_us will lead to */
    bool is_own;              /* the daemon itself is its client */
    bool refused;             /* over max_client_conn, or ... */
    bool crowded;             /* ... over max_client_conn_per_addr */
    bool ready;               /* the first ReadyForQuery is out */
    bool has_moved;           /* from another worker, with its login not done */
    bool ssl_asked;           /* SSLRequest and GSSENCRequest are answered once each */
    bool gssenc_asked;
    bool read_off;        /* read_event is not added */
    bool gone;            /* the client hung up: nobody hears us */
    bool doomed;          /* ends with the next messages: nobody may serve it any more */
    bool cut_off;         /* no statement of it may go on, nor begin */
    bool cancel_next;     /* the next statement is cancelled */
    bool at_rest;         /* ReadyForQuery was the last answer: nothing is half done */
    bool error_told;      /* an ErrorResponse waits in the output */
    bool skip_to_sync;    /* after an error in the extended protocol */
    bool statement_begun; /* a statement's time runs: at most up to ReadyForQuery */
    bool pipelined;       /* more than one Execute since the last Sync, or BEGIN and the like */
    bool opening;         /* opening_us is to be counted */
    bool in_line;         /* waits for a session, or to build a template: a stop ends that */
    bool builds;          /* has got the right to build a template */
    bool made_clone;      /* `named` was made for it */
    bool owns_clone;      /* ... and goes with it */
};

/* ---- connection_log.c ---- */

enum { connection_whence_bytes = 256 };

/* Whom a line of the log is about. */
struct log_about connection_about(const struct connection *conn);
/* "user=me database=shop host=127.0.0.1", as far as it is known. */
void connection_print_whence(const struct connection *conn,
                             char text[static connection_whence_bytes]);

/* ---- connection.c ---- */

/* Its place in the worker's list, its socket, buffers and events are on its scope then. 0, or
 * -errno and it must be destroyed. */
must_check int connection_begin(struct connection *conn, struct worker *worker, int fd);
void connection_join_worker(struct connection *conn, struct worker *worker);
void connection_leave_worker(struct connection *conn);
/* Prepares its events for its worker's loop; none is added. 0 or -EINVAL. */
must_check int connection_assign_events(struct connection *conn);
void connection_remove_events(struct connection *conn);
/* Starts the task that serves what has come. */
void connection_serve(struct connection *conn);
void connection_destroy(struct connection *conn);

/* ---- connection_stop.c ---- */

bool connection_hung_up(struct connection *conn); /* asks the kernel */
/* Its client has said more than its task reads now: no event tells when it hangs up, and who waits
 * in a line does not ask. Looks now, and again by the timer. */
void connection_watch_hang_up(struct connection *conn);
enum stop_reason connection_should_stop(void *connection);
/* Ends a statement of it, as CancelRequest wants. */
void connection_cancel_statement(struct connection *conn);
struct session_who connection_who(void *connection);

/* Between its statements: is it in a transaction? */
enum txn_status connection_txn_status(const struct connection *conn);

/* ---- connection_move.c ---- */

/* Hands the connection, which no task serves any more, over to conn->destination: nobody here may
 * touch it afterwards. 0, or -errno and it must be destroyed here. */
must_check int connection_move(struct connection *conn);

/* ---- startup.c ---- */

/* Takes start-up packets, and what else belongs to the login, from the input until the client is in
 * or more bytes are needed.
 * 0, CONNECTION_END or -errno. */
must_check int startup_work(struct connection *conn);
/* How many bytes of what it has begun to send are still to come before that can go on; 0: nobody
 * knows. */
size_t startup_missing(const struct connection *conn);

/* ---- dispatch.c ---- */

/* Serves every complete message of the input. 0, CONNECTION_END or -errno. */
must_check int dispatch_work(struct connection *conn);
