/* daemon/address.h: where a client comes from. It is learnt as he is accepted: the kernel forgets
 * it when he leaves. 28 bytes, for each connection keeps one. Any thread. */
#pragma once

#include "base/defs.h"

#include <netinet/in.h>
#include <stdbool.h>

enum { address_text_bytes = INET6_ADDRSTRLEN };

struct address {
    union {
        struct sockaddr any; /* AF_UNIX: by a unix socket, and that is all */
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

/* One by a unix socket. */
extern const struct address address_local;

/* Accepts a client: his socket, which does not block, or -errno. Who comes by IPv4 to a socket of
 * IPv6 (a service manager's may be one of both) is one of IPv4: rules and counts must not take him
 * for two. */
must_check int address_accept(int listen_fd, struct address *ret_from);

/* Our end of a client's socket. */
void address_of_socket(int fd, struct address *ret_here);

bool address_is_unix(const struct address *address);

/* For a reader: "127.0.0.1", or "[local]" of a unix socket. `room` may hold it. */
const char *address_in_words(const struct address *address, char room[static address_text_bytes]);

int32_t address_port(const struct address *address); /* -1: none */
