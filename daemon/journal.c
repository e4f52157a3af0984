/* daemon/journal.c: datagrams on a socket that is not connected, so that a journal that was
 * restarted gets them, too. */
#include "daemon/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct sockaddr_un journal = { .sun_family = AF_UNIX };
static int journal_fd = -1;

bool journal_reads(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char numbers[64];

    if (stream == NULL || fstat(fd, &status) != 0) {
        return false;
    }
    snprintf(numbers, sizeof(numbers), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return strcmp(stream, numbers) == 0;
}

int journal_open(const char *path)
{
    if (path == NULL) {
        path = "/run/systemd/journal/socket";
    }
    if (strlen(path) >= sizeof(journal.sun_path)) {
        return -ENAMETOOLONG;
    }
    strcpy(journal.sun_path, path);
    if (journal_fd < 0) {
        journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    return journal_fd < 0 ? -errno : 0;
}

int journal_send(const char *entry, size_t len)
{
    ssize_t sent;

    if (journal_fd < 0) {
        return -ENOTCONN;
    }
    do {
        sent = sendto(journal_fd, entry, len, MSG_DONTWAIT | MSG_NOSIGNAL,
                      (const struct sockaddr *)&journal, sizeof(journal));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}
