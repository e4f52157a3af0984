/* daemon/health.h: /healthz and /readyz: for whoever restarts the daemon when it does not answer,
 * and for whoever sends clients to it when it does. */
#pragma once

#include "base/buf.h"

struct server;

/* An answer: not well, and `out` says why. */
enum { HEALTH_BAD = 49 };

/* Every loop answers; one that does not leaves the question open, which is the worst answer.
 * Awaits. 0 or -ENOMEM. */
must_check int health_live(const struct server *server, struct buf *out);

/* The start is over and the end has not begun. One that is full is ready, too: whom it refuses it
 * tells why, and those who are sent elsewhere for it would fill the others. 0, HEALTH_BAD or
 * -ENOMEM. Main loop. */
must_check int health_ready(const struct server *server, struct buf *out);
