/* protocol/saslprep.h: how a password is written before it is hashed (RFC 4013), so that the same
 * letters typed on two machines are the same password. As PostgreSQL does it on both sides: ASCII
 * stays as it is, and so does what has no such form: invalid UTF-8, unassigned or prohibited
 * characters. Any thread. */
#pragma once

#include "base/buf.h"

/* Appends the prepared password to `out`, which the caller wipes (buf_wipe). 0, BUF_FULL or
 * -ENOMEM. */
must_check int saslprep(struct view password, struct buf *out);
