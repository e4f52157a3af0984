/* daemon/connection_stop.c: what runs for a client is stopped before it is done: because he hangs
 * up or cancels it, or because the daemon wants him to go. */
#include "daemon/connection.h"

#include "async/task.h"
#include "daemon/connection_impl.h"
#include "daemon/deadline.h"

#include <poll.h>

static const int64_t hang_up_step_us = 250000;

/* ---- hang-up and cancel ---- */

bool connection_hung_up(struct connection *conn)
{
    struct pollfd p = { .fd = conn->fd, .events = POLLRDHUP };

    if (!conn->gone && poll(&p, 1, 0) > 0) {
        conn->gone = (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
    }
    return conn->gone;
}

enum stop_reason connection_should_stop(void *connection)
{
    return connection_hung_up(connection) ? STOP_HANGUP : STOP_NONE;
}

struct session_who connection_who(void *connection)
{
    const struct connection *conn = connection;

    return (struct session_who){
        .pid = conn->cancel_key.pid,
        .statement = view_of(conn->activity->query, conn->activity->query_len),
    };
}

/* Has its client said something that nobody has looked at yet? */
static bool has_unread(const struct connection *conn)
{
    struct pollfd p = { .fd = conn->fd, .events = POLLIN };

    return conn->task != NULL || poll(&p, 1, 0) > 0;
}

enum txn_status connection_txn_status(const struct connection *conn)
{
    return conn->lease.session == NULL ? TXN_IDLE : txn_status(conn->lease.session);
}

/* What it waits for, or runs. Without a session it waits for one, and is at its end without it;
 * with one, the task must live on to tell why it ends. */
static void stop_work(struct connection *conn, enum stop_reason reason)
{
    if (conn->lease.session != NULL) {
        session_stop_statement(conn->lease.session, reason);
    } else if (conn->in_line) {
        task_cancel(conn->task, (int)reason);
    }
}

/* A cancel may overtake the statement that it is meant for, which then has come but was not begun:
 * the next one ends at once. */
void connection_cancel_statement(struct connection *conn)
{
    if (!conn->ready) {
        return;
    }
    if (conn->at_rest) {
        conn->cancel_next = has_unread(conn);
    } else {
        stop_work(conn, STOP_CANCEL);
    }
}

void connection_watch_hang_up(struct connection *conn)
{
    if (connection_hung_up(conn)) {
        stop_work(conn, STOP_HANGUP);
    } else {
        deadline_look_after_us(conn, hang_up_step_us);
    }
}

/* ---- shutdown ---- */

void connection_shutdown(struct connection *conn, bool now)
{
    conn->goodbye = GOODBYE_SHUTDOWN;
    conn->cut_off = conn->cut_off || now;
    if (conn->task == NULL) {
        connection_serve(conn);
    } else if (now && conn->output.awaiting) {
        task_cancel(conn->task, GOODBYE_SHUTDOWN);
    } else if (now || conn->in_line) {
        stop_work(conn, STOP_SHUTDOWN);
    }
}

void connections_shutdown(struct worker *worker, bool now)
{
    struct connection *conn = TAILQ_FIRST(&worker->connections);

    while (conn != NULL) {
        struct connection *next = TAILQ_NEXT(conn, entry);

        connection_shutdown(conn, now);
        conn = next;
    }
}
