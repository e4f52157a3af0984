/* sql/portal.h: a bound plan on its way through its rows; what verbs see of it.
 *
 * Owned by the session's table of portals. */
#pragma once

#include "base/cell.h"
#include "pool/row_sink.h"
#include "sql/plan.h"
#include "sql/session_state.h"

struct cursor;

enum portal_state { PORTAL_READY, PORTAL_OPEN, PORTAL_DONE, PORTAL_FAILED };

struct portal {
    struct sql_session *sql;
    struct plan *plan; /* counted */
    const struct cell *params;
    struct cell *params_owned; /* mem_free; NULL: the plan's literals or none */
    size_t param_count;
    enum portal_state state;
    struct cursor *cursor;
    int64_t rows;  /* given by this sql_run() */
    uint64_t txn;  /* sql_session.txn_number that it belongs to */
    bool holdable; /* outlives its transaction (DECLARE ... WITH HOLD, once its rows are kept) */
    struct portal *next_doomed; /* closed by its own statement: freed when that is over */
    bool is_declared;           /* DECLARE CURSOR's */
    int16_t *formats;
    size_t format_count;
    void *verb_state; /* a verb's that gives its rows page by page */
    void (*verb_state_destroy)(void *state);
    char tag[64];
};

void portals_sweep(struct sql_session *sql); /* frees those that closed themselves */
void portal_destroy(void *portal);           /* for the table of portals; NULL is fine */

void portal_set_tag(struct portal *portal, const char *format, ...) printf_like(2, 3);

/* Runs another plan in this one's place and sink (EXECUTE): params are the inner plan's. As
 * sql_run(). */
must_check int portal_run_plan(struct portal *portal, struct plan *plan, const struct cell *params,
                               size_t param_count, struct row_sink *sink, int64_t max_rows,
                               struct failure *ret_failure);
