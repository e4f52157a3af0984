/* daemon/connection_start.c: which of the accepted clients get a connection. */
#include "daemon/connection.h"

#include "daemon/connection_impl.h"
#include "daemon/deadline.h"
#include "protocol/backend.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* So many over max_client_conn are heard out and told why; more are told at once. */
enum { refused_most = 64 };

/* One too many even to listen to: the words go out before a byte was read. */
static void refuse_at_once(int fd)
{
    struct failure failure;
    cleanup(buf_finish) struct buf out = { 0 };
    struct writer w = writer_over(&out);

    failure_set(&failure, "53300", "sorry, too many clients already");
    failure.severity = SEVERITY_FATAL;
    backend_error(&w, &failure);
    if (writer_result(&w) == 0) {
        (void)!send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(fd);
}

/* Over the limit? Counted among those who are in, or among those who are refused. */
static bool admit(const struct worker *worker)
{
    struct server *server = worker->server;
    size_t most = (size_t)worker->conf->max_client_conn;

    if (atomic_fetch_add(&server->client_count, 1) < most) {
        return true;
    }
    atomic_fetch_sub(&server->client_count, 1);
    return false;
}

static int start(struct worker *worker, int fd, bool is_unix, bool refused)
{
    struct server *server = worker->server;
    struct connection *conn = mem_zalloc(sizeof(*conn));

    if (conn == NULL) {
        atomic_fetch_sub(refused ? &server->refused_count : &server->client_count, 1);
        close(fd);
        return -ENOMEM;
    }
    conn->server = server;
    conn->is_unix = is_unix;
    conn->refused = refused;
    int r = connection_begin(conn, worker, fd);
    if (r != 0) {
        connection_destroy(conn);
        return r;
    }
    deadline_begin_login(conn);
    return 0;
}

int connection_start(struct worker *worker, int fd, bool is_unix)
{
    struct server *server = worker->server;
    bool refused = !admit(worker);

    worker->stats.connections_total++;
    worker->stats.connections_refused += refused;
    if (refused && atomic_fetch_add(&server->refused_count, 1) >= refused_most) {
        atomic_fetch_sub(&server->refused_count, 1);
        refuse_at_once(fd);
        return 0;
    }
    struct account *was = account_swap(&server->account);
    int r = start(worker, fd, is_unix, refused);
    account_swap(was);
    return r;
}
