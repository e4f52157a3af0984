/* pool/sweep.h: lets go of a map without holding the loop: what of a large tree nobody sees any
 * more is freed on a helper thread.
 *
 * To free a page costs a tenth of a microsecond, so that 10,000 of them would hold the loop for a
 * millisecond. Any thread. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct page_owner;
struct pagemap;

/* As pagemap_finish(), for a map whose pages and nodes `owner` paid: his account gets the first of
 * them back at once, the rest within milliseconds. */
void sweep_map(struct pagemap *map, struct page_owner *owner);

/* Waits until all that is on its way back to the owner's account is there. True when there was
 * something, so that what did not fit may fit now. Outside a task, or in one that was cancelled, it
 * does not wait. */
must_check bool sweep_await(struct page_owner *owner);

/* How many trees of the whole process are being freed now. */
size_t sweep_count(void);
