/* daemon/stats.h: what the daemon has counted, for whoever looks after it. */
#pragma once

#include "base/buf.h"

struct server;

/* One line of name=value pairs, of all workers together. Awaits. 0 or -ENOMEM. */
must_check int stats_line(const struct server *server, struct buf *out);

/* Writes that line to the log (SIGUSR1), in a task of its own on the main loop. */
void stats_log(struct server *server);

/* What matters most of it in a few words, for people. Awaits. 0, BUF_FULL or -ENOMEM. */
must_check int stats_status(const struct server *server, struct buf *out);
