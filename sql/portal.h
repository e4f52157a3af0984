/* sql/portal.h: a bound plan on its way through its rows; what verbs see of it.
 *
 * Owned by the session's table of portals. */
#pragma once

#include "base/cell.h"
#include "pool/row_sink.h"
#include "sql/plan.h"
#include "sql/session_state.h"

struct cursor;
struct portal_store;

enum portal_state { PORTAL_READY, PORTAL_OPEN, PORTAL_DONE, PORTAL_FAILED };

struct portal {
    struct sql_session *sql;
    struct plan *plan; /* counted */
    struct plan *told; /* counted; the one whose columns were told, if `plan` took its place */
    const struct cell *params;
    struct cell *params_owned; /* mem_free; NULL: the plan's literals or none */
    size_t param_count;
    enum portal_state state;
    struct cursor *cursor;
    int64_t rows; /* given by this sql_run() */
    uint64_t txn; /* sql_session.txn_number that it belongs to */
    size_t
        depth; /* savepoints that there were when it was bound: ROLLBACK TO one of them ends it */
    bool holdable; /* outlives its transaction (DECLARE ... WITH HOLD, once its rows are kept) */
    bool filling;  /* its store is: it may not be run meanwhile */
    struct portal *next_doomed; /* closed by its own statement: freed when that is over */
    struct plan *declared_by;   /* DECLARE CURSOR's; counted. NULL: a portal of Bind */
    bool scrolls;               /* may go backward: SCROLL, or */
    bool rewinds;               /* neither it nor NO SCROLL was said, and its plan can */
    bool binary;
    bool at_end;     /* behind the last row */
    uint64_t pos;    /* rows passed; the current row is number pos, unless at_end */
    int64_t made_us; /* wall clock; for pg_cursors */
    int16_t *formats;
    size_t format_count;
    struct portal_store *store; /* a verb's rows, when not all were wanted at once; NULL: none */
    char tag[64];
};

void portals_sweep(struct sql_session *sql); /* frees those that closed themselves */
/* Has the portal's transaction, or the savepoint under it, ended? Then it is as good as closed. */
bool portal_is_over(const struct portal *portal);
struct portal *portal_find(struct sql_session *sql, struct view name); /* NULL: none */
void portals_end(struct sql_session *sql); /* removes those that are over */
/* ROLLBACK TO savepoint `number` (0: the oldest) ends those bound since; RELEASE makes them its
 * parent's. */
void portals_rollback_to(struct sql_session *sql, size_t number);
void portals_release(struct sql_session *sql, size_t number);

/* portal.c: another plan of the same text, which gives the same columns. 0 or FAILED. */
must_check int portal_renew(struct portal *portal, struct failure *ret_failure);

/* Starts the statement of a portal of ordinary SQL: takes the snapshot. 0 or FAILED. */
must_check int portal_open(struct portal *portal, struct failure *ret_failure);
/* The verb's statement, all its rows to the sink. 0, FAILED or -errno. */
must_check int portal_run_verb(struct portal *portal, struct row_sink *sink,
                               struct failure *ret_failure);
/* 55000 "portal NAME cannot be run". Returns FAILED. */
int portal_refuse_run(const struct portal *portal, struct failure *ret_failure);
/* The next row: 0, CURSOR_END or FAILED. Its cells live as long as nothing else is asked. */
must_check int portal_next(struct portal *portal, const struct cell **ret_cells,
                           struct failure *ret_failure);

/* ---- portal_store.c: SHOW, EXPLAIN and FETCH give all their rows at once; who wants them page by
 * page, or by FETCH from their portal, gets them from here ---- */

/* Runs the verb. 0 or FAILED. */
must_check int portal_store_fill(struct portal *portal, struct failure *ret_failure);
must_check int portal_store_next(struct portal_store *store, const struct cell **ret_cells,
                                 struct failure *ret_failure); /* 0, CURSOR_END or FAILED */
void portal_store_destroy(struct portal_store *store);         /* NULL is fine */

/* FETCH and MOVE, as PostgreSQL's DoPortalRunFetch. */
enum fetch_direction { FETCH_FORWARD, FETCH_BACKWARD, FETCH_ABSOLUTE, FETCH_RELATIVE };
#define FETCH_ALL INT64_MAX
struct fetch {
    enum fetch_direction direction;
    int64_t count;
    struct row_sink *sink; /* NULL: MOVE */
};
/* portal_fetch.c. 0 and the rows, FAILED or the sink's -errno. */
must_check int portal_fetch(struct portal *portal, const struct fetch *fetch, int64_t *ret_rows,
                            struct failure *ret_failure);
void portal_destroy(void *portal); /* for the table of portals; NULL is fine */

void portal_set_tag(struct portal *portal, const char *format, ...) printf_like(2, 3);

/* Runs another plan in this one's place and sink (EXECUTE): params are the inner plan's. As
 * sql_run(). */
must_check int portal_run_plan(struct portal *portal, struct plan *plan, const struct cell *params,
                               size_t param_count, struct row_sink *sink, int64_t max_rows,
                               struct failure *ret_failure);
