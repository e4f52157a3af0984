/* sql/verb.h: statements that SQLite does not understand, a row each: what they are and who runs
 * them.
 *
 * plan() looks at the tree once, fills the plan (columns, tag, flags, or `sql` when one SQLite
 * statement will do) and may not await. run() does it, in the session, may await, and ends by
 * leaving the portal's tag right (portal_set_tag; the row's `tag` otherwise). A verb without run()
 * is its plan's sql, run as any statement. */
#pragma once

#include "pool/row_sink.h"
#include "sql/plan.h"

struct portal;

struct verb {
    PgQuery__Node__NodeCase node;
    const char *tag;     /* CommandComplete's, where it is fixed */
    unsigned plan_flags; /* enum plan_flags that all its statements have; plan() may add to
                            plan->flags */
    unsigned cursor_flags;
    bool pages; /* run() heeds max_rows; else it gives all its rows at once */
    int (*plan)(struct planner *planner, const PgQuery__Node *node, struct plan *plan,
                struct failure *ret_failure);
    int (*run)(struct portal *portal, struct row_sink *sink, int64_t max_rows,
               struct failure *ret_failure);
};

/* NULL: pond has no such statement (0A000). */
const struct verb *verb_find(PgQuery__Node__NodeCase node);
