/* daemon/address.c: see the header. */
#include "daemon/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static_assert(sizeof(struct address) == 28, "each connection has one");

const struct address address_local = { .any.sa_family = AF_UNIX };

static void unmap(struct address *address)
{
    const struct sockaddr_in6 in6 = address->in6;
    struct address v4 = { .in = { .sin_family = AF_INET, .sin_port = in6.sin6_port } };

    if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        memcpy(&v4.in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(v4.in.sin_addr));
        *address = v4;
    }
}

int address_accept(int listen_fd, struct address *ret_from)
{
    struct address from = { .any.sa_family = AF_UNSPEC };
    socklen_t len = sizeof(from); /* of a unix socket's longer one the family is enough */
    int fd = accept4(listen_fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    unmap(&from);
    *ret_from = from;
    return fd;
}

void address_of_socket(int fd, struct address *ret_here)
{
    struct address here = { .any.sa_family = AF_UNSPEC };
    socklen_t len = sizeof(here);

    (void)getsockname(fd, &here.any, &len);
    unmap(&here);
    *ret_here = here;
}

bool address_is_unix(const struct address *address)
{
    return address->any.sa_family == AF_UNIX;
}

const char *address_in_words(const struct address *address, char room[static address_text_bytes])
{
    bool is_v6 = address->any.sa_family == AF_INET6;
    const void *bytes = is_v6 ? (const void *)&address->in6.sin6_addr : &address->in.sin_addr;

    if (address_is_unix(address)) {
        return "[local]";
    }
    return inet_ntop(address->any.sa_family, bytes, room, address_text_bytes) == NULL ? "" : room;
}

int32_t address_port(const struct address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return ntohs(address->in.sin_port);
    case AF_INET6:
        return ntohs(address->in6.sin6_port);
    default:
        return -1;
    }
}
