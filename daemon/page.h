/* daemon/page.h: the status page, as it lies in daemon/page/. Pure. */
#pragma once

#include "base/buf.h"

struct server;

/* The page lets only its own script run: each copy has a word of its own that says which that is.
 * 0, BUF_FULL, -ENOMEM or -errno. */
must_check int page_write(const struct server *server, struct buf *out);
