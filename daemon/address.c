/* daemon/address.c: see the header. */
#include "daemon/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void unmap(struct sockaddr_storage *from)
{
    const struct sockaddr_in6 in6 = *(const struct sockaddr_in6 *)from;
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = in6.sin6_port };

    if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
        memcpy(from, &in, sizeof(in));
    }
}

int address_get_peer(int fd, struct sockaddr_storage *ret_from)
{
    struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof(from);

    if (getpeername(fd, (struct sockaddr *)&from, &size) != 0) {
        return -errno; /* it has gone again */
    }
    unmap(&from);
    *ret_from = from;
    return 0;
}

static void print(const struct sockaddr_storage *from, struct address *ret_address)
{
    const void *bytes = NULL;
    struct address address = { .port = -1 };

    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        bytes = &in->sin_addr;
        address.port = ntohs(in->sin_port);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        bytes = &in6->sin6_addr;
        address.port = ntohs(in6->sin6_port);
    }
    if (bytes != NULL) {
        (void)!inet_ntop(from->ss_family, bytes, address.host, sizeof(address.host));
    }
    *ret_address = address;
}

void address_of_peer(int fd, struct address *ret_address)
{
    struct sockaddr_storage from = { .ss_family = AF_UNSPEC };

    (void)!address_get_peer(fd, &from);
    print(&from, ret_address);
}

void address_of_socket(int fd, struct address *ret_address)
{
    struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof(from);

    (void)getsockname(fd, (struct sockaddr *)&from, &size);
    print(&from, ret_address);
}

const char *address_in_words(int fd, struct address *room)
{
    address_of_peer(fd, room);
    return room->host[0] == '\0' ? "[local]" : room->host;
}
