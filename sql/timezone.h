/* sql/timezone.h: time zones by name, out of the system's zoneinfo files or as PostgreSQL's fixed
 * and POSIX forms.
 *
 * Parsed zones are kept for the life of the process in one append-only list (a zone is a few KiB,
 * and there are no more of them than files; POSIX forms are capped). Any thread; a lent zone lives
 * for ever. */
#pragma once

#include "base/defs.h"
#include "base/view.h"

struct zone;

enum { TIMEZONE_UNKNOWN = 1 };

/* 'UTC', 'Europe/Berlin' (letters in any case), '+02', '2', '-3.5', '<+02>-02', 'EST5EDT'. Reads a
 * small file at the first use of a name. 0, TIMEZONE_UNKNOWN or -ENOMEM. */
must_check int timezone_find(struct view name, const struct zone **ret_zone);

/* As SHOW TimeZone prints it. */
const char *timezone_name(const struct zone *zone);

/* Seconds east of UTC at that instant (seconds since 1970), or at that local time. In a gap the
 * offset before it is used, where a time exists twice the later (standard) one, as PostgreSQL does.
 * Fits value_style.utc_offset. */
int32_t timezone_offset(const void *zone, int64_t seconds, bool is_local);
