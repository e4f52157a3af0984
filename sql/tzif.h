/* sql/tzif.h: a reader of zoneinfo files (RFC 8536) and of the POSIX rule in their last line. Pure
 * but for reading. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

/* When daylight time starts or ends, by standard local time. */
struct tz_change {
    char kind; /* 'M': month, week, day · 'J': day 1..365 without leap day · '0': day 0..365 */
    int month, week, day;
    int32_t time; /* seconds after midnight; may pass a day */
};

/* "CET-1CEST,M3.5.0,M10.5.0/3". Offsets are seconds east. */
struct tz_rule {
    int32_t std_offset, dst_offset;
    bool has_dst;
    struct tz_change start, end;
};

must_check int tz_rule_parse(const char *text, struct tz_rule *ret_rule); /* 0 or -EINVAL */
int32_t tz_rule_offset(const struct tz_rule *rule, int64_t utc);

struct tzif;

/* 0, -ENOMEM, -EINVAL or the errno of open(). */
must_check int tzif_load(const char *path, struct tzif **ret_tzif);
void tzif_destroy(struct tzif *tzif);
int32_t tzif_offset(const struct tzif *tzif, int64_t utc);
