/* sql/series_table.h: pond_series(type, start, stop, step), the table-valued function that
 * generate_series() becomes under SQLite. Its columns are series_value and series_ordinality.
 *
 * Registered on a connection for good: views may name it. It finds the session's time zone as
 * functions find their sql_session. */
#pragma once

#include "base/defs.h"
#include "base/view.h"

struct sql_session;

/* 0 or -ENOMEM. */
must_check int series_table_register(struct sql_session *sql);
/* Is the call that starts here one of it? Then no function has to be registered for it. */
bool series_table_is_own(struct view text);
