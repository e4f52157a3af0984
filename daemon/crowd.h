/* daemon/crowd.h: how many clients there are from each address (max_client_conn_per_addr).
 *
 * Any thread. An address is known as long as somebody is here from it. */
#pragma once

#include "base/defs.h"

struct address;
struct crowd;
struct crowd_place;

/* An answer: there are so many from there already. */
enum { CROWD_FULL = 50 };

/* 0 or -ENOMEM. */
must_check int crowd_create(struct crowd **ret_crowd);
/* All must have left. NULL is fine. */
void crowd_destroy(struct crowd *crowd);

/* Counts a client who has come by TCP, unless `most` are here from there. 0, CROWD_FULL or
 * -ENOMEM. */
must_check int crowd_enter(struct crowd *crowd, const struct address *from, size_t most,
                           struct crowd_place **ret_place);
void crowd_leave(struct crowd *crowd, struct crowd_place *place); /* NULL is fine */
