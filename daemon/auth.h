/* daemon/auth.h: does a client prove that he is who he says? By the rules of the configuration
 * (conf/hba.h): not at all, by the kernel's word about the other end of a unix socket, by a
 * certificate, or by SCRAM.
 *
 * SCRAM is a conversation: between two messages no task stands, and who says nothing costs no more
 * than his connection and a struct auth. The daemon only compares; it derives no key from a
 * password. Serving task. */
#pragma once

#include "base/failure.h"
#include "protocol/scram.h"

#include <stdbool.h>

struct connection;
struct frame;

enum { AUTH_MORE = 20 }; /* the client must say more */

struct auth {
    bool begun; /* the client's first message was answered */
    struct scram_server scram;
};

/* 0: let him in; AUTH_MORE; FAILED: 28000; -ECANCELED: he, or we, gave up; -errno. May await. */
must_check int auth_begin(struct connection *conn, struct auth *auth, struct failure *ret_failure);
/* Takes his next message. The same, and FAILED with 28P01 and 08P01, CONNECTION_END. */
must_check int auth_continue(struct connection *conn, struct auth *auth, const struct frame *frame,
                             struct failure *ret_failure);
void auth_finish(struct auth *auth); /* zero bytes are fine */

/* Of a unix socket: is its other end root's, or the daemon's own user's, who could stop the daemon
 * by a signal? Any thread. */
bool auth_is_owner(int fd);
