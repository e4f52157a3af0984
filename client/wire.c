/* client/wire.c: bytes to the server and messages from it. */
#include "async/await.h"
#include "client/connection.h"
#include "client/error.h"
#include "client/pairs.h"
#include "protocol/frontend.h"

#include <errno.h>
#include <stdio.h>

enum { read_bytes = 64 * 1024 };

static int lost(struct pond_conn *conn, const char *why, struct pond_error *error)
{
    conn_break(conn, why);
    return error_set(error, POND_CONNECT, "08006", "%sthe connection was lost: %s", conn->where,
                     why);
}

static int wait_failed(struct pond_conn *conn, int r, struct pond_error *error)
{
    if (r == -ETIMEDOUT || r == -ECANCELED || r == -ENOMEM) {
        return error_of_await(error, r);
    }
    return lost(conn, strerror(-r), error);
}

/* ---- sending ---- */

struct writer conn_writer(struct pond_conn *conn)
{
    return writer_over(&conn->out);
}

void conn_sync(struct pond_conn *conn, struct writer *w)
{
    frontend_sync(w);
    conn->owed++;
    conn->in_extended = false;
}

static int read_some(struct pond_conn *conn, struct pond_error *error);

/* The server may have much to say before it reads on: whoever only writes would wait for ever. */
static int await_room(struct pond_conn *conn, struct pond_error *error)
{
    bool in_full = conn->in.len - conn->in_at > conn->limit_bytes;
    int r = in_full ? await_writable(conn->fd, conn->call_deadline_us)
                    : await_readable_or_writable(conn->fd, conn->call_deadline_us);

    if (r < 0) {
        return wait_failed(conn, r, error);
    }
    r = in_full ? 0 : read_some(conn, error);
    return r < 0 ? r : 0;
}

static int send_all(struct pond_conn *conn, struct pond_error *error)
{
    size_t sent = 0;
    int r = 0;

    while (sent < conn->out.len && r == 0) {
        size_t n = 0;
        int e = conn_send_some(conn, view_of(conn->out.data + sent, conn->out.len - sent), &n);

        sent += n;
        if (e == -EAGAIN) {
            r = await_room(conn, error);
        } else if ((e == -EPIPE || e == -ECONNRESET) && !conn->unheard) {
            conn->unheard = true; /* its last words may tell why: whoever reads next finds them */
            sent = conn->out.len;
        } else if (e != 0) {
            r = lost(conn, strerror(-e), error);
        }
    }
    buf_consume(&conn->out, sent);
    return r;
}

int conn_flush(struct pond_conn *conn, const struct writer *w, struct pond_error *error)
{
    int r = writer_result(w);

    if (r != 0) {
        conn_break(conn, "a message could not be written");
        return error_of_buf(error, r, "the message to the server");
    }
    r = send_all(conn, error);
    if (conn->out.len == 0 && conn->out.cap > read_bytes) {
        buf_shrink(&conn->out);
    }
    return r;
}

/* ---- receiving ---- */

/* 1: something came, 0: nothing is there, or a kind. */
static int read_some(struct pond_conn *conn, struct pond_error *error)
{
    buf_consume(&conn->in, conn->in_at);
    conn->in_at = 0;
    if (buf_reserve(&conn->in, read_bytes) != 0) {
        return error_nomem(error);
    }
    size_t n = 0;
    int r = conn_read_some(conn, conn->in.data + conn->in.len, conn->in.cap - conn->in.len, &n);
    if (r == 0 && n > 0) {
        conn->in.len += n;
        return 1;
    }
    if (r == -EAGAIN) {
        return 0;
    }
    return lost(conn, r == 0 ? "the server closed it" : strerror(-r), error);
}

/* A server may think as long as it likes, but not in the middle of a message. */
static int await_bytes(struct pond_conn *conn, struct pond_error *error)
{
    int64_t stall_us = DEADLINE_NONE;

    if (conn->stall_us > 0 && conn->in.len > conn->in_at) {
        stall_us = client_deadline_us(conn->loop, conn->stall_us);
    }
    if (stall_us >= conn->call_deadline_us) {
        int r = conn_await_bytes(conn, conn->call_deadline_us);
        return r < 0 ? wait_failed(conn, r, error) : 0;
    }
    int r = conn_await_bytes(conn, stall_us);
    if (r == -ETIMEDOUT) {
        conn_break(conn, "the server stopped in the middle of a message");
        return error_set(error, POND_TIMEOUT, "",
                         "%stimeout expired: the server stopped in the middle of a message",
                         conn->where);
    }
    return r < 0 ? wait_failed(conn, r, error) : 0;
}

static int await_more(struct pond_conn *conn, struct pond_error *error)
{
    int r;

    while ((r = read_some(conn, error)) == 0) {
        r = await_bytes(conn, error);
        if (r < 0) {
            return r;
        }
    }
    return r < 0 ? r : 0;
}

static int broken_protocol(struct pond_conn *conn, struct pond_error *error, const char *what)
{
    conn_break(conn, what);
    return error_set(error, POND_PROTOCOL, "08P01", "%s%s", conn->where, what);
}

int conn_unexpected(struct pond_conn *conn, uint8_t type, struct pond_error *error)
{
    char what[80];

    snprintf(what, sizeof(what), "the server sent a message that has no place here: type %d", type);
    return broken_protocol(conn, error, what);
}

static int bad_frame(struct pond_conn *conn, int answer, uint8_t type, struct pond_error *error)
{
    char what[80];

    if (answer == FRAME_BAD_TYPE || conn->status == 0) { /* not even the greeting */
        snprintf(what, sizeof(what), "the server does not speak PostgreSQL's protocol");
    } else if (answer == FRAME_TOO_LONG) {
        snprintf(what, sizeof(what), "a message of type %d is longer than the limit", type);
    } else {
        snprintf(what, sizeof(what), "a message of type %d has an impossible length", type);
    }
    return broken_protocol(conn, error, what);
}

/* What has come and is not used up. */
static struct view unread(const struct pond_conn *conn)
{
    return conn->in_at == conn->in.len
               ? view_of(NULL, 0)
               : view_of(conn->in.data + conn->in_at, conn->in.len - conn->in_at);
}

static int receive_frame(struct pond_conn *conn, struct frame *ret_frame, struct pond_error *error)
{
    for (;;) {
        struct view in = unread(conn);
        size_t before = in.len;
        int r = frame_next(&in, SIDE_BACKEND, conn->limit_bytes, ret_frame);

        if (r == 0) {
            conn->in_at += before - in.len;
            return 0;
        }
        r = r == FRAME_MORE ? await_more(conn, error) : bad_frame(conn, r, in.data[0], error);
        if (r != 0) {
            return r;
        }
    }
}

/* ---- what comes unasked ---- */

const char *pond_conn_parameter(const struct pond_conn *conn, const char *name)
{
    return pairs_find(&conn->parameters, name);
}

/* One that there is no room for is as one that was not reported. */
static void keep_parameter(struct pond_conn *conn, const struct msg_parameter_status *status)
{
    conn->parameters.max = 64 * 1024;
    maybe_unused int r = pairs_set(&conn->parameters, status->name, status->value);
}

static void tell_notice(struct pond_conn *conn, struct view fields)
{
    struct pond_error notice;
    struct failure failure;

    if (conn->notice != NULL) {
        error_parse(fields, &failure);
        error_of_failure(&notice, 0, &failure);
        conn->notice(conn->notice_arg, &notice);
    }
}

static void tell_notification(struct pond_conn *conn, const struct msg_notification *n)
{
    conn->notifications++;
    if (conn->notification != NULL) {
        conn->notification(conn->notification_arg, (const char *)n->channel.data,
                           (const char *)n->payload.data, n->pid);
    }
}

static void serve_unasked(struct pond_conn *conn, const struct backend_message *m)
{
    switch (m->type) {
    case 'N':
        tell_notice(conn, m->fields);
        break;
    case 'A':
        tell_notification(conn, &m->notification);
        break;
    default:
        keep_parameter(conn, &m->parameter_status);
    }
}

static int take_ready(struct pond_conn *conn, char status, struct pond_error *error)
{
    if (conn->owed == 0 || (status != 'I' && status != 'T' && status != 'E')) {
        return conn_unexpected(conn, 'Z', error);
    }
    conn->owed--;
    conn->status = status;
    conn->copying_in = false;
    return 0;
}

/* Rows are many: read here, strictly, without the search through the table of messages. */
static int read_body(struct pond_conn *conn, const struct frame *frame,
                     struct backend_message *ret_message, struct pond_error *error)
{
    struct failure failure;

    if (frame->type == 'D' && frame->body.len >= 2) {
        struct reader r = reader_over(frame->body);

        *ret_message = (struct backend_message){ .type = 'D' };
        ret_message->data_row.count = reader_u16(&r);
        ret_message->data_row.values = reader_rest(&r); /* walked by page_add_row() */
        return 0;
    }
    if (backend_read(frame, ret_message, &failure) != 0) {
        return broken_protocol(conn, error, failure_get(&failure, FIELD_MESSAGE));
    }
    return 0;
}

static bool is_unasked(uint8_t type)
{
    return type == 'N' || type == 'A' || type == 'S';
}

int conn_receive_any(struct pond_conn *conn, struct backend_message *ret_message,
                     struct pond_error *error)
{
    struct frame frame;
    int r = receive_frame(conn, &frame, error);

    if (r == 0) {
        r = read_body(conn, &frame, ret_message, error);
    }
    if (r == 0 && is_unasked(ret_message->type)) {
        serve_unasked(conn, ret_message);
    }
    if (r == 0 && ret_message->type == 'Z') {
        r = take_ready(conn, ret_message->status, error);
    }
    return r;
}

int conn_receive(struct pond_conn *conn, struct backend_message *ret_message,
                 struct pond_error *error)
{
    int r;

    do {
        r = conn_receive_any(conn, ret_message, error);
    } while (r == 0 && is_unasked(ret_message->type));
    return r;
}
