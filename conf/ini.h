/* conf/ini.h: INI text, line by line: [section], name = value, comments on lines of their own.
 *
 * Nothing is ever cut: a line that is too long, holds a control character or makes no sense is an
 * error with its number. (Debian's inih cuts values at 195 and sections at 49 bytes without a
 * word.) */
#pragma once

#include "base/failure.h"
#include "base/view.h"

enum { ini_line_bytes = 1024 }; /* longest line, without its end */

/* One line's content. The strings live for the call only. */
struct ini_item {
    const char *section; /* the section that the line is in; "" before the first */
    const char *name;    /* NULL: the line opens the section */
    const char *value;
    unsigned line; /* 1-based */
};

/* Called for each item; not 0 ends the parse. It sets ret_failure when it says FAILED. */
typedef int ini_fn(void *arg, const struct ini_item *item, struct failure *ret_failure);

/* 0, what fn said, or FAILED with "FILE:LINE: what was expected". */
must_check int ini_parse(const char *file, struct view text, ini_fn *fn, void *arg,
                         struct failure *ret_failure);
