/* async/gate.h: a semaphore of several budgets with one first-come line for tasks of all loops.
 *
 * A budget is a limit and what is used of it: one for each database, each user, the daemon. Who
 * wants in names the budgets that he counts against and gets a place in all of them at once, or
 * waits in the gate's line. Those who wait are served strictly first come first served among those
 * who could be served now: one held back by his own user's budget alone does not hold the others,
 * and nobody overtakes one who could be served.
 *
 * A gate is in its owner's memory, is shared by all threads and outlives its permits and waiters.
 * Budgets are their owners'; one must outlive those who use it or wait for it. */
#pragma once

#include "async/heap.h"
#include "async/lock.h"
#include "base/defs.h"

#include <stdbool.h>
#include <sys/queue.h>

enum {
    GATE_FULL = 2,        /* no room, and as many wait as may */
    gate_budgets_max = 4, /* that one permit counts against */
};

struct gate_waiter;
TAILQ_HEAD(gate_line, gate_waiter);

struct gate {
    struct lock lock; /* over all below and all that is in its budgets */
    struct gate_line line;
    int64_t numbers; /* drawn so far, one by each who waited */
};

/* Zero bytes but for limit and name are a valid budget that nobody uses. Once the gate knows it,
 * only the gate's functions touch it. */
struct budget {
    const char *name; /* for those who report that it is full */
    size_t limit;     /* 0: none */
    size_t used;      /* places */
    size_t waiting;   /* all who count against it, whatever holds them back */
    struct heap held; /* those of them that this budget, being full, holds back */
    bool closed;
    bool paused; /* as if it were full, whatever its limit */
};

/* A place in each of its budgets. Moved by copying; zero bytes are none. */
struct permit {
    struct gate *gate;
    struct budget *budgets[gate_budgets_max];
    size_t count;
    int64_t waited_us; /* in the line, by the loop's clock */
};

void gate_init(struct gate *gate);
void gate_finish(struct gate *gate); /* nobody may wait any more */

/* Gets a place in each of the budgets (no two may be the same): at once when all have room, for
 * then nobody who could be served stands in the line; else in the turn of its task. For the running
 * task.
 *
 * 0, or what comes instead and leaves no trace: -ETIMEDOUT, -ECANCELED, -ESHUTDOWN when a budget is
 * or gets closed, GATE_FULL when max_waiters already wait who count against the first budget (0:
 * never waits; SIZE_MAX: no limit). A grant that was on its way is kept: then it is 0 even when a
 * time-out or a cancel came meanwhile, as with a line. */
must_check int await_gate(struct gate *gate, struct budget *const *budgets, size_t count,
                          size_t max_waiters, int64_t deadline_us, struct permit *ret_permit);

/* Gives the places back and lets in who can be served now. Cannot fail; leaves an empty permit; an
 * empty one is fine. Any thread. */
void gate_release(struct permit *permit);

/* Sets a budget's limit and lets in who can be served now. Places in use beyond a lowered limit
 * stay until their release. Any thread. */
void gate_set_limit(struct gate *gate, struct budget *budget, size_t limit);

/* Nobody gets a place in the budget until the pause is ended: who comes waits. Permits stay good.
 * False: it is as it was. Any thread. */
bool gate_pause(struct gate *gate, struct budget *budget, bool paused);

/* From now on nobody gets a place in the budget, and who waits for one gets -ESHUTDOWN. Permits
 * stay good. Any thread. */
void gate_close(struct gate *gate, struct budget *budget);

/* For messages and statistics. Any thread. */
struct gate_stats {
    size_t limit;
    size_t used;
    size_t waiting;
    int64_t first_since_us; /* when the first who waits came; DEADLINE_NONE: nobody waits */
    bool paused;
};
void gate_stats(struct gate *gate, const struct budget *budget, struct gate_stats *ret_stats);

/* The first of these budgets that is full or paused just now, or NULL: what to blame a long wait
 * on. */
const struct budget *gate_find_full(struct gate *gate, struct budget *const *budgets, size_t count);
