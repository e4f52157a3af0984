/* daemon/address.h: the two ends of a client's socket, for those who look at it. Any thread. */
#pragma once

#include "base/defs.h"

#include <netinet/in.h>
#include <stdbool.h>

struct address {
    char host[INET6_ADDRSTRLEN]; /* empty: none, as of a unix socket */
    int32_t port;                /* -1: none */
};

/* The other end, where it has an address. Who comes by IPv4 to a socket of IPv6 (a service
 * manager's may be one of both) is one of IPv4: rules and counts must not take him for two. 0 or
 * -errno. */
must_check int address_get_peer(int fd, struct sockaddr_storage *ret_from);

/* The other end for a reader: its address, or "[local]" where it has none. `room` holds it. */
const char *address_in_words(int fd, struct address *room);

void address_of_peer(int fd, struct address *ret_address);
void address_of_socket(int fd, struct address *ret_address);
