/* client/cli/slurp.c: see slurp.h. */
#include "client/cli/slurp.h"

#include "base/fd.h"
#include "client/cli/cli.h"

#include <errno.h>
#include <fcntl.h>

enum { step_bytes = 64 * 1024 };

static int complain(const char *path, const char *why)
{
    cli_complain("could not read %s: %s", path, why);
    return CLI_FAILED;
}

static int read_all(int fd, const char *path, struct buf *text)
{
    ssize_t n;

    text->max = slurp_most_bytes;
    do {
        int r = buf_reserve(text, step_bytes);

        if (r != 0) {
            return complain(path, r == BUF_FULL ? "it is too large" : strerror(ENOMEM));
        }
        n = read(fd, text->data + text->len, step_bytes - 1);
        if (n < 0 && errno != EINTR) {
            return complain(path, strerror(errno));
        }
        text->len += n > 0 ? (size_t)n : 0;
    } while (n != 0);
    text->data[text->len] = '\0';
    return CLI_OK;
}

int slurp_text(const char *path, struct buf *ret_text)
{
    static const char mark[] = "\xef\xbb\xbf";
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    cleanup(fd_closep) int fd = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && !is_stdin) {
        return complain(name, strerror(errno));
    }
    int code = read_all(is_stdin ? STDIN_FILENO : fd, name, ret_text);
    if (code != CLI_OK) {
        return code;
    }
    if (memchr(ret_text->data, '\0', ret_text->len) != NULL) {
        return complain(name, "it has a zero byte, so it is no text");
    }
    if (ret_text->len >= 3 && memcmp(ret_text->data, mark, 3) == 0) {
        buf_consume(ret_text, 3);
        ret_text->data[ret_text->len] = '\0';
    }
    return CLI_OK;
}
