/* client/cli/lines.c: see lines.h. */
#include "client/cli/lines.h"

#include "client/cli/cli.h"
#include "client/cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { piece_bytes = 64 * 1024, line_bytes_most = 1 << 30 };

static int complain(const struct lines *lines)
{
    if (!interrupt_seen()) {
        cli_complain("could not read %s: %s", lines->name, strerror(errno));
    }
    return -1;
}

int lines_open(struct lines *lines, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;

    *lines = (struct lines){ .name = is_stdin ? "standard input" : path };
    buf_init(&lines->data, line_bytes_most);
    lines->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (lines->fd < 0) {
        (void)complain(lines);
        lines->name = NULL;
        return CLI_FAILED;
    }
    return 0;
}

/* What was given out goes first: the buffer is as long as the longest line, and a piece. */
static int read_more(struct lines *lines)
{
    ssize_t n;

    buf_consume(&lines->data, lines->start);
    lines->start = 0;
    if (buf_reserve(&lines->data, piece_bytes) != 0) {
        cli_complain("%s, line %llu: the line is too long", lines->name,
                     (unsigned long long)lines->number + 1);
        return -1;
    }
    do {
        n = read(lines->fd, lines->data.data + lines->data.len, piece_bytes);
    } while (n < 0 && errno == EINTR && !interrupt_seen());
    if (n < 0) {
        return complain(lines);
    }
    lines->data.len += (size_t)n;
    lines->bytes += (size_t)n;
    lines->at_end = n == 0;
    return 0;
}

int lines_peek(struct lines *lines, size_t len, struct view *ret_bytes)
{
    while (lines->data.len < len && !lines->at_end) {
        if (read_more(lines) != 0) {
            return -1;
        }
    }
    *ret_bytes = view_of(lines->data.data, lines->data.len < len ? lines->data.len : len);
    return 0;
}

/* Looks at each byte once, however often more has to be read. */
int lines_next(struct lines *lines, struct view *ret_line)
{
    size_t looked = 0;

    for (;;) {
        size_t left = lines->data.len - lines->start;
        const uint8_t *from = left == 0 ? NULL : lines->data.data + lines->start;
        const uint8_t *end = left > looked ? memchr(from + looked, '\n', left - looked) : NULL;

        if (end != NULL || (lines->at_end && left > 0)) {
            *ret_line = view_of(from, end == NULL ? left : (size_t)(end - from) + 1);
            lines->start += ret_line->len;
            lines->number++;
            return LINES_LINE;
        }
        if (lines->at_end) {
            return 0;
        }
        looked = left;
        if (read_more(lines) != 0) {
            return -1;
        }
    }
}

void lines_close(struct lines *lines)
{
    if (lines->name != NULL && lines->fd != STDIN_FILENO) {
        close(lines->fd);
    }
    buf_finish(&lines->data);
    *lines = (struct lines){ 0 };
}
