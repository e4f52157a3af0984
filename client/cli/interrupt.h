/* client/cli/interrupt.h: ^C while a connection is open.
 *
 * The first one asks the server to cancel what runs on the connections that are watched, and makes
 * the command's blocking writes end (EINTR): the command goes its way of failure, which cleans up,
 * and main() then dies of SIGINT. A second one, or a command that has not ended after a moment,
 * dies at once. Without a watched connection SIGINT does what it always does. */
#pragma once

#include "client/pond.h"

#include <stdbool.h>

/* conn lives on `loop`. */
void interrupt_watch(struct pond_loop *loop, struct pond_conn *conn);
void interrupt_forget(const struct pond_conn *conn);

/* Can be read once ^C came, for those who poll; -1: no connection was watched yet. */
int interrupt_fd(void);

/* Waits so long, or until ^C. */
void interrupt_wait(int64_t ms);

/* ^C came: stop, without a message. */
bool interrupt_seen(void);

/* Dies of SIGINT when one came. */
void interrupt_end(void);
