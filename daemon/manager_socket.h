/* daemon/manager_socket.h: notes to the service manager, to the socket that $NOTIFY_SOCKET names.
 * As sd_notify(3), which waits when the manager does not read: these do not. Main thread. */
#pragma once

#include "base/defs.h"

#include <sys/socket.h>
#include <sys/un.h>

/* Zero bytes are one that nobody reads. */
struct manager_socket {
    int fd;
    socklen_t address_len; /* 0: there is no manager, and no descriptor */
    struct sockaddr_un address;
};

/* 0, also without a manager, or -errno. */
must_check int manager_socket_open(struct manager_socket *sock);
void manager_socket_close(struct manager_socket *sock);

/* 0, also when nobody wants it; -EAGAIN: the manager has not read for some time. */
must_check int manager_socket_send(const struct manager_socket *sock, const char *note);
