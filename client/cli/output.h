/* client/cli/output.h: stdout or a file, through a buffer, with every write checked.
 *
 * The first failure is kept and what follows goes nowhere; output_end() tells it. Writes block. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <string.h>

enum { output_bytes = 64 * 1024 };

struct buf;

struct output {
    int fd;
    struct buf *memory; /* not NULL: into there instead */
    const char *name;   /* for the message */
    int error;          /* errno of the first write that failed */
    size_t len;
    char data[output_bytes];
};

void output_init(struct output *out, int fd, const char *name);
void output_init_memory(struct output *out, struct buf *memory);

void output_write(struct output *out, const char *data, size_t len);
void output_str(struct output *out, const char *s);
void output_printf(struct output *out, const char *format, ...) printf_like(2, 3);

static inline void output_byte(struct output *out, char c)
{
    if (out->len == output_bytes) {
        output_write(out, &c, 1);
    } else {
        out->data[out->len++] = c;
    }
}

/* False: it has failed, or ^C came: nothing that is written will be seen. */
bool output_is_fine(const struct output *out);

/* Writes what is in the buffer. */
void output_flush(struct output *out);

/* Flushes; 0, or an exit code after a message. ^C counts as a failure without one. */
must_check int output_end(struct output *out);
