/* client/connection.c: life of a connection, its settings, and the bracket around its calls. */
#include "client/connection.h"

#include "async/task.h"
#include "base/alloc.h"
#include "client/error.h"
#include "client/pairs.h"
#include "protocol/frontend.h"
#include "tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { default_limit_bytes = 256 * 1024 * 1024, kept_bytes = 64 * 1024 };

struct pond_conn *conn_ref(struct pond_conn *conn)
{
    conn->refs++;
    return conn;
}

static void conn_free(struct pond_conn *conn)
{
    buf_finish(&conn->in);
    buf_finish(&conn->out);
    buf_finish(&conn->key);
    buf_finish(&conn->parameters);
    buf_finish(&conn->settings);
    client_loop_unref(conn->loop);
    mem_free(conn);
}

void conn_unref(struct pond_conn *conn)
{
    if (--conn->refs == 0) {
        conn_free(conn);
    }
}

void conn_break(struct pond_conn *conn, const char *why)
{
    if (conn->fd < 0) {
        return;
    }
    snprintf(conn->closed_because, sizeof(conn->closed_because), "%s", why);
    if (conn->tls != NULL) {
        tls_say_end(conn->tls);
        tls_destroy(take_ptr(conn->tls));
    }
    close(conn->fd);
    conn->fd = -1;
    conn->answers = false;
    conn->unheard = false;
    conn->status = 0;
    conn->owed = 0;
    conn->in_extended = false;
    conn->copying_in = false;
    conn->holder = NULL;
    conn->ahead = NULL;
    conn->in_at = 0;
    conn->in.len = 0; /* its memory stays: a message may just be looked at */
    conn->out.len = 0;
}

/* ---- open and close ---- */

struct opening {
    struct pond_conn *conn;
    const char *conninfo;
};

static int open_run(void *arg, struct pond_error *error)
{
    struct opening *o = arg;

    return conn_connect(o->conn, o->conninfo, error);
}

int conn_create(struct pond_loop *loop, struct pond_conn **ret_conn, struct pond_error *error)
{
    struct pond_conn *conn = mem_zalloc(sizeof(*conn));

    if (conn == NULL) {
        return error_nomem(error);
    }
    *conn = (struct pond_conn){
        .refs = 1, .fd = -1, .limit_bytes = default_limit_bytes, .deadline_us = DEADLINE_NONE
    };
    int r = client_loop_for(loop, &conn->loop, error);
    if (r != 0) {
        mem_free(conn);
        return r;
    }
    *ret_conn = conn;
    return 0;
}

int pond_conn_open(struct pond_loop *loop, const char *conninfo, struct pond_conn **ret_conn,
                   struct pond_error *error)
{
    struct pond_conn *conn = NULL;
    int r = conn_create(loop, &conn, error);

    if (r != 0) {
        return r;
    }
    r = client_call(conn->loop, open_run, &(struct opening){ .conn = conn, .conninfo = conninfo },
                    error);
    if (r != 0) {
        conn_break(conn, "it could not be opened");
        conn_unref(conn);
        return r;
    }
    *ret_conn = conn;
    return 0;
}

/* A good-bye that does not fit at once is left out: the server sees the hang-up. */
void pond_conn_close(struct pond_conn *conn)
{
    static const uint8_t terminate[] = { 'X', 0, 0, 0, 4 };

    if (conn->fd >= 0 && conn->out.len == 0) {
        size_t n;
        maybe_unused int r = conn_send_some(conn, view_of(terminate, sizeof(terminate)), &n);
    }
    if (conn->busy && conn->fd >= 0) {
        /* Another task waits for this descriptor: it shall see the end, and close it. */
        shutdown(conn->fd, SHUT_RDWR);
        return;
    }
    conn_break(conn, "it was closed by pond_conn_close()");
}

void pond_conn_destroy(struct pond_conn *conn)
{
    if (conn != NULL) {
        pond_conn_close(conn);
        conn_unref(conn);
    }
}

/* ---- settings ---- */

bool pond_conn_is_open(const struct pond_conn *conn)
{
    return conn->fd >= 0;
}

char pond_conn_status(const struct pond_conn *conn)
{
    return conn->status;
}

int pond_conn_socket(const struct pond_conn *conn)
{
    return conn->fd;
}

const char *pond_conn_setting(const struct pond_conn *conn, const char *name)
{
    return pairs_find(&conn->settings, name);
}

int pond_conn_pid(const struct pond_conn *conn)
{
    return conn->pid;
}

static int64_t us_of_ms(int64_t ms)
{
    return ms > INT64_MAX / 1000 ? INT64_MAX : ms * 1000;
}

void pond_conn_set_timeout(struct pond_conn *conn, int64_t ms)
{
    conn->timeout_us = ms <= 0 ? 0 : us_of_ms(ms);
}

void pond_conn_set_stall(struct pond_conn *conn, int64_t ms)
{
    conn->stall_us = ms <= 0 ? 0 : us_of_ms(ms);
}

void pond_conn_set_deadline_in(struct pond_conn *conn, int64_t ms)
{
    conn->deadline_us = ms < 0 ? DEADLINE_NONE : client_deadline_us(conn->loop, us_of_ms(ms));
}

void pond_conn_set_limit(struct pond_conn *conn, size_t bytes)
{
    conn->limit_bytes = bytes;
}

void pond_conn_on_notice(struct pond_conn *conn, pond_notice_fn *fn, void *arg)
{
    conn->notice = fn;
    conn->notice_arg = arg;
}

void pond_conn_on_notification(struct pond_conn *conn, pond_notification_fn *fn, void *arg)
{
    conn->notification = fn;
    conn->notification_arg = arg;
}

/* ---- calls ---- */

static int64_t call_deadline(const struct pond_conn *conn)
{
    int64_t own_us =
        conn->timeout_us == 0 ? DEADLINE_NONE : client_deadline_us(conn->loop, conn->timeout_us);

    return own_us < conn->deadline_us ? own_us : conn->deadline_us;
}

static int may_begin(const struct pond_conn *conn, const void *holder, struct pond_error *error)
{
    if (conn->fd < 0) {
        return error_set(error, POND_USAGE, "08003", "the connection is closed: %s",
                         conn->closed_because);
    }
    if (conn->busy) {
        return error_set(error, POND_USAGE, "55006",
                         "another call of this connection is still at work");
    }
    if (conn->holder != NULL && conn->holder != holder) {
        return error_set(error, POND_USAGE, "55006",
                         "the connection is used by rows or a copy that were not closed");
    }
    return 0;
}

/* Whatever its deadline. */
static int begin(struct pond_conn *conn, const void *holder, int64_t deadline_us,
                 struct pond_error *error)
{
    int r = may_begin(conn, holder, error);

    if (r != 0) {
        return r;
    }
    conn_ref(conn);
    conn->busy = true;
    conn->call_deadline_us = deadline_us;
    if (conn->ahead != NULL && conn->ahead != holder) {
        r = rows_settle(conn->ahead, error);
    }
    if (r != 0) {
        conn_end(conn, r);
    }
    return r;
}

/* A call that comes too late does nothing at all, although it might be lucky and never wait. */
int conn_begin(struct pond_conn *conn, const void *holder, struct pond_error *error)
{
    int64_t deadline_us = call_deadline(conn);

    if (task_cancel_reason(task_current()) != 0) {
        return error_of_await(error, -ECANCELED);
    }
    if (deadline_us != DEADLINE_NONE && deadline_us <= loop_now_us(conn->loop->loop)) {
        return error_of_await(error, -ETIMEDOUT);
    }
    return begin(conn, holder, deadline_us, error);
}

int conn_end(struct pond_conn *conn, int result)
{
    if (result < 0 && conn->ahead == NULL && conn->fd >= 0) {
        conn_recover(conn);
    }
    conn->busy = false;
    /* A holder may have lent what lies there to its caller. */
    if (conn->holder == NULL && conn->in_at == conn->in.len && conn->in.cap > kept_bytes * 2) {
        buf_clear(&conn->in);
        buf_shrink(&conn->in);
        conn->in_at = 0;
    }
    conn_unref(conn);
    return result;
}

int conn_begin_cleanup(struct pond_conn *conn, const void *holder, int *ret_reason,
                       struct pond_error *error)
{
    int64_t deadline_us = call_deadline(conn);
    int64_t grace_end_us = client_deadline_us(conn->loop, conn_grace_us);
    int reason = task_cancel_reason(task_current());

    if (reason != 0 || deadline_us < grace_end_us) {
        deadline_us = grace_end_us;
    }
    task_uncancel(task_current());
    int r = begin(conn, holder, deadline_us, error);
    if (r == 0) {
        *ret_reason = reason;
    } else if (reason != 0) {
        task_cancel(task_current(), reason);
    }
    return r;
}

int conn_end_cleanup(struct pond_conn *conn, int result, int reason)
{
    result = conn_end(conn, result);
    if (reason != 0) {
        task_cancel(task_current(), reason);
    }
    return result;
}

/* ---- notifications ---- */

/* Between calls a server may also say why it hangs up. */
static int receive_unasked(struct pond_conn *conn, struct pond_error *error)
{
    struct backend_message m;
    struct failure failure;
    int r = conn_receive_any(conn, &m, error);

    if (r == 0 && m.type == 'E') {
        error_parse(m.fields, &failure);
        conn_break(conn, failure_get(&failure, FIELD_MESSAGE));
        return error_of_failure(error, POND_SQL, &failure);
    }
    return r != 0 || m.type == 'N' || m.type == 'A' || m.type == 'S'
               ? r
               : conn_unexpected(conn, m.type, error);
}

static int await_notification_run(void *arg, struct pond_error *error)
{
    struct pond_conn *conn = arg;
    int r = conn_begin(conn, NULL, error);

    if (r != 0) {
        return r;
    }
    for (unsigned before = conn->notifications; r == 0 && conn->notifications == before;) {
        r = receive_unasked(conn, error);
    }
    return conn_end(conn, r);
}

int pond_conn_await_notification(struct pond_conn *conn, struct pond_error *error)
{
    return client_call(conn->loop, await_notification_run, conn, error);
}
