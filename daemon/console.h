/* daemon/console.h: the console: what the database `pond` is to its clients: commands in
 * PgBouncer's words that show what the daemon does, and change it. docs/console.md has them all.
 *
 * A connection of the console has no session, and none of its loop's statements waits for it.
 * console_login.c says who may use it, console_parse.c cuts a command into words, console.c has the
 * table of commands, console_show.c that of all that SHOW shows; console_pools.c and its like give
 * the rows. Serving task. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

struct connection;
struct msg_query;
struct writer;

enum console_access {
    CONSOLE_NONE,  /* zero: a connection that is none of the console's */
    CONSOLE_STATS, /* SHOW only */
    CONSOLE_ADMIN,
};

/* ---- console_login.c ---- */

/* Is that the name of the console? */
bool console_is_meant(const char *database);
/* Its owner needs no password: is it wanted by user "pond", over the unix socket, from a process of
 * root or of the daemon's own user? */
bool console_is_meant_by_owner(const struct connection *conn);
/* Sets conn->console. 0, or FAILED with 42501. Does not await. */
must_check int console_enter(struct connection *conn, struct failure *ret_failure);
/* The ParameterStatus messages. */
void console_greet(const struct connection *conn, struct writer *w);

/* ---- console.c ---- */

/* A simple query, answered up to ReadyForQuery. 0, CONNECTION_END or -errno. */
must_check int console_query(struct connection *conn, const struct msg_query *msg);
/* FAILED: what it says to Parse and the like. */
int console_refuse_extended(struct failure *ret_failure);
