/* sql/regex_weight.h: what the C library will make of a regular expression.
 *
 * Its compiler writes repetitions out: 'a{255}' is 255 nodes, '((a{255}){255}){255}' more than any
 * machine has, and '+' doubles what stands before it. Its matcher tries every way through a
 * back-reference. Neither asks anybody or can be stopped, so a pattern is weighed before. */
#pragma once

#include "base/defs.h"
#include "base/view.h"

enum {
    regex_weight_max = 5000, /* nodes after writing out */
    regex_repeat_max = 255,  /* PostgreSQL's own */
    regex_nesting_max = 100,
};

enum regex_verdict {
    REGEX_FITS,
    REGEX_TOO_COMPLEX,
    REGEX_BAD_REPEAT,
    REGEX_BACK_REFERENCE,
};

/* Weighs an extended POSIX pattern. A malformed one gets any verdict: regcomp() words the error.
 * *ret_weight is set with REGEX_FITS only. */
must_check enum regex_verdict regex_weigh(struct view pattern, size_t *ret_weight);
