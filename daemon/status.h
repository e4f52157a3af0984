/* daemon/status.h: what the status page asks for each second, in JSON. */
#pragma once

#include "base/buf.h"

struct server;

/* Awaits, and gives up its turn on the way. 0, BUF_FULL or -ENOMEM. */
must_check int status_write(const struct server *server, struct buf *out);
