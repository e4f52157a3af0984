/* daemon/reload.h: another configuration for a daemon that runs: the file read anew (SIGHUP, and
 * RELOAD in the console), or one option of the one that holds (SET).
 *
 * All that may fail comes first: reading, loading every seed, making ready what will hold. Then it
 * is put in its place, which cannot fail (daemon/server.h tells how the workers share it). So
 * whatever is wrong leaves everything as it was. What needs a restart stays as it is and is told.
 *
 * One at a time: who comes meanwhile waits for his turn. Tasks of any worker; all await. */
#pragma once

#include "async/gate.h"
#include "base/buf.h"
#include "base/failure.h"

#include <stdbool.h>

struct server;

/* 0; FAILED: 57P03, the daemon stops; or -ECANCELED. From then on the task cannot be cancelled
 * until the end, which is due. */
must_check int reload_begin(struct server *server, struct permit *ret_turn,
                            struct failure *ret_failure);
void reload_end(struct permit *turn);

/* ---- in his turn ---- */

/* `kept` gets a NUL-terminated sentence for each option that stays as it is until a restart. 0 or
 * FAILED; says so in the log. */
must_check int reload_file(struct server *server, struct buf *kept, struct failure *ret_failure);

/* Until the next reload. 0 or FAILED: 42704, 22023, 55P02. */
must_check int reload_option(struct server *server, const char *name, const char *value,
                             struct failure *ret_failure);

/* ---- at the end of the daemon ---- */

/* Is one under way? None begins any more, as `draining` is set. */
bool reload_runs(struct server *server);
