/* client/cli/password.h: a password that somebody types, or that stands on standard input. */
#pragma once

#include "base/buf.h"

enum { password_most_bytes = 64 * 1024 };

/* From the terminal, without echo and twice, when standard input is one; else the first line of
 * standard input. The caller wipes *ret_password (buf_wipe). 0, or an exit code after a message. */
must_check int password_read(struct buf *ret_password);
