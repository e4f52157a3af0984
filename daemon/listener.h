/* daemon/listener.h: the sockets that clients connect to: TCP addresses and one unix socket, or
 * those that the service manager listens on: a kind that it gave is not opened besides.
 *
 * Hands each accepted socket (non-blocking, close-on-exec, TCP_NODELAY) to a callback on the loop
 * itself, not in a task. Out of descriptors, or when its owner has no room for one more, it stops
 * accepting for a while instead of spinning. Loop's thread. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

struct activation;
struct address;
struct buf;
struct listener;
struct loop;

struct listener_options {
    const char *addresses;       /* comma-separated; "*": all; empty: no TCP */
    uint16_t port;               /* 0: a free one, the same for all addresses and the unix socket */
    const char *unix_socket_dir; /* empty: no unix socket */
    const struct activation *given; /* NULL: none; its descriptors are taken */
    void (*accepted)(void *owner, int fd, const struct address *from); /* takes the descriptor */
    bool (*has_room)(void *owner); /* for one more? NULL: always */
    void *owner;
};

/* Listens on all of them, or on none; the options' strings are borrowed until the close. 0, FAILED
 * (names address and cause) or -ENOMEM. */
must_check int listener_open(struct loop *loop, const struct listener_options *options,
                             struct listener **ret_listener, struct failure *ret_failure);

/* Takes clients from now on: those who have come meanwhile wait in the sockets. 0 or -ENOMEM. */
must_check int listener_accept(struct listener *listener);

/* Stops listening and removes the unix socket's file, if it made one. NULL is fine. */
void listener_close(struct listener *listener);

uint16_t listener_port(const struct listener *listener);

/* Appends one line per address, as libpq's connection strings have it: "host=127.0.0.1
 * port=7432\n", "host=/tmp port=7432\n". 0, BUF_FULL or -ENOMEM. */
must_check int listener_describe(const struct listener *listener, struct buf *text);
