/* daemon/notify.h: what was said on channels that a client listens to, on its way to that client.
 * It waits while the client is in a transaction. */
#pragma once

#include "daemon/connection_impl.h"

enum { notify_waiting_most = 16 << 20 }; /* bytes; a client that lets more wait is cut off */

/* sql/host.h's. For any task of the connection's loop. */
void host_notification(void *host, int32_t pid, struct view channel, struct view payload);

/* Is there something to send, and may it be sent now? */
bool notify_is_due(const struct connection *conn);

/* Puts what is due into the output, between two other messages. 0 or -errno. */
must_check int notify_send(struct connection *conn);
