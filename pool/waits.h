/* pool/waits.h: who waits for whom among the sessions of a clone: for its writer's place, for its
 * advisory locks. Loop's thread. */
#pragma once

#include "base/failure.h"

struct session;

/* For a session that has noted what it is about to wait for. 0, or FAILED with 40P01: those that
 * it would wait for wait, in the end, for it. */
must_check int waits_check_circle(struct session *session, struct failure *ret_failure);
