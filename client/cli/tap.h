/* client/cli/tap.h: TAP version 13, as far as a suite needs it.
 *
 * Tests are numbered in the order in which they end, so that the numbers rise. What a description
 * may not hold is escaped (#, \) or becomes a ? (control characters). */
#pragma once

#include "client/cli/output.h"

struct tap {
    struct output *out;
    size_t number; /* of the last test */
    size_t failed;
};

/* The version and how many tests there will be. */
void tap_begin(struct tap *tap, struct output *out, size_t count);
void tap_test(struct tap *tap, bool ok, const char *description);
/* A line of diagnostics. */
void tap_note(struct tap *tap, const char *format, ...) printf_like(2, 3);
/* All of a file, or its end when it is long, as lines of diagnostics. */
void tap_file(struct tap *tap, int fd);
void tap_bail_out(struct tap *tap, const char *why);
