/* client/cli/suite_item.h: what a suite runs: its items, and the command of each. Pure. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

/* The lines of a text, which it cuts in place; empty ones, and those that are blank, are left out.
 * The array ends with a NULL; mem_free() it. NULL: no memory. */
must_check char **suite_lines(char *text, size_t *ret_count);

/* The words to run for an item, and a NULL: `command` with each {} in it replaced by the item, or
 * with the item behind it; without a command the item itself: a program when it is a file, else a
 * line for sh. One block; mem_free() it. NULL: no memory. */
must_check char **suite_words(char *const *command, const char *item, bool is_file);
