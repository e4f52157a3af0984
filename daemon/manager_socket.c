/* daemon/manager_socket.c: a datagram each, to a path or, with an @ before it, to a name that is in
 * no folder. */
#include "daemon/manager_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int manager_socket_open(struct manager_socket *sock)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name == NULL ? 0 : strlen(name);

    *sock = (struct manager_socket){ .address.sun_family = AF_UNIX };
    if (len < 2 || len >= sizeof(sock->address.sun_path) || (*name != '/' && *name != '@')) {
        return 0;
    }
    memcpy(sock->address.sun_path, name, len);
    if (*name == '@') {
        sock->address.sun_path[0] = '\0';
    }
    sock->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock->fd < 0) {
        return -errno;
    }
    sock->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return 0;
}

void manager_socket_close(struct manager_socket *sock)
{
    if (sock->address_len > 0) {
        close(sock->fd);
    }
    *sock = (struct manager_socket){ 0 };
}

int manager_socket_send(const struct manager_socket *sock, const char *note)
{
    ssize_t sent;

    if (sock->address_len == 0) {
        return 0;
    }
    do {
        sent = sendto(sock->fd, note, strlen(note), MSG_DONTWAIT | MSG_NOSIGNAL,
                      (const struct sockaddr *)&sock->address, sock->address_len);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 && errno == EAGAIN ? -EAGAIN : 0; /* one that has gone wants nothing */
}
