/* client/cli/clone.h: a fresh copy of a database, named DB~NAME, that is there for as long as its
 * owner's connection. Functions await; tasks of cli->loop, or outside of any. */
#pragma once

#include "client/cli/cli.h"
#include "client/cli/environment.h"

/* Zero bytes are none. */
struct clone {
    struct pond_conn *conn;
    char *password; /* that was said for it; NULL: none */
};

/* `database` as everywhere; name NULL: a random one. 0 or a kind; POND_USAGE when there is a
 * database of that name already. */
must_check int clone_open(struct cli *cli, const char *database, const char *name,
                          struct clone *ret_clone, struct pond_error *error);

/* It stays until somebody drops it. 0 or a kind. */
must_check int clone_keep(struct clone *clone, struct pond_error *error);

/* Until `fd` is readable: 0; or a kind: before that the clone is gone. In a task. */
must_check int clone_await(struct clone *clone, int fd, struct pond_error *error);

/* The clone is free when this returns 0, unless it is kept. Frees the connection in any case. */
int clone_end(struct clone *clone, struct pond_error *error);

/* Whom others connect to. As long as the clone is open. */
struct place clone_place(const struct clone *clone);
