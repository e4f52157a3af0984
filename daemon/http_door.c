/* daemon/http_door.c: see the header.
 *
 * evhttp does not say when a connection ends. Each is a bufferevent of ours, of which we keep a
 * reference: ours is the last one when evhttp has let go of its own. A timer looks after that, and
 * opens the door again when it was shut. */
#include "daemon/http_door.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { backlog = 64, unread_bytes = 16384 };

static const int64_t stay_us = 10000000; /* for request and answer together */
static const struct timeval look_when_open = { .tv_sec = 1 };
static const struct timeval look_when_shut = { .tv_usec = 20000 };

struct visitor {
    struct bufferevent *connection;
    int64_t since_us;
};

struct http_door {
    struct loop *loop;
    struct evconnlistener *listener; /* evhttp's */
    struct event *look;
    struct visitor visitors[http_visitors_most];
    size_t count;
    bool shut;
    char address[INET6_ADDRSTRLEN + 16];
};

/* ---- who is inside ---- */

static bool has_left(const struct visitor *visitor)
{
    if (bufferevent_decref(visitor->connection) != 0) {
        return true;
    }
    bufferevent_incref(visitor->connection);
    return false;
}

/* evhttp sees its end then. */
static void show_out(const struct visitor *visitor)
{
    (void)shutdown(bufferevent_getfd(visitor->connection), SHUT_RDWR);
}

static void sort_out(struct http_door *door)
{
    int64_t now_us = loop_now_us(door->loop);
    size_t kept = 0;

    for (size_t i = 0; i < door->count; i++) {
        struct visitor visitor = door->visitors[i];

        if (has_left(&visitor)) {
            continue;
        }
        if (now_us - visitor.since_us >= stay_us) {
            show_out(&visitor);
        }
        door->visitors[kept++] = visitor;
    }
    door->count = kept;
}

static void shut(struct http_door *door)
{
    door->shut = true;
    evconnlistener_disable(door->listener);
    event_add(door->look, &look_when_shut);
}

static void look(evutil_socket_t fd, short what, void *arg)
{
    struct http_door *door = arg;

    (void)fd, (void)what;
    sort_out(door);
    if (door->count < http_visitors_most) {
        door->shut = evconnlistener_enable(door->listener) != 0; /* see cannot_accept(), too */
    }
    event_add(door->look, door->shut ? &look_when_shut : &look_when_open);
}

/* evhttp asks for it for each connection that it has accepted, one at a time. */
static struct bufferevent *let_in(struct event_base *base, void *arg)
{
    struct http_door *door = arg;
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    if (connection == NULL || door->count == http_visitors_most) {
        return connection; /* evhttp gives up one that it gets none for; it stops when it is shut */
    }
    bufferevent_setwatermark(connection, EV_READ, 0, unread_bytes);
    bufferevent_incref(connection);
    door->visitors[door->count++] =
        (struct visitor){ .connection = connection, .since_us = loop_now_us(door->loop) };
    if (door->count == http_visitors_most) {
        sort_out(door);
    }
    if (door->count == http_visitors_most) {
        shut(door);
    }
    return connection;
}

/* ---- listening ---- */

static int fail_address(const char *at, struct failure *ret_failure)
{
    return failure_set(ret_failure, "22023",
                       "http_listen: expected ADDRESS:PORT, as 127.0.0.1:9187 or [::1]:9187, not "
                       "\"%s\"",
                       at);
}

static int parse(const char *at, struct sockaddr_storage *ret_address, socklen_t *ret_len,
                 struct failure *ret_failure)
{
    static const char localhost[] = "localhost:";
    char text[sizeof(((struct http_door *)0)->address)];
    int len = sizeof(*ret_address);
    const char *port = strrchr(at, ':');
    bool local = strncmp(at, localhost, sizeof(localhost) - 1) == 0;

    /* evutil takes an address without a port, too. */
    if (port == NULL || port[1] == '\0' || port[1 + strspn(port + 1, "0123456789")] != '\0' ||
        strlen(port + 1) > 5 || strlen(at) >= sizeof(text) - 8) {
        return fail_address(at, ret_failure);
    }
    bool any = strspn(port + 1, "0") == strlen(port + 1); /* which evutil does not take */
    snprintf(text, sizeof(text), "%.*s:%s", local ? 9 : (int)(port - at), local ? "127.0.0.1" : at,
             any ? "1" : port + 1);
    if (evutil_parse_sockaddr_port(text, (struct sockaddr *)ret_address, &len) != 0) {
        return fail_address(at, ret_failure);
    }
    if (any && ret_address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)ret_address)->sin6_port = 0;
    } else if (any) {
        ((struct sockaddr_in *)ret_address)->sin_port = 0;
    }
    *ret_len = (socklen_t)len;
    return 0;
}

/* A listening socket, or -errno. */
static int listen_at(const struct sockaddr_storage *address, socklen_t len)
{
    cleanup(fd_closep) int fd =
        socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)address, len) != 0 || listen(fd, backlog) != 0) {
        return -errno;
    }
    return fd_take(&fd);
}

static void note_address(struct http_door *door, int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "";

    getsockname(fd, (struct sockaddr *)&address, &len);
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)&address;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(door->address, sizeof(door->address), "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)&address;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(door->address, sizeof(door->address), "%s:%u", host, ntohs(in->sin_port));
    }
}

/* No descriptor is left: not again before the timer. The argument is evhttp's. */
static void cannot_accept(struct evconnlistener *listener, void *http)
{
    (void)http;
    (void)evconnlistener_disable(listener);
}

static int open_at(struct http_door *door, struct evhttp *http, const char *at,
                   struct failure *ret_failure)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = 0;
    int r = parse(at, &address, &len, ret_failure);

    if (r != 0) {
        return r;
    }
    cleanup(fd_closep) int fd = listen_at(&address, len);
    if (fd < 0) {
        return failure_set(ret_failure, "58030", "http_listen: cannot listen at %s: %s", at,
                           strerror(-fd));
    }
    note_address(door, fd);
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(http, fd);
    if (bound == NULL) {
        return -ENOMEM;
    }
    (void)fd_take(&fd);
    door->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(door->listener, cannot_accept);
    evhttp_set_bevcb(http, let_in, door);
    return event_add(door->look, &look_when_open) == 0 ? 0 : -ENOMEM;
}

/* ---- life ---- */

int http_door_open(struct loop *loop, struct evhttp *http, const char *at,
                   struct http_door **ret_door, struct failure *ret_failure)
{
    struct http_door *door = mem_zalloc(sizeof(*door));

    if (door == NULL) {
        return -ENOMEM;
    }
    door->loop = loop;
    door->look = event_new(loop_base(loop), -1, 0, look, door);
    int r = door->look == NULL ? -ENOMEM : open_at(door, http, at, ret_failure);
    if (r != 0) {
        http_door_close(door);
        return r;
    }
    *ret_door = door;
    return 0;
}

void http_door_close(struct http_door *door)
{
    if (door == NULL) {
        return;
    }
    for (size_t i = 0; i < door->count; i++) {
        bufferevent_decref(door->visitors[i].connection);
    }
    if (door->look != NULL) {
        event_free(door->look);
    }
    mem_free(door);
}

const char *http_door_address(const struct http_door *door)
{
    return door->address;
}
