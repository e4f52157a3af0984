/* client/cancel.c: stopping what a server does for us, and finding back to ReadyForQuery. */
#include "async/await.h"
#include "async/task.h"
#include "base/fd.h"
#include "client/connection.h"
#include "client/error.h"
#include "protocol/frontend.h"
#include "protocol/startup.h"

#include <errno.h>

/* Until the server hangs up: then it has acted. */
static int await_end(int fd, int64_t deadline_us)
{
    char byte;

    for (;;) {
        ssize_t n = recv(fd, &byte, 1, 0);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return 0;
        }
        int r = n > 0 ? 0 : await_readable(fd, deadline_us);
        if (r < 0) {
            return r;
        }
    }
}

int conn_send_cancel(struct pond_conn *conn, int64_t deadline_us, struct pond_error *error)
{
    cleanup(buf_finish) struct buf packet = { 0 };
    struct writer w = writer_over(&packet);
    cleanup(fd_closep) int fd = -1;

    startup_cancel_request(&w, conn->pid, buf_view(&conn->key));
    if (writer_result(&w) != 0) {
        return error_nomem(error);
    }
    int r = conn_dial(&conn->address, conn->address_len, deadline_us, &fd, error);
    if (r != 0) {
        return r;
    }
    /* So few bytes always fit into a new socket. */
    if (send(fd, packet.data, packet.len, MSG_NOSIGNAL) != (ssize_t)packet.len) {
        return error_set(error, POND_CONNECT, "08006", "could not send the cancel request: %s",
                         strerror(errno));
    }
    r = await_end(fd, deadline_us);
    return r == 0 ? 0 : error_of_await(error, r);
}

static int cancel_run(void *arg, struct pond_error *error)
{
    struct pond_conn *conn = arg;

    if (conn->fd < 0 || conn->key.len == 0) {
        return error_set(error, POND_USAGE, "08003",
                         "the connection is closed, or its server "
                         "takes no cancel requests");
    }
    conn_ref(conn);
    int r = conn_send_cancel(
        conn,
        conn->timeout_us == 0 ? DEADLINE_NONE : client_deadline_us(conn->loop, conn->timeout_us),
        error);
    conn_unref(conn);
    return r;
}

int pond_conn_cancel(struct pond_conn *conn, struct pond_error *error)
{
    return client_call(conn->loop, cancel_run, conn, error);
}

/* What the server waits for from us before it can be ready. */
static void finish_sending(struct pond_conn *conn, struct writer *w)
{
    if (conn->copying_in) {
        frontend_copy_fail(w, view_of_str("the copy was given up"));
        conn->copying_in = false;
    }
    if (conn->in_extended) {
        conn_sync(conn, w);
    }
}

static void drain(struct pond_conn *conn)
{
    struct backend_message m;
    struct writer w = conn_writer(conn);
    int r;

    finish_sending(conn, &w);
    r = conn_flush(conn, &w, NULL);
    while (r == 0 && conn->owed > 0) {
        r = conn_receive(conn, &m, NULL);
        if (r == 0 && m.type == 'G') { /* a statement behind it wants data, too */
            conn->copying_in = true;
            finish_sending(conn, &w);
            r = conn_flush(conn, &w, NULL);
        }
    }
    if (r != 0) {
        conn_break(conn, "a call was given up, and the server did not end it");
    }
}

void conn_recover(struct pond_conn *conn)
{
    struct task *task = task_current();
    int reason = task_cancel_reason(task);

    if (conn->fd < 0 || (conn->owed == 0 && !conn->in_extended)) {
        return;
    }
    if (conn->out.len > 0 || conn->key.len == 0) {
        conn_break(conn, "a call was given up in the middle of a message");
        return;
    }
    task_uncancel(task);
    conn->call_deadline_us = client_deadline_us(conn->loop, conn_grace_us);
    if (conn_send_cancel(conn, conn->call_deadline_us, NULL) == 0) {
        drain(conn);
    } else {
        conn_break(conn, "a call was given up, and the server could not be told");
    }
    if (reason != 0) {
        task_cancel(task, reason);
    }
}
