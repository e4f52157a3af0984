/* client/cli/output.c: see output.h. */
#include "client/cli/output.h"

#include "base/buf.h"
#include "client/cli/cli.h"
#include "client/cli/interrupt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void output_init(struct output *out, int fd, const char *name)
{
    out->fd = fd;
    out->memory = NULL;
    out->name = name;
    out->error = 0;
    out->len = 0;
}

void output_init_memory(struct output *out, struct buf *memory)
{
    output_init(out, -1, "memory");
    out->memory = memory;
}

static void write_all(struct output *out, const char *data, size_t len)
{
    if (out->memory != NULL) {
        if (out->error == 0 && buf_append(out->memory, data, len) != 0) {
            out->error = ENOMEM;
        }
        return;
    }
    while (len > 0 && output_is_fine(out)) {
        ssize_t n = write(out->fd, data, len);

        if (n >= 0) {
            data += n;
            len -= (size_t)n;
        } else if (errno != EINTR) {
            out->error = errno;
        }
    }
}

void output_flush(struct output *out)
{
    write_all(out, out->data, out->len);
    out->len = 0;
}

void output_write(struct output *out, const char *data, size_t len)
{
    if (len > output_bytes - out->len) {
        output_flush(out);
    }
    if (len > output_bytes) {
        write_all(out, data, len);
        return;
    }
    memcpy(out->data + out->len, data, len);
    out->len += len;
}

void output_str(struct output *out, const char *s)
{
    output_write(out, s, strlen(s));
}

void output_printf(struct output *out, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        out->error = out->error != 0 ? out->error : ENOMEM;
        return;
    }
    output_write(out, text, (size_t)len);
    free(text);
}

bool output_is_fine(const struct output *out)
{
    return out->error == 0 && !interrupt_seen();
}

int output_end(struct output *out)
{
    output_flush(out);
    if (out->error != 0) {
        cli_complain("could not write to %s: %s", out->name, strerror(out->error));
    }
    return output_is_fine(out) ? CLI_OK : CLI_FAILED;
}
