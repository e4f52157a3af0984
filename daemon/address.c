/* daemon/address.c: see the header. */
#include "daemon/address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

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
    socklen_t size = sizeof(from);

    (void)getpeername(fd, (struct sockaddr *)&from, &size);
    print(&from, ret_address);
}

void address_of_socket(int fd, struct address *ret_address)
{
    struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof(from);

    (void)getsockname(fd, (struct sockaddr *)&from, &size);
    print(&from, ret_address);
}
