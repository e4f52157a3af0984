/* daemon/unix_socket.h: the unix socket that clients connect to, and the lock on its file.
 *
 * The file belongs to who holds the lock on its lock file (.s.PGSQL.PORT.lock, as PostgreSQL names
 * it): one that nobody locks was left behind by a daemon that died, and is replaced. */
#pragma once

#include "base/failure.h"

#include <sys/un.h>

struct unix_socket {
    int lock_fd; /* -1: not open */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Listens on DIR/.s.PGSQL.PORT, for everybody on the machine. The listening descriptor (close-on-
 * exec, non-blocking) is the caller's, who closes it before unix_socket_close(). 0 or FAILED, whose
 * message names path and cause: 55006 when another pondd serves it. */
must_check int unix_socket_open(struct unix_socket *sock, const char *dir, uint16_t port,
                                int backlog, int *ret_fd, struct failure *ret_failure);

/* Removes the socket's file and its lock. Does nothing when it is not open. */
void unix_socket_close(struct unix_socket *sock);
