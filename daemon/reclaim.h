/* daemon/reclaim.h: what malloc has got from the system, so that what was freed is given back.
 *
 * malloc keeps freed memory that lies between pieces in use. After a crowd has left that may be
 * most of what it ever had: then memory_limit says that there is plenty, and the machine that there
 * is none. */
#pragma once

#include "base/defs.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Zero bytes are a valid one. It must outlive the loops. */
struct reclaim {
    atomic_bool works;               /* a helper thread gives back */
    _Atomic uint64_t resident_bytes; /* when that was done the last time */
};

/* Before there are threads: big blocks are mappings of their own, which go when they are freed. */
void reclaim_init(void);

/* Now and then, main loop: has a helper thread give back what is not used, if that is much. */
void reclaim_look(struct reclaim *reclaim);

/* Of the process; 0: nobody knows. */
uint64_t reclaim_resident_bytes(void);
