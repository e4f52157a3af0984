/* client/cli/caller.h: the shell that pond was called by. */
#pragma once

#include "base/defs.h"

#include <sys/types.h>

/* Our parent; but in $(pond ...) that may be a copy of the shell that is about to end, and writes
 * into the same pipe as we do: then the first of its ancestors that does not. */
pid_t caller_shell(void);
