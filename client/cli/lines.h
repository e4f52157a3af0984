/* client/cli/lines.h: a file, line by line. Zero bytes are no file. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct lines {
    int fd;           /* valid while `name` is set */
    const char *name; /* for messages; NULL: closed */
    uint64_t number;  /* of the line that was read last, from 1 */
    uint64_t bytes;   /* read so far */
    struct buf data;
    size_t start; /* of what has not been given out */
    bool at_end;
};

/* "-" is standard input. 0, or an exit code after a message. */
must_check int lines_open(struct lines *lines, const char *path);

enum { LINES_LINE = 1 };
/* LINES_LINE and the next line with its end, which lies there until the next call; 0: there is
 * none; below 0 after a message (^C: without one). */
must_check int lines_next(struct lines *lines, struct view *ret_line);
/* The first bytes of the file, before any line was read: up to `len`. Below 0 after a message. */
must_check int lines_peek(struct lines *lines, size_t len, struct view *ret_bytes);

void lines_close(struct lines *lines);
