/* daemon/activation.c: what a socket is good for is asked of the kernel, not of its name. */
#include "daemon/activation.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

static int refuse(const struct given_socket *given, const char *why, struct failure *ret_failure)
{
    return failure_set(ret_failure, "22023", "socket \"%s\" from the service manager: %s",
                       given->name, why);
}

/* libpq makes the path of a folder and a port, and other drivers do as it does. */
static int describe_unix(struct given_socket *given, const struct sockaddr_un *address,
                         socklen_t len, struct failure *ret_failure)
{
    static const char file[] = "/.s.PGSQL.";
    const char *path = address->sun_path;
    const char *slash = len > offsetof(struct sockaddr_un, sun_path) ? strrchr(path, '/') : NULL;
    unsigned port;
    char rest;

    if (slash == NULL || strncmp(slash, file, sizeof(file) - 1) != 0 ||
        sscanf(slash + sizeof(file) - 1, "%5u%c", &port, &rest) != 1 || port > UINT16_MAX) {
        return refuse(given, "expected a path that ends in .s.PGSQL.PORT, where clients look",
                      ret_failure);
    }
    given->is_unix = true;
    given->port = (uint16_t)port;
    snprintf(given->host, sizeof(given->host), "%.*s", (int)(slash - path), path);
    return 0;
}

static int describe_tcp(struct given_socket *given, const struct sockaddr *address, socklen_t len)
{
    getnameinfo(address, len, given->host, sizeof(given->host), NULL, 0, NI_NUMERICHOST);
    given->port = ntohs(address->sa_family == AF_INET6
                            ? ((const struct sockaddr_in6 *)(const void *)address)->sin6_port
                            : ((const struct sockaddr_in *)(const void *)address)->sin_port);
    return 0;
}

static int describe(struct given_socket *given, struct failure *ret_failure)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } address = { .storage = { .ss_family = AF_UNSPEC } };
    socklen_t len = sizeof(address);

    if (sd_is_socket(given->fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
        return refuse(given, "expected a stream socket that listens (ListenStream=, Accept=no)",
                      ret_failure);
    }
    if (getsockname(given->fd, &address.any, &len) != 0) {
        return -errno;
    }
    switch (address.any.sa_family) {
    case AF_UNIX:
        return describe_unix(given, &address.un, len, ret_failure);
    case AF_INET:
    case AF_INET6:
        return describe_tcp(given, &address.any, len);
    default:
        return refuse(given, "expected TCP or a unix socket", ret_failure);
    }
}

/* Accepting from it must never block, whatever the unit says. */
static int set_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -errno : 0;
}

static int take(struct activation *activation, int fd, const char *name,
                struct failure *ret_failure)
{
    struct given_socket *given = &activation->sockets[activation->count++];

    *given = (struct given_socket){ .fd = fd };
    snprintf(given->name, sizeof(given->name), "%s", name == NULL ? "" : name);
    int r = describe(given, ret_failure);
    return r == 0 ? set_non_blocking(fd) : r;
}

static void free_names(char ***names)
{
    for (char **name = *names; name != NULL && *name != NULL; name++) {
        free(*name);
    }
    free(*names);
}

int activation_take(struct activation *ret_activation, struct failure *ret_failure)
{
    cleanup(free_names) char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    int r = count < 0 ? count : 0;

    *ret_activation = (struct activation){ 0 };
    if (count > activation_sockets_max) {
        return failure_set(ret_failure, "54000", "more than %d sockets from the service manager",
                           activation_sockets_max);
    }
    for (int i = 0; i < count && r == 0; i++) {
        r = take(ret_activation, SD_LISTEN_FDS_START + i, names == NULL ? NULL : names[i],
                 ret_failure);
    }
    return r;
}

bool activation_has(const struct activation *activation, bool is_unix)
{
    for (size_t i = 0; i < activation->count; i++) {
        if (activation->sockets[i].is_unix == is_unix) {
            return true;
        }
    }
    return false;
}
