/* daemon/probe.c: a client in a few lines: one end of a socket pair is given to a connection of the
 * server, the other one gets start-up packet, query and Terminate at once and is then read to its
 * end. */
#include "daemon/probe.h"

#include "async/await.h"
#include "base/buf.h"
#include "daemon/address.h"
#include "daemon/connection.h"
#include "daemon/server.h"
#include "protocol/backend.h"
#include "protocol/frontend.h"
#include "protocol/startup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { answer_bytes_max = 65536, read_bytes = 4096 };

struct probe {
    int fd;
    int64_t deadline_us;
    struct buf bytes; /* what is to be sent, then what has come */
    size_t rows;
};

static void probe_finish(struct probe *probe)
{
    if (probe->fd >= 0) {
        close(probe->fd);
    }
    buf_finish(&probe->bytes);
}

static int write_question(struct probe *probe, const char *database)
{
    struct writer w = writer_over(&probe->bytes);

    startup_message(&w);
    startup_param(&w, "user", "pond");
    startup_param(&w, "database", database);
    startup_param(&w, "application_name", "pondd probe");
    int r = startup_message_end(&w);
    frontend_query(&w, view_of_str("SELECT 1"));
    frontend_terminate(&w);
    return r == 0 ? writer_result(&w) : r;
}

/* A fresh socket pair's buffer takes these few bytes at once. */
static int send_question(struct probe *probe, const char *database)
{
    int r = write_question(probe, database);

    if (r != 0) {
        return r == BUF_FULL ? -ENOBUFS : r;
    }
    ssize_t n = send(probe->fd, probe->bytes.data, probe->bytes.len, MSG_NOSIGNAL);
    if (n < 0) {
        return -errno;
    }
    r = (size_t)n == probe->bytes.len ? 0 : -ENOBUFS;
    buf_clear(&probe->bytes);
    return r;
}

/* Counts rows; an ErrorResponse becomes the failure. 0, FAILED or -EPROTO. */
static int judge_answer(struct probe *probe, struct failure *ret_failure)
{
    struct view in = buf_view(&probe->bytes);
    struct frame frame;
    int r;

    while ((r = frame_next(&in, SIDE_BACKEND, answer_bytes_max, &frame)) == 0) {
        if (frame.type == 'E') {
            error_parse(frame.body, ret_failure);
            return FAILED;
        }
        probe->rows += frame.type == 'D';
    }
    buf_consume(&probe->bytes, probe->bytes.len - in.len);
    return r == FRAME_MORE ? 0 : -EPROTO;
}

/* Until the server has closed its end. */
static int read_answer(struct probe *probe, struct failure *ret_failure)
{
    for (;;) {
        int r = await_readable(probe->fd, probe->deadline_us);
        if (r == 0) {
            r = buf_reserve(&probe->bytes, read_bytes);
        }
        if (r != 0) {
            return r == BUF_FULL ? -ENOBUFS : r;
        }
        ssize_t n = recv(probe->fd, probe->bytes.data + probe->bytes.len, read_bytes, 0);
        if (n == 0) {
            return probe->rows == 1 ? 0 : -EPROTO;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        probe->bytes.len += n > 0 ? (size_t)n : 0;
        r = judge_answer(probe, ret_failure);
        if (r != 0) {
            return r;
        }
    }
}

static int ask(struct server *server, struct probe *probe, const char *database,
               struct failure *ret_failure)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        return -errno;
    }
    probe->fd = ends[0];
    int r = connection_start(server_main(server), ends[1], &address_local);
    if (r == 0) {
        r = send_question(probe, database);
    }
    return r == 0 ? read_answer(probe, ret_failure) : r;
}

int probe_database(struct server *server, const char *database, int64_t deadline_us,
                   struct failure *ret_failure)
{
    cleanup(probe_finish) struct probe probe = { .fd = -1, .deadline_us = deadline_us };
    buf_init(&probe.bytes, answer_bytes_max);

    int r = ask(server, &probe, database, ret_failure);
    return r >= 0 ? r
                  : failure_set(ret_failure, "58000",
                                "the daemon does not answer its own query: %s", strerror(-r));
}
