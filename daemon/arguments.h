/* daemon/arguments.h: pondd's command line. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

enum { overrides_max = 256 };

enum arguments_mode { MODE_RUN, MODE_CHECK, MODE_VERSION, MODE_HELP };

struct arguments {
    enum arguments_mode mode;
    const char *file;
    int ready_fd; /* -1: none */
    const char *overrides[overrides_max];
    size_t override_count;
};

/* 0 or FAILED, whose message is one line for standard error. The strings are argv's. */
must_check int arguments_parse(int argc, char *const argv[], struct arguments *ret_arguments,
                               struct failure *ret_failure);

/* The text of --help; NUL-terminated, in static memory. */
const char *arguments_help(void);
