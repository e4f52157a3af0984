/* client/cli/shared.h: commands that change a database for others need one that others share. */
#pragma once

#include "client/cli/cli.h"

/* A connection to one of pond's templates has a private copy, which ends with the connection: what
 * is done to it would be lost. 0, or an exit code after a message. */
must_check int shared_check(struct pond_conn *conn);

/* Connects, checks, and runs the statement for its effect. 0, or an exit code after a message. */
must_check int shared_call(struct cli *cli, const char *database, const char *sql,
                           const struct pond_value *values, size_t count);
