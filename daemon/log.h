/* daemon/log.h: the daemon's log: one line per event on standard error.
 *
 * Only daemon/ logs, once per failure, where it is decided. Lines of connections begin with the
 * connection's number: log_line(LEVEL_LOG, "[%d] ...", pid). Any thread may call. */
#pragma once

#include "base/defs.h"
#include "base/failure.h"

enum log_level { LEVEL_LOG, LEVEL_WARNING, LEVEL_ERROR, LEVEL_FATAL };

/* Writes one line: time, process, level, text. Control characters in the text are written as
 * blanks, so that a client cannot forge a line; what is longer than 2 KiB is cut. */
void log_line(enum log_level level, const char *format, ...) printf_like(2, 3);

/* "what: SQLSTATE message (detail)". */
void log_failure(enum log_level level, const char *what, const struct failure *failure);
