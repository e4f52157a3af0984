/* client/cli/progress.h: one line on stderr about work that takes longer than a second.
 *
 * Shown only when stderr is a terminal and --quiet was not given. One piece of work at a time. The
 * line is drawn by progress_add() and, while a call of libpond's waits, by a task on the loop. */
#pragma once

#include "client/cli/cli.h"

enum progress_unit { PROGRESS_ROWS, PROGRESS_BYTES };

/* total: how many there will be; 0: nobody knows. */
void progress_begin(const struct cli *cli, enum progress_unit unit, uint64_t total);
/* So many more are done. */
void progress_add(uint64_t count);
/* Takes the line away, because something else is written to the terminal; it comes again. */
void progress_hide(void);
/* Takes the line away for good. */
void progress_end(void);

/* ---- pure ---- */

enum { progress_line_bytes = 120 };
/* "1,234,567 rows in 12 s", "12.3 of 45.6 MB in 3 s". */
void progress_write(char line[static progress_line_bytes], enum progress_unit unit, uint64_t done,
                    uint64_t total, int64_t ms);
