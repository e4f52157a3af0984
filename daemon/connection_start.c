/* daemon/connection_start.c: which of the accepted clients get a connection. */
#include "daemon/connection.h"

#include "daemon/auth.h"
#include "daemon/connection_impl.h"
#include "daemon/crowd.h"
#include "daemon/deadline.h"
#include "protocol/backend.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* So many who are refused are heard out and told why; more are told at once. But for the daemon's
 * owner, who may want its console and get it (login.c). */
enum { refused_most = 64 };

/* One too many even to listen to: the words go out before a byte was read. */
static void refuse_at_once(int fd, bool crowded)
{
    struct failure failure;
    cleanup(buf_finish) struct buf out = { 0 };
    struct writer w = writer_over(&out);

    failure_set(&failure, "53300", "%s",
                crowded ? "too many connections from this address"
                        : "sorry, too many clients already");
    failure.severity = SEVERITY_FATAL;
    backend_error(&w, &failure);
    if (writer_result(&w) == 0) {
        (void)!send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(fd);
}

/* Whom the daemon has to do with, and how he was received. */
struct visit {
    int fd;
    const struct address *from;
    bool refused;
    bool crowded; /* for there are too many from his address */
    struct crowd_place *place;
};

/* Over the limit? Counted among those who are in; those who are refused are counted by the caller.
 */
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

/* The same for his address. Without the memory to count him he is in nobody's way. */
static bool admit_from(const struct worker *worker, struct visit *visit)
{
    struct server *server = worker->server;
    size_t most = (size_t)worker->conf->max_client_conn_per_addr;

    if (address_is_unix(visit->from) || most == 0) {
        return true;
    }
    visit->crowded = crowd_enter(server->crowd, visit->from, most, &visit->place) == CROWD_FULL;
    if (visit->crowded) {
        atomic_fetch_sub(&server->client_count, 1);
    }
    return !visit->crowded;
}

static int start(struct worker *worker, const struct visit *visit)
{
    struct server *server = worker->server;
    struct connection *conn = mem_zalloc(sizeof(*conn));

    if (conn == NULL) {
        atomic_fetch_sub(visit->refused ? &server->refused_count : &server->client_count, 1);
        crowd_leave(server->crowd, visit->place);
        close(visit->fd);
        return -ENOMEM;
    }
    conn->server = server;
    conn->from = *visit->from;
    conn->refused = visit->refused;
    conn->crowded = visit->crowded;
    conn->place = visit->place;
    int r = connection_begin(conn, worker, visit->fd);
    if (r != 0) {
        connection_destroy(conn);
        return r;
    }
    deadline_begin_login(conn);
    return 0;
}

int connection_start(struct worker *worker, int fd, const struct address *from)
{
    struct server *server = worker->server;
    struct visit visit = { .fd = fd, .from = from };

    visit.refused = !admit(worker) || !admit_from(worker, &visit);
    worker->stats.connections_total++;
    worker->stats.connections_refused += visit.refused;
    if (visit.refused && atomic_fetch_add(&server->refused_count, 1) >= refused_most &&
        !(address_is_unix(from) && auth_is_owner(fd))) {
        atomic_fetch_sub(&server->refused_count, 1);
        refuse_at_once(fd, visit.crowded);
        return 0;
    }
    struct account *was = account_swap(&server->account);
    int r = start(worker, &visit);
    account_swap(was);
    return r;
}
