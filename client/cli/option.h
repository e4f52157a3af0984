/* client/cli/option.h: options as rows, which getopt_long() and --help are both made of.
 *
 * A row says where its value goes: `at` is an offset into the settings of its command, or, for the
 * options that all commands have, into struct cli_common. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdio.h>

enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char *: the argument itself, not a copy */
    OPTION_NUMBER,  /* long: at least 0 */
    OPTION_SECONDS, /* int64_t of milliseconds; fractions are fine */
    OPTION_CHOICE,  /* int: which of the words in `value`, which are parted by | */
    OPTION_LIST,    /* struct option_list: each time it is given */
};

struct option_list {
    const char **items;
    size_t count;
};

struct option_row {
    const char *name; /* without the -- */
    char letter;      /* 0: none */
    enum option_kind kind;
    size_t at;
    const char *value; /* how --help calls its argument; NULL: it takes none */
    const char *help;  /* one line, no full stop */
};

/* One table of rows and the object they fill. */
struct option_set {
    const struct option_row *rows;
    size_t count;
    void *into;
};

enum { OPTIONS_HELP = 1, OPTIONS_VERSION = 2 };
/* Reads the options of `sets` out of argv[1...], whose argv[0] is the command's name. What is left
 * are arguments, from argv[*ret_first] on: up to argv[argc], which is NULL. `first_only`: what
 * follows the first argument is not looked at. 0, OPTIONS_HELP, OPTIONS_VERSION (--help, --version
 * were there), or -1 after a message. */
must_check int options_read(int argc, char **argv, const struct option_set *sets, size_t set_count,
                            bool first_only, int *ret_first);

/* Lines for --help. */
void options_print(FILE *out, const struct option_row *rows, size_t count);

/* Frees the lists. */
void options_finish(const struct option_set *set);
