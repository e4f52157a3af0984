/* daemon/deadline.h: the time-outs of one connection: login, idleness, idleness in a transaction;
 * and the last words of one that the daemon ends.
 *
 * One timer serves them all. It is set again only when it would fire too late; when it fires too
 * early it looks at the deadline and goes on. So a time-out costs no event per statement. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct connection;

void deadline_begin_login(struct connection *conn);
/* The same time-out goes on, with a timer that is not set. */
void deadline_resume_login(struct connection *conn);
/* The idleness that begins now; the client may be in a transaction. */
void deadline_begin_idle(struct connection *conn);
/* The timer shall fire then at the latest. */
void deadline_look_after_us(struct connection *conn, int64_t us);
/* The timer fired: is it over? Then conn->goodbye says what. */
bool deadline_passed(struct connection *conn);

/* Tells the client why it must go (conn->goodbye). CONNECTION_END or -errno. */
must_check int deadline_say_goodbye(struct connection *conn);
