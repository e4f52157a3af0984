/* sql/portal_fetch.c: a portal's position among its rows, and FETCH and MOVE in all directions.
 * https://www.postgresql.org/docs/15/sql-fetch.html
 *
 * Forward it is the pool's cursor that counts; backward goes only one whose rows the pool has kept
 * (SCROLL) or can get again (sql/backward.h). PostgreSQL's rule for all that is not a plain step
 * (ABSOLUTE, LAST, FETCH 0) is kept to the letter, so that a NO SCROLL cursor fails in the same
 * places. */
#include "sql/portal.h"

#include "base/alloc.h"
#include "pool/session.h"

/* The position to go back from: 0 in front of the first row, rows + 1 behind the last. */
static uint64_t place_of(const struct portal *portal)
{
    return portal->at_end ? portal->pos + 1 : portal->pos;
}

/* Refused where PostgreSQL does, too. 0 or FAILED. */
static int make_scrollable(struct portal *portal, struct failure *ret_failure)
{
    if (portal->scrolls) {
        return cursor_keep_rows(portal->cursor, ret_failure);
    }
    failure_set(ret_failure, "55000", "cursor can only scan forward");
    failure_add(ret_failure, FIELD_HINT, "Declare it with SCROLL option to enable backward scan.");
    return FAILED;
}

static int give_row(struct portal *portal, struct row_sink *sink, const struct cell *cells,
                    struct failure *ret_failure)
{
    return sink == NULL
               ? 0
               : sink->row(sink, cells, plan_whole(portal->plan)->column_count, ret_failure);
}

static int go_forward(struct portal *portal, int64_t count, struct row_sink *sink, int64_t *rows,
                      struct failure *ret_failure)
{
    const struct cell *cells = NULL;
    int r = 0;

    for (*rows = 0; *rows < count && !portal->at_end && r == 0;) {
        r = portal_next(portal, &cells, ret_failure);
        if (r == CURSOR_END) {
            portal->at_end = true;
            return 0;
        }
        if (r != 0) {
            return r;
        }
        portal->pos++;
        ++*rows;
        r = give_row(portal, sink, cells, ret_failure);
    }
    return r;
}

/* Rows come youngest first. */
static int go_backward(struct portal *portal, int64_t count, struct row_sink *sink, int64_t *rows,
                       struct failure *ret_failure)
{
    uint64_t place = place_of(portal);
    const struct cell *cells = NULL;
    int r = 0;

    *rows = 0;
    if (make_scrollable(portal, ret_failure) != 0) {
        return FAILED;
    }
    while (*rows < count && place > 1 && r == 0) {
        place--;
        cursor_seek(portal->cursor, place - 1);
        r = cursor_next(portal->cursor, &cells, ret_failure);
        if (r != 0) {
            return r == CURSOR_END ? failure_set(ret_failure, "XX000", "a row has got lost") : r;
        }
        ++*rows;
        r = give_row(portal, sink, cells, ret_failure);
    }
    if (*rows < count && r == 0 && place > 0) {
        place = 0;
        cursor_seek(portal->cursor, 0);
    }
    portal->pos = place;
    portal->at_end = false;
    portal->state = PORTAL_OPEN;
    return r;
}

static int go(struct portal *portal, bool forward, int64_t count, struct row_sink *sink,
              int64_t *rows, struct failure *ret_failure)
{
    return forward ? go_forward(portal, count, sink, rows, ret_failure)
                   : go_backward(portal, count, sink, rows, ret_failure);
}

static int rewind_portal(struct portal *portal, struct failure *ret_failure)
{
    if (portal->pos == 0 && !portal->at_end) {
        return 0;
    }
    if (make_scrollable(portal, ret_failure) != 0) {
        return FAILED;
    }
    cursor_seek(portal->cursor, 0);
    portal->pos = 0;
    portal->at_end = false;
    portal->state = PORTAL_OPEN;
    return 0;
}

/* Row number `count` from the start: from where we are when that is nearer. */
static int fetch_from_start(struct portal *portal, int64_t count, struct row_sink *sink,
                            int64_t *rows, struct failure *ret_failure)
{
    uint64_t wanted = (uint64_t)count;
    uint64_t place = place_of(portal);
    int64_t skipped;
    int r = 0;

    if (wanted - 1 <= portal->pos / 2) {
        r = rewind_portal(portal, ret_failure);
        place = 0;
    } else if (wanted <= place) {
        r = go_backward(portal, (int64_t)(place - wanted + 1), NULL, &skipped, ret_failure);
        place = wanted - 1;
    }
    if (r == 0 && wanted > place + 1) {
        r = go_forward(portal, (int64_t)(wanted - place - 1), NULL, &skipped, ret_failure);
    }
    return r == 0 ? go_forward(portal, 1, sink, rows, ret_failure) : r;
}

/* Row number `count` from the end: 1 is the last. */
static int fetch_from_end(struct portal *portal, int64_t count, struct row_sink *sink,
                          int64_t *rows, struct failure *ret_failure)
{
    int64_t skipped;
    int r = go_forward(portal, FETCH_ALL, NULL, &skipped, ret_failure);

    if (r == 0 && count > 1) {
        r = go_backward(portal, count - 1, NULL, &skipped, ret_failure);
    }
    return r == 0 ? go_backward(portal, 1, sink, rows, ret_failure) : r;
}

static int fetch_absolute(struct portal *portal, int64_t count, struct row_sink *sink,
                          int64_t *rows, struct failure *ret_failure)
{
    *rows = 0;
    if (count > 0) {
        return fetch_from_start(portal, count, sink, rows, ret_failure);
    }
    if (count < 0) {
        return fetch_from_end(portal, count == INT64_MIN ? FETCH_ALL : -count, sink, rows,
                              ret_failure);
    }
    return rewind_portal(portal, ret_failure);
}

static int fetch_relative(struct portal *portal, int64_t count, struct row_sink *sink,
                          int64_t *rows, struct failure *ret_failure)
{
    bool forward = count > 0;
    int64_t steps = forward ? count : count == INT64_MIN ? FETCH_ALL : -count;
    int64_t skipped;
    int r = 0;

    *rows = 0;
    if (steps > 1) {
        r = go(portal, forward, steps - 1, NULL, &skipped, ret_failure);
    }
    return r == 0 ? go(portal, forward, 1, sink, rows, ret_failure) : r;
}

/* FETCH 0 gives the current row again; MOVE 0 only counts it. */
static int fetch_current(struct portal *portal, struct row_sink *sink, int64_t *rows,
                         struct failure *ret_failure)
{
    bool on_row = portal->pos > 0 && !portal->at_end;
    int64_t skipped;
    int r = 0;

    *rows = on_row;
    if (!on_row || sink == NULL) {
        return 0;
    }
    r = go_backward(portal, 1, NULL, &skipped, ret_failure);
    return r == 0 ? go_forward(portal, 1, sink, rows, ret_failure) : r;
}

static int fetch_steps(struct portal *portal, bool forward, int64_t count, struct row_sink *sink,
                       int64_t *rows, struct failure *ret_failure)
{
    if (count < 0) {
        forward = !forward;
        count = count == INT64_MIN ? FETCH_ALL : -count;
    }
    if (count == 0) {
        return fetch_current(portal, sink, rows, ret_failure);
    }
    if (!forward && count == FETCH_ALL && sink == NULL) {
        uint64_t place = place_of(portal);

        *rows = place > 0 ? (int64_t)place - 1 : 0;
        return rewind_portal(portal, ret_failure);
    }
    return go(portal, forward, count, sink, rows, ret_failure);
}

/* Has the statement begun, or is it over? 0 or FAILED. */
static int make_ready(struct portal *portal, struct failure *ret_failure)
{
    const struct plan *plan = plan_whole(portal->plan);

    if (portal == portal->sql->running || portal->filling || portal->state == PORTAL_FAILED) {
        return portal_refuse_run(portal, ret_failure);
    }
    if (!sql_plan_returns_rows(plan)) {
        return failure_set(ret_failure, "0A000",
                           "FETCH from a portal of a statement without rows is not supported");
    }
    if (portal->cursor != NULL || portal->store != NULL || portal->state == PORTAL_DONE) {
        return 0;
    }
    portal->state = PORTAL_OPEN;
    return plan->verb != NULL ? portal_store_fill(portal, ret_failure)
                              : portal_open(portal, ret_failure);
}

static int run_fetch(struct portal *portal, const struct fetch *fetch, int64_t *rows,
                     struct failure *ret_failure)
{
    switch (fetch->direction) {
    case FETCH_ABSOLUTE:
        return fetch_absolute(portal, fetch->count, fetch->sink, rows, ret_failure);
    case FETCH_RELATIVE:
        if (fetch->count != 0) {
            return fetch_relative(portal, fetch->count, fetch->sink, rows, ret_failure);
        }
        return fetch_current(portal, fetch->sink, rows, ret_failure);
    case FETCH_FORWARD:
    case FETCH_BACKWARD:
        break;
    }
    return fetch_steps(portal, fetch->direction == FETCH_FORWARD, fetch->count, fetch->sink, rows,
                       ret_failure);
}

int portal_fetch(struct portal *portal, const struct fetch *fetch, int64_t *ret_rows,
                 struct failure *ret_failure)
{
    if (make_ready(portal, ret_failure) != 0) {
        return FAILED;
    }
    int r = run_fetch(portal, fetch, ret_rows, ret_failure);
    if (r == FAILED) {
        portal->state = PORTAL_FAILED; /* a FETCH that it cannot do ends it, too */
    }
    return r;
}
