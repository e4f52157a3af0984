/* protocol/json.h: is a text one JSON value? No recursion; depth is bounded. Pure; any thread. */
#pragma once

#include "base/failure.h"

enum { json_depth_max = 1000 };

/* 0, or FAILED: 22P02 in PostgreSQL's words, 54001 when it is nested too deep. */
must_check int json_check(struct view text, struct failure *ret_failure);
