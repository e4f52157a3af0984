/* daemon/listener.c: listening sockets, each with one read event on the loop's base.
 *
 * With port 0 the first TCP address takes a free port and the others follow it; where one of them
 * has it in use, all try another. */
#include "daemon/listener.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "daemon/activation.h"
#include "daemon/address.h"
#include "daemon/log.h"
#include "daemon/unix_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESS_UNAVAILABLE = 2, PORT_TAKEN };

enum { sockets_max = 32, backlog = 1024, accepts_per_turn = 64, free_port_tries = 20 };

static const struct timeval accept_pause = { .tv_usec = 100000 }; /* when out of descriptors */
static const int64_t complaint_interval_us = 60000000;

struct listen_socket {
    struct listener *listener;
    int fd;
    bool is_unix;
    uint16_t port;
    struct event *readable;
    char host[sizeof(((struct given_socket *)0)->host)]; /* or folder */
};

struct listener {
    struct loop *loop;
    struct listener_options options;
    uint16_t port;
    struct listen_socket sockets[sockets_max];
    size_t count;
    struct event *resume;  /* ends the pause */
    int64_t complained_us; /* 0: never */
    struct unix_socket unix_socket;
};

/* ---- accepting ---- */

/* Not at every pause: they follow each other while it lasts. */
static void complain(struct listener *listener, int error)
{
    int64_t now_us = loop_now_us(listener->loop);

    if (listener->complained_us == 0 || now_us - listener->complained_us >= complaint_interval_us) {
        log_line(LEVEL_WARNING, "new clients wait: %s", strerror(error));
        listener->complained_us = now_us;
    }
}

static void pause_accepting(struct listener *listener)
{
    for (size_t i = 0; i < listener->count; i++) {
        event_del(listener->sockets[i].readable);
    }
    event_add(listener->resume, &accept_pause);
}

static void resume_accepting(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;

    (void)fd;
    (void)what;
    (void)!listener_accept(listener); /* they were added once: no memory is needed */
}

static void wait_for_room(struct listener *listener, int error)
{
    complain(listener, error);
    pause_accepting(listener);
}

static bool has_room(const struct listener *listener)
{
    return listener->options.has_room == NULL ||
           listener->options.has_room(listener->options.owner);
}

static bool is_out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Some in one turn, so that a flood does not keep the clients who are here waiting. What else
 * accept(2) says (a client that has gone again) concerns nobody. */
static void accept_clients(evutil_socket_t listen_fd, short what, void *arg)
{
    struct listen_socket *sock = arg;
    struct listener *listener = sock->listener;
    struct address from;

    (void)what;
    for (int i = 0; i < accepts_per_turn; i++) {
        if (!has_room(listener)) {
            if (i == 0) { /* somebody is there, or we were not called */
                wait_for_room(listener, EMFILE);
            }
            return;
        }
        int fd = address_accept(listen_fd, &from);
        if (fd < 0) {
            if (is_out_of_descriptors(-fd)) {
                wait_for_room(listener, -fd);
            }
            return;
        }
        if (!sock->is_unix) {
            int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        }
        listener->options.accepted(listener->options.owner, fd, &from);
    }
}

/* ---- sockets ---- */

/* Takes the bound, listening descriptor: closed again when it could not be added. */
static int add_socket(struct listener *listener, int fd_taken, bool is_unix, const char *host,
                      uint16_t port, struct failure *ret_failure)
{
    cleanup(fd_closep) int fd = fd_taken;

    if (listener->count == sockets_max) {
        return failure_set(ret_failure, "54000", "more than %d addresses to listen on",
                           sockets_max);
    }
    struct listen_socket *sock = &listener->sockets[listener->count];
    *sock = (struct listen_socket){ .listener = listener, .is_unix = is_unix, .port = port };
    snprintf(sock->host, sizeof(sock->host), "%s", host);
    sock->readable =
        event_new(loop_base(listener->loop), fd, EV_READ | EV_PERSIST, accept_clients, sock);
    if (sock->readable == NULL) {
        return -ENOMEM;
    }
    sock->fd = fd_take(&fd);
    listener->count++;
    return 0;
}

static void set_port(struct sockaddr *address, uint16_t port)
{
    if (address->sa_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    }
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);

    getsockname(fd, (struct sockaddr *)&address, &len);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* A listening TCP socket, or -errno. */
static int tcp_socket(struct addrinfo *info, uint16_t port)
{
    cleanup(fd_closep) int fd =
        socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (info->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    set_port(info->ai_addr, port);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, backlog) != 0) {
        return -errno;
    }
    return fd_take(&fd);
}

static int open_address(struct listener *listener, struct addrinfo *info,
                        struct failure *ret_failure)
{
    char host[INET6_ADDRSTRLEN] = "";
    char where[INET6_ADDRSTRLEN + 16];

    getnameinfo(info->ai_addr, info->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
    snprintf(where, sizeof(where), "%s port %u", host, listener->port);
    int fd = tcp_socket(info, listener->port);
    if (fd < 0) {
        failure_set(ret_failure, "58030", "%s: cannot listen: %s", where, strerror(-fd));
        return fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT ? ADDRESS_UNAVAILABLE
               : fd == -EADDRINUSE                         ? PORT_TAKEN
                                                           : FAILED;
    }
    if (listener->port == 0) {
        listener->port = port_of(fd);
    }
    return add_socket(listener, fd, false, host, listener->port, ret_failure);
}

/* A name may stand for several addresses, some of which (::1 without IPv6) this machine has not:
 * one is enough. */
static int open_found(struct listener *listener, struct addrinfo *found,
                      struct failure *ret_failure)
{
    size_t before = listener->count;

    for (struct addrinfo *info = found; info != NULL; info = info->ai_next) {
        int r = open_address(listener, info, ret_failure);
        if (r != 0 && r != ADDRESS_UNAVAILABLE) {
            return r;
        }
    }
    return listener->count > before ? 0 : FAILED;
}

static int open_host(struct listener *listener, const char *host, struct failure *ret_failure)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;

    int error = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, "0", &hints, &found);
    if (error != 0) {
        return failure_set(ret_failure, "58030", "listen_addr: %s: %s", host, gai_strerror(error));
    }
    int r = open_found(listener, found, ret_failure);
    freeaddrinfo(found);
    return r;
}

static int open_hosts(struct listener *listener, struct failure *ret_failure)
{
    cleanup(mem_freep) char *list = mem_strdup(listener->options.addresses);
    char *rest = list;
    int r = list == NULL ? -ENOMEM : 0;

    while (r == 0 && rest != NULL) {
        char *host = strsep(&rest, ",");
        host += strspn(host, " \t");
        host[strcspn(host, " \t")] = '\0';
        if (*host != '\0') {
            r = open_host(listener, host, ret_failure);
        }
    }
    return r;
}

static void close_sockets(struct listener *listener, size_t kept)
{
    while (listener->count > kept) {
        struct listen_socket *sock = &listener->sockets[--listener->count];

        event_free(sock->readable);
        close(sock->fd);
    }
}

/* The kernel says which port is free at the first address: at another it may be somebody's. */
static int open_tcp(struct listener *listener, struct failure *ret_failure)
{
    size_t given = listener->count;
    int r = open_hosts(listener, ret_failure);

    for (int i = 1; i < free_port_tries && r == PORT_TAKEN && listener->options.port == 0; i++) {
        close_sockets(listener, given);
        listener->port = 0;
        r = open_hosts(listener, ret_failure);
    }
    return r == PORT_TAKEN ? FAILED : r;
}

/* ---- the unix socket ---- */

static int open_unix(struct listener *listener, struct failure *ret_failure)
{
    int fd;
    int r = unix_socket_open(&listener->unix_socket, listener->options.unix_socket_dir,
                             listener->port, backlog, &fd, ret_failure);

    return r == 0 ? add_socket(listener, fd, true, listener->options.unix_socket_dir,
                               listener->port, ret_failure)
                  : r;
}

/* ---- given sockets ---- */

static bool is_given(const struct listener *listener, bool is_unix)
{
    return listener->options.given != NULL && activation_has(listener->options.given, is_unix);
}

static int add_given(struct listener *listener, struct failure *ret_failure)
{
    const struct activation *given = listener->options.given;
    int r = 0;

    for (size_t i = 0; given != NULL && i < given->count && r == 0; i++) {
        const struct given_socket *sock = &given->sockets[i];

        r = add_socket(listener, sock->fd, sock->is_unix, sock->host, sock->port, ret_failure);
    }
    return r;
}

/* ---- life ---- */

/* A port for the unix socket alone, when there is no TCP address to find one: any that no file has.
 */
static int open_free_unix(struct listener *listener, struct failure *ret_failure)
{
    int r = FAILED;

    for (int i = 0; i < free_port_tries && r == FAILED; i++) {
        listener->port = (uint16_t)(49152 + (getpid() + i * 97) % 16384);
        r = open_unix(listener, ret_failure);
    }
    return r;
}

static int open_all(struct listener *listener, struct failure *ret_failure)
{
    listener->resume = event_new(loop_base(listener->loop), -1, 0, resume_accepting, listener);
    if (listener->resume == NULL) {
        return -ENOMEM;
    }
    int r = add_given(listener, ret_failure);
    if (r == 0 && !is_given(listener, false)) {
        r = open_tcp(listener, ret_failure);
    }
    if (r != 0 || *listener->options.unix_socket_dir == '\0' || is_given(listener, true)) {
        return r;
    }
    return listener->port == 0 ? open_free_unix(listener, ret_failure)
                               : open_unix(listener, ret_failure);
}

int listener_open(struct loop *loop, const struct listener_options *options,
                  struct listener **ret_listener, struct failure *ret_failure)
{
    struct listener *listener = mem_zalloc(sizeof(*listener));

    if (listener == NULL) {
        return -ENOMEM;
    }
    listener->loop = loop;
    listener->options = *options;
    listener->port = options->port;
    listener->unix_socket.lock_fd = -1;
    int r = open_all(listener, ret_failure);
    if (r != 0) {
        listener_close(listener);
        return r;
    }
    listener->options.given = NULL; /* lent for the opening */
    *ret_listener = listener;
    return 0;
}

int listener_accept(struct listener *listener)
{
    for (size_t i = 0; i < listener->count; i++) {
        if (event_add(listener->sockets[i].readable, NULL) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

void listener_close(struct listener *listener)
{
    if (listener == NULL) {
        return;
    }
    close_sockets(listener, 0);
    unix_socket_close(&listener->unix_socket);
    if (listener->resume != NULL) {
        event_free(listener->resume);
    }
    mem_free(listener);
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

int listener_describe(const struct listener *listener, struct buf *text)
{
    int r = 0;

    for (size_t i = 0; i < listener->count && r == 0; i++) {
        const struct listen_socket *sock = &listener->sockets[i];
        r = buf_printf(text, "host=%s port=%u\n", sock->host, sock->port);
    }
    return r;
}
