/* client/hang_up.c: an end that has happened when the call returns. */
#include "async/await.h"
#include "client/connection.h"
#include "client/error.h"
#include "protocol/frontend.h"

#include <errno.h>

/* What still comes does not count: a hang-up without a good-bye is one, too. */
static int await_hang_up(struct pond_conn *conn, struct pond_error *error)
{
    char ignored[4096];

    for (;;) {
        ssize_t n = recv(conn->fd, ignored, sizeof(ignored), 0);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return 0;
        }
        int r = n > 0 ? 0 : await_readable(conn->fd, conn->call_deadline_us);
        if (r < 0) {
            return error_of_await(error, r);
        }
    }
}

static int hang_up_run(void *arg, struct pond_error *error)
{
    struct pond_conn *conn = arg;
    int reason = 0;

    if (conn->fd < 0) {
        return 0;
    }
    int r = conn_begin_cleanup(conn, conn->holder, &reason, error);
    if (r != 0) {
        return r;
    }
    struct writer w = conn_writer(conn);
    frontend_terminate(&w);
    r = conn_flush(conn, &w, error);
    if (r == POND_CONNECT) { /* the server was faster */
        r = 0;
    } else if (r == 0) {
        r = await_hang_up(conn, error);
    }
    conn_break(conn, "it was closed by pond_conn_hang_up()");
    return conn_end_cleanup(conn, r, reason);
}

int pond_conn_hang_up(struct pond_conn *conn, struct pond_error *error)
{
    return client_call(conn->loop, hang_up_run, conn, error);
}
