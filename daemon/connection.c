/* daemon/connection.c: what a connection owns, the tasks that serve it, and its end.
 *
 * The read event stays added while a task runs; only when bytes come that the task does not take
 * is it removed until the task has ended. So a query costs one recv, one send and no epoll_ctl, and
 * a client that sends ahead is held back by its own socket. */
#include "daemon/connection.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "daemon/connection_impl.h"
#include "daemon/connection_tls.h"
#include "daemon/crowd.h"
#include "daemon/deadline.h"
#include "daemon/log.h"
#include "daemon/notify.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the end ---- */

/* One who has stalled does not come for what the kernel still holds: megabytes, and for minutes. */
static void close_stalled(struct connection *conn)
{
    struct linger at_once = { .l_onoff = 1 };

    (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(conn->fd);
    conn->fd = -1;
}

static void close_socket(void *arg)
{
    struct connection *conn = arg;
    uint8_t rest[4096];

    if (conn->output.broken == -ETIMEDOUT) {
        close_stalled(conn);
        return;
    }
    /* Closing over unread bytes would reset the connection, and the last words could be lost. */
    shutdown(conn->fd, SHUT_WR);
    for (int i = 0; i < 16 && recv(conn->fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++) {
    }
    close(conn->fd);
    conn->fd = -1;
}

void connection_leave_worker(struct connection *conn)
{
    TAILQ_REMOVE(&conn->worker->connections, conn, entry);
    atomic_fetch_sub_explicit(&conn->worker->load, 1, memory_order_relaxed);
}

void connection_join_worker(struct connection *conn, struct worker *worker)
{
    conn->worker = worker;
    TAILQ_INSERT_TAIL(&worker->connections, conn, entry);
    atomic_fetch_add_explicit(&worker->load, 1, memory_order_relaxed);
}

static void leave_list(void *arg)
{
    struct connection *conn = arg;

    connection_leave_worker(conn);
    crowd_leave(conn->server->crowd, take_ptr(conn->place));
    atomic_fetch_sub(conn->refused ? &conn->server->refused_count : &conn->server->client_count, 1);
}

static void free_buffers(void *arg)
{
    struct connection *conn = arg;

    input_finish(&conn->input);
    output_finish(&conn->output);
    mem_free(conn->copy_scratch);
    buf_finish(&conn->told);
}

void connection_remove_events(struct connection *conn)
{
    event_del(&conn->read_event);
    event_del(&conn->timer);
}

static void remove_events(void *arg)
{
    connection_remove_events(arg);
}

void connection_destroy(struct connection *conn)
{
    if (conn->ready && conn->worker->conf->log_disconnections) {
        int64_t us = loop_now_us(conn->worker->loop) - conn->start_us;

        struct log_about about = connection_about(conn);

        about.duration_us = us;
        log_about(LEVEL_LOG, &about, "disconnection: session time: %lld.%03d s user=%s database=%s",
                  (long long)(us / 1000000), (int)(us / 1000 % 1000), conn->user, conn->database);
    }
    traffic_leave(conn);
    scope_finish(&conn->scope);
    mem_free(conn);
}

/* ---- the task that serves ---- */

/* One that has just moved here goes on with its login. */
static int fill_input(struct connection *conn)
{
    if (conn->has_moved) {
        conn->has_moved = false;
        return 0;
    }
    int r = conn->tls == NULL ? 0 : connection_tls_shake(conn);
    if (r != 0) {
        return r;
    }
    return input_fill(&conn->input, conn->ready ? frame_need(conn->input.ahead) : 0);
}

/* Answers in the middle of a pipeline wait for its Sync or Flush, or for more of their kind, as
 * PostgreSQL's do: a client that has sent half a pipeline does not look for them. */
static int send_answers(struct connection *conn)
{
    if (conn->ready && !conn->at_rest && !conn->error_told) {
        return output_relieve(&conn->output);
    }
    conn->error_told = false;
    return output_flush(&conn->output);
}

static int serve_batch(struct connection *conn)
{
    struct input *in = &conn->input;
    int r = 0;

    do {
        r = conn->goodbye == GOODBYE_NONE ? fill_input(conn) : INPUT_NOTHING;
        if (r != 0) {
            return r == INPUT_NOTHING ? 0 : r == INPUT_EOF ? CONNECTION_END : r;
        }
        if (!conn->ready) {
            r = startup_work(conn);
        }
        if (r == 0 && conn->ready) {
            r = dispatch_work(conn);
        }
        if (r == 0 && conn->error_told) {
            r = send_answers(conn); /* one who never stops sending is to hear of it, too */
        }
    } while (r == 0 && in->more);
    return r;
}

/* Serves what has come and sends the answers. */
static int serve_all(struct connection *conn)
{
    int r = output_begin(&conn->output);

    if (r == 0) {
        r = serve_batch(conn);
    }
    if (r == 0 && conn->at_rest) {
        r = notify_send(conn);
    }
    if (r == 0) {
        r = send_answers(conn);
    }
    if (r == 0 && conn->goodbye != GOODBYE_NONE) {
        r = deadline_say_goodbye(conn);
    }
    if (r == CONNECTION_END) {
        (void)!output_flush(&conn->output); /* it ends either way */
    }
    return r;
}

/* Whoever sends his start-up packet or his password by bytes is not served for each of them: the
 * kernel tells of what is missing when all of it is there (socket(7), SO_RCVLOWAT), or of the end.
 * A unix socket tells always. */
static void set_low_water(struct connection *conn, size_t missing)
{
    int bytes = missing < input_scratch_bytes ? (int)missing : input_scratch_bytes;

    if (bytes != conn->low_water) {
        conn->low_water = bytes;
        bytes = bytes == 0 ? 1 : bytes;
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
    }
}

static int rest(struct connection *conn)
{
    set_low_water(conn, startup_missing(conn));
    if (conn->output.buf.len == 0) {
        output_end(&conn->output);
    }
    int r = input_end(&conn->input);

    if (r != 0) {
        return r;
    }
    traffic_rests(conn);
    conn->cancel_next = false;
    deadline_begin_idle(conn);
    if (conn->activity != NULL) {
        conn->activity->state_change_us = clock_wall_us(loop_clock(conn->worker->loop));
    }
    if (conn->read_off) {
        r = event_add(&conn->read_event, NULL) == 0 ? 0 : -ENOMEM;
        conn->read_off = false;
    }
    return r;
}

static void serve(void *arg)
{
    struct connection *conn = arg;
    uint8_t scratch[input_scratch_bytes];

    task_set_account(task_current(), &conn->server->account);
    conn->deadline_us = conn->ready ? DEADLINE_NONE : conn->deadline_us;
    set_low_water(conn, 0);
    input_begin(&conn->input, scratch);
    int r = serve_all(conn);
    if (r == 0) {
        r = rest(conn);
    }
    conn->task = NULL;
    if (r == 0 && notify_is_due(conn)) {
        connection_serve(conn); /* it was said while the answers were on their way */
    }
    if (r == CONNECTION_MOVES) {
        r = connection_move(conn);
    }
    if (r < 0 && conn->ready) {
        const struct log_about about = connection_about(conn);

        log_about(LEVEL_LOG, &about, "connection lost: %s", strerror(-r));
    }
    if (r != 0) {
        connection_destroy(conn);
    }
}

static void doomed_ends(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    connection_destroy(container_of(message, struct connection, message));
}

/* Without memory to serve it, it ends; but not in the middle of whatever walks through the list of
 * connections: the end of one may be the end of others. */
static void doom(struct connection *conn)
{
    conn->doomed = true;
    connection_remove_events(conn);
    conn->message.run = doomed_ends;
    loop_send(conn->worker->loop, &conn->message);
}

void connection_serve(struct connection *conn)
{
    assert(conn->task == NULL);
    if (!conn->doomed &&
        task_spawn(conn->worker->loop, "connection", serve, conn, &conn->task) != 0) {
        conn->task = NULL;
        doom(conn);
    }
}

/* ---- events ---- */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *conn = arg;

    (void)fd, (void)what;
    if (conn->task == NULL) {
        connection_serve(conn);
        return;
    }
    event_del(&conn->read_event);
    conn->read_off = true;
    connection_watch_hang_up(conn);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct connection *conn = arg;

    (void)fd, (void)what;
    if (!deadline_passed(conn)) {
        if (conn->task != NULL && conn->read_off) {
            connection_watch_hang_up(conn);
        }
        return;
    }
    if (conn->task == NULL) {
        connection_serve(conn);
    } else {
        task_cancel(conn->task, conn->goodbye);
    }
}

/* ---- the begin ---- */

static int own(struct connection *conn, struct worker *worker, int fd)
{
    conn->fd = fd;
    input_init(&conn->input, fd);
    output_init(&conn->output, worker, fd);
    connection_join_worker(conn, worker);
    int r = scope_defer(&conn->scope, leave_list, conn);
    if (r != 0) {
        close_socket(conn);
        return r;
    }
    r = scope_defer(&conn->scope, close_socket, conn);
    return r == 0 ? scope_defer(&conn->scope, free_buffers, conn) : r;
}

int connection_assign_events(struct connection *conn)
{
    struct event_base *base = loop_base(conn->worker->loop);

    conn->timer_at_us = DEADLINE_NONE;
    if (event_assign(&conn->read_event, base, conn->fd, EV_READ | EV_PERSIST, on_readable, conn) !=
            0 ||
        event_assign(&conn->timer, base, -1, 0, on_timer, conn) != 0) {
        return -EINVAL;
    }
    return 0;
}

static int listen_for_bytes(struct connection *conn)
{
    int r = connection_assign_events(conn);

    if (r == 0) {
        r = scope_defer(&conn->scope, remove_events, conn);
    }
    if (r == 0 && event_add(&conn->read_event, NULL) != 0) {
        r = -ENOMEM;
    }
    return r;
}

int connection_begin(struct connection *conn, struct worker *worker, int fd)
{
    int r = own(conn, worker, fd);

    return r == 0 ? listen_for_bytes(conn) : r;
}
