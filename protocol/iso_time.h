/* protocol/iso_time.h: dates and timestamps in the form in which they are stored, read back at
 * speed. Whatever is not exactly what date_write() and timestamp_write() print in ISO style for the
 * years 1 to 9999 is none: false, and the caller looks closer. Pure; any thread. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

/* "2024-01-31": days since 2000-01-01 */
bool iso_date_read(struct view text, int64_t *ret_days);

/* "2024-01-31 10:00:00", with up to six digits of a fraction that does not end in 0: microseconds
 * since 2000-01-01 */
bool iso_timestamp_read(struct view text, int64_t *ret_us);
