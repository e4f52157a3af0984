/* client/dial.c: a socket that is connected to an address. */
#include "async/await.h"
#include "base/fd.h"
#include "client/connection.h"
#include "client/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

static int await_connected(int fd, int64_t deadline_us, struct pond_error *error)
{
    int so_error = 0;
    socklen_t len = sizeof(so_error);
    int r = await_writable(fd, deadline_us);

    if (r < 0) {
        return error_of_await(error, r);
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &so_error, &len) != 0) {
        so_error = errno;
    }
    return so_error == 0 ? 0 : error_set(error, POND_CONNECT, "08001", "%s", strerror(so_error));
}

/* A host that has vanished is noticed within two minutes, also while it is waited for. */
static void keep_alive(int fd)
{
    static const struct {
        int level;
        int option;
        int value;
    } rows[] = {
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, 60 },  /* seconds of silence ... */
        { IPPROTO_TCP, TCP_KEEPINTVL, 15 }, /* ... then a probe each */
        { IPPROTO_TCP, TCP_KEEPCNT, 4 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        setsockopt(fd, rows[i].level, rows[i].option, &rows[i].value, sizeof(rows[i].value));
    }
}

int conn_dial(const struct sockaddr_storage *address, socklen_t len, int64_t deadline_us,
              int *ret_fd, struct pond_error *error)
{
    const int on = 1;
    cleanup(fd_closep) int fd =
        socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return error_set(error, POND_CONNECT, "08001", "could not make a socket: %s",
                         strerror(errno));
    }
    if (address->ss_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        keep_alive(fd);
    }
    if (connect(fd, (const struct sockaddr *)address, len) != 0) {
        int r = errno == EINPROGRESS
                    ? await_connected(fd, deadline_us, error)
                    : error_set(error, POND_CONNECT, "08001", "%s", strerror(errno));
        if (r != 0) {
            return r;
        }
    }
    *ret_fd = fd_take(&fd);
    return 0;
}
