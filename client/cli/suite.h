/* client/cli/suite.h: many commands, each with a database of its own, some at a time, and what
 * came of them as TAP version 13 on standard output. */
#pragma once

#include "client/cli/cli.h"

struct suite_options {
    struct cli *cli;
    const char *database;
    size_t jobs;    /* so many at a time; not 0 */
    char **files;   /* up to a NULL; none: lines of standard input */
    char **command; /* up to a NULL: what each file or line is an argument of; none, or NULL: each
                       is a command itself */
    bool keep_on_failure;
};

/* 0, 1 when one of them failed, CLI_OWN, or 128 and the signal that stopped it. */
must_check int suite_run(const struct suite_options *options);
