/* daemon/log.h: the daemon's log: one line per event on standard error, or one entry in the
 * journal when that is what reads it.
 *
 * Only daemon/ logs, once per failure, where it is decided. Lines about a connection begin with its
 * number in brackets (log_about). Control characters in a text are written as blanks, so that a
 * client cannot forge a line; what is longer than 2 KiB is cut. No parameter's value and no
 * password is ever put into a line. Lines over log_limit are left out, those of clients and the
 * daemon's own by counts of their own; so are lines for which there is no room, because the journal
 * hangs or nobody empties the pipe: no loop waits for a reader. A line says how many. Any thread
 * may call. */
#pragma once

#include "base/defs.h"
#include "base/failure.h"

#include <stdbool.h>

enum log_level { LEVEL_LOG, LEVEL_WARNING, LEVEL_ERROR, LEVEL_FATAL };

/* What a line is about: fields of its entry in the journal. Zero bytes: the daemon itself. */
struct log_about {
    bool of_client;     /* a client can have it logged, before he is let in, too */
    int32_t connection; /* 0: none, or not yet */
    const char *user;   /* these three may be NULL */
    const char *database;
    const char *sqlstate;
    int64_t duration_us; /* 0: none */
};

/* Before other threads log; without it lines go to standard error as people read them. Finds out
 * where they go: fields for the journal; a priority before each line (sd-daemon(3)) while the
 * journal's own socket is not there; else time, process and level. */
void log_open(void);

/* Does the journal get the lines? */
bool log_is_journal(void);

/* Lines a minute, for those of clients and for the daemon's own; 0: no limit. */
void log_set_limit(uint64_t lines);

void log_line(enum log_level level, const char *format, ...) printf_like(2, 3);
void log_about(enum log_level level, const struct log_about *about, const char *format, ...)
    printf_like(3, 4);

/* "what: SQLSTATE message (detail)". */
void log_failure(enum log_level level, const char *what, const struct failure *failure);

/* Now and then, and at the end: says how many lines were left out. */
void log_tell_left_out(bool at_once);
