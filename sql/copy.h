/* sql/copy.h: what COPY's files share: the options and the plan of one statement. */
#pragma once

#include "protocol/copyfmt.h"
#include "sql/plan.h"

enum copy_header { COPY_HEADER_NONE, COPY_HEADER_LINE, COPY_HEADER_MATCH };

struct copy_columns {
    bool all; /* FORCE_QUOTE * */
    PgQuery__Node *const *names;
    size_t count;
};

struct copy_options {
    struct copy_style style;
    enum copy_header header;
    struct copy_columns force_quote;
    struct copy_columns force_not_null;
    struct copy_columns force_null;
};

struct copy_column {
    const char *name;
    struct type type;
    bool force_quote;
    bool force_not_null;
    bool force_null;
};

/* plan->extra of a COPY. */
struct copy_plan {
    struct copy_options options;
    const char *table; /* NULL: a query's */
    struct copy_column *columns;
    size_t count;
    struct plan *inner; /* counted: INSERT of one row, or what gives the rows */
};

/* A COPY that is being planned. */
struct copying {
    struct planner *planner;
    const PgQuery__CopyStmt *stmt;
    struct plan *plan;
    struct copy_plan *copy;
    struct failure *failure;
};

/* copy_inner.c: the plan of what gives or takes the rows of a table, whose columns are known. 0 or
 * FAILED. */
must_check int copy_plan_table(struct copying *c);

/* Reads WITH (...), in either syntax, of the statement in `text`. Its texts are the tree's or the
 * arena's. 0 or FAILED. */
must_check int copy_options_read(const PgQuery__CopyStmt *stmt, struct view text,
                                 struct arena *arena, struct copy_options *ret_options,
                                 struct failure *ret_failure);

/* Does the list name it? */
bool copy_columns_have(const struct copy_columns *columns, const char *name);

/* copy_from.c, copy_to.c: 0 (with the portal's tag), FAILED or -errno. */
must_check int copy_from_run(struct portal *portal, const struct copy_plan *plan,
                             struct failure *ret_failure);
must_check int copy_to_run(struct portal *portal, const struct copy_plan *plan,
                           struct failure *ret_failure);
