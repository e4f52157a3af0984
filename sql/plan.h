/* sql/plan.h: what was understood of one statement: SQLite's text or a verb, parameter and result
 * types.
 *
 * Counted and, once made, immutable; one loop. Plans of one text are shared by the sessions of a
 * template. A plan with `base` is a thin one: the same as base, with the literals that the lexer
 * took out of this one text. */
#pragma once

#include "base/buf.h"
#include "base/cell.h"
#include "base/failure.h"
#include "sql/arena.h"
#include "sql/sql.h"
#include "sql/types.h"

struct planner;
struct tree;
struct verb;

enum plan_flags {
    PLAN_EMPTY = 1 << 0,          /* nothing but blanks and comments */
    PLAN_IN_FAILED = 1 << 1,      /* may run in a failed transaction: COMMIT, ROLLBACK ... */
    PLAN_TXN_CONTROL = 1 << 2,    /* no implicit transaction around it */
    PLAN_CHANGES_SCHEMA = 1 << 3, /* DDL: cached plans go when it has run */
    PLAN_UNCACHED = 1 << 4,       /* depends on more than text and schema: do not cache */
    PLAN_FUNCTIONS = 1 << 5,      /* calls functions of pond's */
    PLAN_CASTS = 1 << 6,          /* calls casts (sql/cast.h) and no other functions of pond's */
    PLAN_MADE_ANEW = 1 << 7,      /* FETCH, EXECUTE: a named one is made again at each use */
    PLAN_BINARY = 1 << 8,         /* FETCH of a BINARY cursor: a simple query's rows are binary */
    PLAN_ALONE = 1 << 9,          /* not in a transaction: CREATE DATABASE, pond_mark() ... */
    PLAN_BACKWARD = 1 << 10,      /* DECLARE: its cursor may go backward without SCROLL */
    PLAN_OF_PREPARE = 1 << 11,    /* PREPARE's inner one, which has a name */
};

/* How the tag is made of what has run. */
enum plan_tag {
    TAG_FIXED,   /* `tag` as it is */
    TAG_ROWS,    /* `tag` and the rows given: SELECT 5 */
    TAG_INSERT,  /* INSERT 0 and the rows changed */
    TAG_CHANGES, /* `tag` and the rows changed: UPDATE 3 */
    TAG_COUNTED, /* the same; SQLite's one row is their number and not the client's */
};

struct plan {
    unsigned refs;
    unsigned flags;        /* enum plan_flags */
    unsigned cursor_flags; /* pool/session.h */
    enum plan_tag tag_kind;
    const char *tag;         /* static */
    const struct verb *verb; /* NULL: only `sql` is to be run */
    struct view sql;         /* SQLite's text; empty: the verb's run() does all */
    const uint32_t *param_oids;
    size_t param_count;
    struct column *columns;
    size_t column_count;
    const PgQuery__Node *node; /* the verb's statement; lives in `tree` */
    struct tree *tree;         /* owned; NULL when nothing of it is needed any more */
    void *extra; /* the verb's own: inner plan, parsed options; in `arena` or freed by extra_free */
    void (*extra_free)(void *extra);
    struct arena arena; /* all that the plan points to */

    struct view text;           /* the statement it was made of, to make it again after DDL; of
                                   PLAN_OF_PREPARE all of PREPARE, of a thin one the client's */
    const uint32_t *given_oids; /* what Parse said */
    size_t given_count;
    uint64_t schema; /* sql_session.schema_changes that it was made under */

    struct plan *base; /* counted; NULL: this is a whole plan */
    struct cell *literals;
    size_t literal_count;
};

/* For verbs' plan(): all memory is the plan's arena; false: no memory. */
must_check bool plan_set_sql(struct plan *plan, struct view sql);
must_check bool plan_add_column(struct plan *plan, const char *name, struct type type);
must_check bool plan_copy_columns(struct plan *plan, const struct plan *from);

/* Rows of the one may go to who was told of the other's columns. */
bool plan_gives_types_of(const struct plan *plan, const struct plan *told);

/* Keeps the text, and what Parse said of its parameters, to make the plan again. */
must_check bool plan_keep_text(struct plan *plan, const struct planner *planner);

/* What a verb keeps of the statement inside of it (PREPARE, DECLARE, EXPLAIN ...): its plan is
 * plan->extra from now on, and such a plan is not cached. */
void plan_take_inner(struct plan *plan, struct plan *inner);
void plan_share_params(struct plan *plan, const struct plan *inner); /* $1 is the inner one's */

/* For cleanup(). */
static inline void plan_unrefp(struct plan **plan)
{
    sql_plan_unref(*plan);
}

/* The plan that has the texts: itself or its base. */
static inline const struct plan *plan_whole(const struct plan *plan)
{
    return plan->base != NULL ? plan->base : plan;
}

/* ---- the planner: one statement on its way from text to plan ---- */
struct planner {
    struct sql_session *sql;
    struct view text; /* the statement's, for positions */
    const uint32_t *param_oids;
    size_t param_count;
    bool no_params;    /* $1 stands for nothing: 42P02 */
    struct tree *tree; /* of the text, when it has been parsed already: plan_text() takes it */
};

/* A plan of a whole statement, neither cached nor tried on SQLite. On the loop's big stack. 0 or
 * FAILED. `literals`: the first so many parameters are literals of the client's text. */
must_check int plan_text(struct planner *planner, size_t literals, struct plan **ret_plan,
                         struct failure *ret_failure);

/* Plans an inner statement of the same text (PREPARE x AS ..., DECLARE, EXPLAIN, COPY (...) TO). 0
 * or FAILED. */
must_check int plan_node(struct planner *planner, const PgQuery__Node *node, struct plan **ret_plan,
                         struct failure *ret_failure);

/* prepare.c: from its text, as it was made the first time, but for its parameters: they stay of the
 * types that its client knows, as in PostgreSQL. 0 or FAILED. */
must_check int plan_make_again(struct sql_session *sql, const struct plan *old,
                               struct plan **ret_plan, struct failure *ret_failure);

/* plan_thin.c: of a text whose literals were taken out, `base` is the plan. 0, or FAILED without a
 * failure: the text is then taken as it is, and says what is wrong. */
struct normal;
must_check int plan_thin(struct sql_session *sql, struct plan *base, struct view text,
                         const struct normal *normal, struct plan **ret_plan);
