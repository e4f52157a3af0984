/* daemon/unix_socket.c: see unix_socket.h. */
#include "daemon/unix_socket.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { lock_path_bytes = sizeof(((struct unix_socket *)0)->path) + 8 };

static void lock_path_of(const struct unix_socket *sock, char path[static lock_path_bytes])
{
    snprintf(path, lock_path_bytes, "%s.lock", sock->path);
}

/* Holds the lock file of the socket's path. The descriptor, or -errno: -EWOULDBLOCK when another
 * process serves it. */
static int take_lock(const struct unix_socket *sock)
{
    char path[lock_path_bytes];
    struct stat found;

    lock_path_of(sock, path);
    cleanup(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &found) != 0) {
        return -errno;
    }
    if (found.st_nlink == 0) {
        return -EWOULDBLOCK; /* its last owner removed it between our open and our lock */
    }
    return fd_take(&fd);
}

static void drop_lock(struct unix_socket *sock)
{
    char path[lock_path_bytes];

    lock_path_of(sock, path);
    unlink(path);
    close(fd_take(&sock->lock_fd));
}

/* Nobody but us may have the file now, unless it is a server that does not know our lock: ask it.
 */
static bool is_answered(const struct sockaddr_un *address)
{
    cleanup(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                       errno == EAGAIN || errno == EINPROGRESS);
}

/* A listening socket on the path, or -errno. */
static int listen_on(const char *path, int backlog)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    cleanup(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (is_answered(&address)) {
        return -EADDRINUSE;
    }
    unlink(path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(path, 0777) != 0 || listen(fd, backlog) != 0) {
        return -errno;
    }
    return fd_take(&fd);
}

static int say(struct failure *ret_failure, const char *path, const char *what, int error)
{
    return failure_set(ret_failure, "58030", "%s: %s: %s", path, what, strerror(error));
}

int unix_socket_open(struct unix_socket *sock, const char *dir, uint16_t port, int backlog,
                     int *ret_fd, struct failure *ret_failure)
{
    int len = snprintf(sock->path, sizeof(sock->path), "%s/.s.PGSQL.%u", dir, port);

    if (len < 0 || (size_t)len >= sizeof(sock->path)) {
        return failure_set(ret_failure, "58030",
                           "unix_socket_dir: %s: longer than a socket's path may be", dir);
    }
    int lock_fd = take_lock(sock);
    if (lock_fd == -EWOULDBLOCK) {
        return failure_set(ret_failure, "55006", "%s: another pondd serves this socket",
                           sock->path);
    }
    if (lock_fd < 0) {
        return say(ret_failure, sock->path, "cannot make its lock file", -lock_fd);
    }
    sock->lock_fd = lock_fd;
    int fd = listen_on(sock->path, backlog);
    if (fd < 0) {
        drop_lock(sock);
        return say(ret_failure, sock->path, "cannot listen", -fd);
    }
    *ret_fd = fd;
    return 0;
}

void unix_socket_close(struct unix_socket *sock)
{
    if (sock->lock_fd >= 0) {
        unlink(sock->path);
        drop_lock(sock);
    }
}
