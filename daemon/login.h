/* daemon/login.h: from a start-up packet to a session: who it is (auth.h proves it) and where he is
 * served (login.c), his database (login_database.c), his settings (login_params.c). All that is
 * taken is noted on the connection's scope. Worker's thread; all may await but where it says
 * otherwise. */
#pragma once

#include "base/buf.h"
#include "base/failure.h"
#include "daemon/auth.h"

struct connection;
struct named;
struct startup;

/* What is kept between the start-up packet and the session. */
struct login {
    struct buf packet; /* the start-up packet, whole */
    bool authenticated;
    struct auth auth;
};

/* Takes the names out of the packet, and keeps it: conn->login is there from now on. 0 or FAILED.
 * Does not await. */
must_check int login_accept(struct connection *conn, const struct startup *startup,
                            struct view packet, struct failure *ret_failure);
/* All of it is done. Does not await. */
void login_finish(struct connection *conn);

/* Which worker must serve this client? 0: this one; CONNECTION_MOVES, or FAILED. */
must_check int login_route(struct connection *conn, struct failure *ret_failure);

/* Then: lets him in. 0, FAILED, or -ECANCELED: he, or we, gave up waiting for a session. */
must_check int login_begin(struct connection *conn, const struct startup *startup,
                           struct failure *ret_failure);

/* ---- for login.c ---- */

/* It uses this named clone from now on; takes the reference. 0 or FAILED. Does not await. */
must_check int login_enter_named(struct connection *conn, struct named *named,
                                 struct failure *ret_failure);

/* A session of SQL on what the database's name stands for. As login_begin(). */
must_check int login_open_session(struct connection *conn, struct failure *ret_failure);

/* The database's defaults, then the packet's parameters. 0 or FAILED. */
must_check int login_set_params(struct connection *conn, const struct startup *startup,
                                struct failure *ret_failure);

/* Does the clone end with the connection? `SHOW pond.owner` tells, whatever was asked for. 0 or
 * FAILED. Does not await. */
must_check int login_settle_owner(struct connection *conn, struct failure *ret_failure);

/* 0 or FAILED. Does not await. */
must_check int login_refuse_replication(const struct startup *startup, struct failure *ret_failure);
