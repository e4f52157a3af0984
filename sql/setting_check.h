/* sql/setting_check.h: checks of single settings: what is right for a value, and how SHOW prints
 * it. Pure. */
#pragma once

#include "sql/settings.h"

/* By the row's type. */
must_check int setting_check_typed(const struct setting_row *row, const char *value,
                                   struct buf *canonical, struct failure *ret_failure);

typedef int setting_check_fn(const struct setting_row *row, const char *value, const char *current,
                             struct buf *canonical, struct failure *ret_failure);
setting_check_fn setting_check_datestyle;
setting_check_fn setting_check_timezone;
setting_check_fn setting_check_encoding;
setting_check_fn
    setting_check_printable;       /* application_name: other than printable ASCII becomes '?' */
setting_check_fn setting_check_on; /* standard_conforming_strings: 'on' only */

/* Parses "ISO, DMY" (any case, either part may be missing). False: a bad or conflicting word,
 * *ret_bad (may be NULL: conflict). */
bool datestyle_parse(const char *text, enum date_output *output, enum date_order *order,
                     struct view *ret_bad);

/* A number with an optional unit: in the row's unit. 0, or FAILED. */
must_check int setting_parse_number(const struct setting_row *row, const char *text,
                                    double *ret_number, struct failure *ret_failure);
