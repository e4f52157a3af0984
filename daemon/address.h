/* daemon/address.h: the two ends of a client's socket, for those who look at it. Any thread. */
#pragma once

#include "base/defs.h"

#include <netinet/in.h>
#include <stdbool.h>

struct address {
    char host[INET6_ADDRSTRLEN]; /* empty: none, as of a unix socket */
    int32_t port;                /* -1: none */
};

void address_of_peer(int fd, struct address *ret_address);
void address_of_socket(int fd, struct address *ret_address);
