/* client/attempt.h: from one address of a server to ReadyForQuery. For the task of the call. */
#pragma once

#include "client/conninfo.h"
#include "client/connection.h"

/* conn->address and its length are set. 0, or a kind, and then it is closed. */
must_check int attempt_address(struct pond_conn *conn, const struct conninfo *info,
                               const struct conninfo_host *host, struct pond_error *error);

/* Puts the latest error behind those before it. */
void attempt_add_line(struct pond_error *all, const struct pond_error *one);
