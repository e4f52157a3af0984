/* daemon/journal.h: the system's journal, when it is what reads standard error.
 * https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
 *
 * Not libsystemd's sd_journal_send(), which waits for a journal that does not keep up: a loop must
 * not. Any thread may send once it is open. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

/* Does the journal read this descriptor ($JOURNAL_STREAM)? */
bool journal_reads(int fd);

/* The socket of a journal that listens at the path; NULL: the system's. 0 or -errno. Never closed.
 */
must_check int journal_open(const char *path);

/* One entry, of lines NAME=value. 0 or -errno: -EAGAIN when the journal does not keep up, others
 * when it is gone. Never blocks. */
must_check int journal_send(const char *entry, size_t len);
