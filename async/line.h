/* async/line.h: a first-come waiting line of tasks of one loop. Zero bytes are a valid empty line.
 */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <sys/queue.h>

struct task;

struct line_place {
    TAILQ_ENTRY(line_place) entry;
    struct task *task;
    void *item; /* the waiter's own, for those who look through the line */
    bool called;
};
TAILQ_HEAD(line_places, line_place);

struct line {
    struct line_places places; /* first come first */
    size_t length;
};

/* Waits at the end of the line until line_call_first(). 0, -ETIMEDOUT or -ECANCELED; a waiter that
 * leaves by time-out or cancel leaves no trace, and one that was called has 0 even when a cancel
 * came in the same turn. */
must_check int await_line(struct line *line, void *item, int64_t deadline_us);

/* Calls the first; false when nobody waits. */
bool line_call_first(struct line *line);

/* Calls one who stands in the line, wherever: for lines in which some are held back. */
void line_call(struct line *line, struct line_place *place);

bool line_is_empty(const struct line *line);
