/* client/cli/tap.c: see tap.h. */
#include "client/cli/tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { shown_bytes = 64 * 1024, piece_bytes = 4096 };

void tap_begin(struct tap *tap, struct output *out, size_t count)
{
    *tap = (struct tap){ .out = out };
    output_printf(out, "TAP version 13\n1..%zu\n", count);
}

static void put_description(struct output *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '#' || *text == '\\') {
            output_byte(out, '\\');
        }
        output_byte(out, (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    }
}

void tap_test(struct tap *tap, bool ok, const char *description)
{
    tap->failed += !ok;
    output_printf(tap->out, "%sok %zu - ", ok ? "" : "not ", ++tap->number);
    put_description(tap->out, description);
    output_byte(tap->out, '\n');
}

/* The text's own newlines begin another line of diagnostics. */
static void put_lines(struct output *out, const char *text, size_t len, bool *at_start)
{
    for (size_t i = 0; i < len; i++) {
        if (*at_start) {
            output_str(out, "# ");
        }
        output_byte(out, text[i]);
        *at_start = text[i] == '\n';
    }
}

void tap_note(struct tap *tap, const char *format, ...)
{
    char text[2048];
    bool at_start = true;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put_lines(tap->out, text, strlen(text), &at_start);
    output_byte(tap->out, '\n');
}

void tap_file(struct tap *tap, int fd)
{
    char piece[piece_bytes];
    bool at_start = true;
    struct stat st;
    off_t at = fstat(fd, &st) == 0 && st.st_size > shown_bytes ? st.st_size - shown_bytes : 0;
    ssize_t n;

    if (at > 0) {
        tap_note(tap, "[the first %lld bytes are left out]", (long long)at);
    }
    while ((n = pread(fd, piece, sizeof(piece), at)) > 0) {
        put_lines(tap->out, piece, (size_t)n, &at_start);
        at += n;
    }
    if (!at_start) {
        output_byte(tap->out, '\n');
    }
}

void tap_bail_out(struct tap *tap, const char *why)
{
    output_str(tap->out, "Bail out! ");
    put_description(tap->out, why);
    output_byte(tap->out, '\n');
}
