/* daemon/probe.h: asks a database one query the way a client does: over a socket, by the protocol,
 * through every floor.
 *
 * The daemon says that it is ready only after each of its databases has answered. Awaits; tasks of
 * the server's loop. */
#pragma once

#include "base/failure.h"

struct server;

/* 0 when SELECT 1 gave a row before the deadline; FAILED with the server's own error, or ours. */
must_check int probe_database(struct server *server, const char *database, int64_t deadline_us,
                              struct failure *ret_failure);
