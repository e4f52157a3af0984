/* conf/file.c: see file.h. */
#include "conf/file.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int conf_file_read(const char *path, struct buf *text, struct failure *ret_failure)
{
    cleanup(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return failure_set(ret_failure, "58P01", "%s: %s", path, strerror(errno));
    }
    for (;;) {
        int r = buf_reserve(text, 4096);
        if (r == BUF_FULL) {
            return failure_set(ret_failure, "F0000", "%s: longer than %zu MB", path,
                               text->max >> 20);
        }
        if (r != 0) {
            return r;
        }
        ssize_t n = read(fd, text->data + text->len, 4096);
        if (n < 0) {
            return failure_set(ret_failure, "58030", "%s: %s", path, strerror(errno));
        }
        if (n == 0) {
            return 0;
        }
        text->len += (size_t)n;
    }
}
