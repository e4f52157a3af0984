/* async/line.c: places stand in their waiters' stacks; whoever leaves without a call takes his
 * place away at once. */
#include "async/line.h"

#include "async/await_private.h"
#include "async/loop_private.h"

#include <assert.h>

struct line_wait {
    struct wait wait;
    struct line *line;
    struct line_place place;
};

static void line_leave(struct line *line, struct line_place *place)
{
    TAILQ_REMOVE(&line->places, place, entry);
    line->length--;
}

static void line_undo(struct wait *wait)
{
    struct line_wait *w = container_of(wait, struct line_wait, wait);

    line_leave(w->line, &w->place);
}

int await_line(struct line *line, void *item, int64_t deadline_us)
{
    struct task *task = task_current();
    int r = await_begin(task, deadline_us);

    if (r < 0) {
        return r;
    }
    struct line_wait w = {
        .wait.undo = line_undo,
        .line = line,
        .place = { .task = task, .item = item },
    };
    if (line->places.tqh_last == NULL) {
        TAILQ_INIT(&line->places); /* zero bytes are an empty line */
    }
    TAILQ_INSERT_TAIL(&line->places, &w.place, entry);
    line->length++;
    return task_park(task, deadline_us, &w.wait);
}

void line_call(struct line *line, struct line_place *place)
{
    assert(!place->called);
    place->called = true;
    line_leave(line, place);
    task_wake(place->task, 0);
}

bool line_call_first(struct line *line)
{
    struct line_place *first = TAILQ_FIRST(&line->places);

    if (first == NULL) {
        return false;
    }
    line_call(line, first);
    return true;
}

bool line_is_empty(const struct line *line)
{
    return line->length == 0;
}
