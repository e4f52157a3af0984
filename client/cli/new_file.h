/* client/cli/new_file.h: a file that is there as a whole or not at all.
 *
 * It is written under a temporary name beside its own, synced, and renamed. "-" is standard output;
 * what is there and is no ordinary file (a device, a fifo) is written to as it is. */
#pragma once

#include "client/cli/output.h"

struct new_file {
    char *path;      /* NULL: nothing is open */
    char *temporary; /* NULL: it is written to directly */
    struct output out;
};

/* 0, or an exit code after a message. */
must_check int new_file_open(struct new_file *file, const char *path);
/* Writes the rest, and gives it its name. 0, or an exit code after a message. */
must_check int new_file_commit(struct new_file *file);
/* Closes it; what was not committed is gone. Zero bytes are fine. */
void new_file_finish(struct new_file *file);
