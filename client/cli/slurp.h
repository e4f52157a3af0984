/* client/cli/slurp.h: a whole file as one string. */
#pragma once

#include "base/buf.h"

enum { slurp_most_bytes = 256 * 1024 * 1024 };

/* Of standard input when the path is "-". The text ends with a NUL that len does not count; a byte
 * order mark at its beginning is left out. 0, or an exit code after a message. */
must_check int slurp_text(const char *path, struct buf *ret_text);
