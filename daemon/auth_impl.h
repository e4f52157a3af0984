/* daemon/auth_impl.h: what the files of auth.h share. */
#pragma once

#include "daemon/auth.h"

#include <sys/socket.h>

/* ---- auth_peer.c ---- */

/* What the kernel says of the other end of a unix socket; false: it is none. */
bool auth_peer(const struct connection *conn, struct ucred *ret_peer);

/* Is it the daemon's own end of a socket pair, by which it asks itself whether it is ready? */
bool auth_is_own(const struct connection *conn);

/* Is the user of the system at the other end called as he says? Awaits: names may come from far
 * away. 0, FAILED or -ECANCELED. */
must_check int auth_check_peer(struct connection *conn, struct failure *ret_failure);

/* ---- auth_scram.c ---- */

/* Asks for a password. AUTH_MORE, FAILED or -errno. */
must_check int auth_ask(struct connection *conn, struct auth *auth, struct failure *ret_failure);
