/* daemon/linger.h: named clones that nobody uses any more, and that stay for a while (option
 * linger) in case somebody comes back. Worker's thread. */
#pragma once

#include "base/defs.h"

struct named;
struct worker;

/* Drops the clone when nobody has used it for so long. Once for each of them is enough: nothing
 * happens when it lingers already. 0 or -ENOMEM. */
must_check int linger_begin(struct worker *worker, struct named *named, int64_t linger_us);

/* It has been dropped. Fine when it does not linger. */
void linger_end(struct named *named);

/* Forgets all who wait; their clones stay where they are. */
void linger_finish(struct worker *worker);
