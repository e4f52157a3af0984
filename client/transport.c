/* client/transport.c: bytes to the server and from it, plain or encrypted. */
#include "async/await.h"
#include "client/connection.h"
#include "tls/tls.h"

#include <errno.h>

/* ---- plain ---- */

static int send_plain(const struct pond_conn *conn, struct view bytes, size_t *ret_sent)
{
    ssize_t n;

    do {
        n = send(conn->fd, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    *ret_sent = n < 0 ? 0 : (size_t)n;
    return n < 0 ? -errno : 0;
}

static int read_plain(const struct pond_conn *conn, uint8_t *at, size_t room, size_t *ret_got)
{
    ssize_t n;

    do {
        n = recv(conn->fd, at, room, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    *ret_got = n < 0 ? 0 : (size_t)n;
    return n < 0 ? -errno : 0;
}

/* ---- encrypted ---- */

static int send_encrypted(const struct pond_conn *conn, struct view bytes, size_t *ret_sent)
{
    int r = tls_write(conn->tls, bytes, ret_sent);

    return r == TLS_WANTS_WRITE ? -EAGAIN : r == TLS_END ? -EPIPE : r > 0 ? -EPROTO : r;
}

/* All that the socket has given already: no event would tell of it. */
static int read_encrypted(struct pond_conn *conn, uint8_t *at, size_t room, size_t *ret_got)
{
    int r = 0;

    *ret_got = 0;
    while (*ret_got < room && (*ret_got == 0 || tls_has_more(conn->tls))) {
        size_t n;

        r = tls_read(conn->tls, at + *ret_got, room - *ret_got, &n);
        if (r != 0) {
            break;
        }
        *ret_got += n;
    }
    conn->answers = r == TLS_WANTS_WRITE;
    if (*ret_got > 0 || r == TLS_END) {
        return 0; /* whatever comes behind it is told the next time */
    }
    return r > 0 ? -EAGAIN : r;
}

/* ---- either ---- */

int conn_send_some(struct pond_conn *conn, struct view bytes, size_t *ret_sent)
{
    return conn->tls == NULL ? send_plain(conn, bytes, ret_sent)
                             : send_encrypted(conn, bytes, ret_sent);
}

int conn_read_some(struct pond_conn *conn, uint8_t *at, size_t room, size_t *ret_got)
{
    return conn->tls == NULL ? read_plain(conn, at, room, ret_got)
                             : read_encrypted(conn, at, room, ret_got);
}

int conn_await_bytes(const struct pond_conn *conn, int64_t deadline_us)
{
    return conn->answers ? await_readable_or_writable(conn->fd, deadline_us)
                         : await_readable(conn->fd, deadline_us);
}
