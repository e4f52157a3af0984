/* daemon/printer.c: see the header. */
#include "daemon/printer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void append(struct printer *p, const void *data, size_t len)
{
    if (p->result == 0) {
        p->result = buf_append(p->out, data, len);
    }
}

void print_text(struct printer *p, const char *text)
{
    append(p, text, strlen(text));
}

void printf_to(struct printer *p, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        p->result = p->result == 0 ? BUF_FULL : p->result;
        return;
    }
    append(p, text, (size_t)len);
}

void print_seconds(struct printer *p, uint64_t us)
{
    printf_to(p, "%" PRIu64 ".%06u", us / 1000000, (unsigned)(us % 1000000));
}

/* ---- quoting ---- */

static void put_json_byte(struct printer *p, uint8_t c)
{
    if (c == '"' || c == '\\') {
        append(p, (const uint8_t[]){ '\\', c }, 2);
    } else if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&') {
        printf_to(p, "\\u%04x", c);
    } else {
        append(p, &c, 1);
    }
}

void print_json(struct printer *p, struct view text)
{
    append(p, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        put_json_byte(p, text.data[i]);
    }
    append(p, "\"", 1);
}

static void put_label_byte(struct printer *p, char c)
{
    if (c == '"' || c == '\\') {
        append(p, (const char[]){ '\\', c }, 2);
    } else if (c == '\n') {
        append(p, "\\n", 2);
    } else {
        append(p, &c, 1);
    }
}

void print_label(struct printer *p, const char *text)
{
    append(p, "\"", 1);
    for (; *text != '\0'; text++) {
        put_label_byte(p, *text);
    }
    append(p, "\"", 1);
}
