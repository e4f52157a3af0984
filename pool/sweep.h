/* pool/sweep.h: lets go of a map without holding the loop: what of a large tree nobody sees any
 * more is freed by a task of its own, in short turns.
 *
 * To free a page costs a tenth of a microsecond, so that 10,000 of them would hold the loop for a
 * millisecond. (A helper thread would have the loop wait for malloc's lock instead.) Any thread;
 * each loop frees what was let go of on it. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct page_owner;
struct pagemap;

/* As pagemap_finish(), for a map whose pages and nodes `owner` paid: his account gets the first of
 * them back at once, the rest soon. */
void sweep_map(struct pagemap *map, struct page_owner *owner);

/* Frees at once what this thread has still to free: of this owner, or of all when it is NULL. True
 * when there was something, so that what did not fit may fit now. Does not await. */
must_check bool sweep_now(const struct page_owner *owner);

/* How many trees of the whole process are being freed now. */
size_t sweep_count(void);

/* For the end of a loop that was stopped: its sweep ends. On the loop's thread, outside of tasks.
 */
void sweep_finish(struct loop *loop);
