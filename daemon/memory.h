/* daemon/memory.h: what is done before memory_limit is reached, so that those who are in can go on.
 *
 * From three quarters of it on, sessions that nobody uses are given up; from seven eighths on,
 * nobody new is let in. The last eighth is for those who are there, half of that for those of them
 * who have little (base/alloc.h): one who takes all that he gets does not stop the others. */
#pragma once

#include "base/failure.h"

struct connection;
struct server;

/* Before a statement begins: costs next to nothing while there is enough. Does not await. */
void memory_look(struct connection *conn);

/* Room for one more client: has the idle sessions given up, and waits for that, when there is
 * little. 0, FAILED with 53200, or -ECANCELED. Awaits. */
must_check int memory_await_room(struct connection *conn, struct failure *ret_failure);
