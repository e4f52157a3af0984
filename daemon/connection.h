/* daemon/connection.h: one client, from accept to the end of its scope.
 *
 * An idle connection is a socket, a read event and its session; while it has work a task serves it.
 * Worker's thread. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct address;
struct connection;
struct worker;

/* Takes the accepted, non-blocking socket; serves the client until it ends, and then frees
 * everything. Over max_client_conn the client is told 53300 and closed. 0 or -errno (the socket is
 * closed then too). */
must_check int connection_start(struct worker *worker, int fd, const struct address *from);

/* Shutdown: an idle client gets FATAL 57P01 at once; a running statement may finish (or is stopped,
 * when `now`) and its client then gets the same. */
void connection_shutdown(struct connection *connection, bool now);

/* The same for every connection of the worker. */
void connections_shutdown(struct worker *worker, bool now);
