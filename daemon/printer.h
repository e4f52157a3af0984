/* daemon/printer.h: text for other programs, into a buffer: numbers, and names that are quoted as
 * they want it.
 *
 * Failure is sticky, as a writer's: print on, and ask at the end. */
#pragma once

#include "base/buf.h"

struct printer {
    struct buf *out;
    int result; /* 0, BUF_FULL or -ENOMEM: what is there is not all */
};

void print_text(struct printer *p, const char *text);
void printf_to(struct printer *p, const char *format, ...) printf_like(2, 3);

/* Microseconds as seconds: 1.500000 */
void print_seconds(struct printer *p, uint64_t us);

/* In double quotes, as JSON has it; also fit to stand inside of HTML. Valid UTF-8 stays so. */
void print_json(struct printer *p, struct view text);
/* The same as the value of a Prometheus label. */
void print_label(struct printer *p, const char *text);
