/* sql/rewrite_select.h: what the files of SELECT share. */
#pragma once

#include "sql/expr.h"

struct target_state {
    const struct select_wish *wish;
    struct relation *output; /* the columns so far */
};

/* rewrite_target.c */

/* The expression as the wish wants it at its place. */
struct expr select_wished(struct rewriter *r, struct expr e, const struct target_state *state,
                          int32_t location);
/* Prints one more column and adds it to the output. */
void select_add_target(struct rewriter *r, struct expr e, const char *label, int32_t location,
                       struct target_state *state);

bool select_is_star(const PgQuery__Node *node);

/* rewrite_from.c: prints one item of FROM, whatever it is */
void from_item(struct rewriter *r, const PgQuery__Node *node);

/* rewrite_join.c: an item that is a join */
void from_join(struct rewriter *r, const PgQuery__Node *node);

/* rewrite_order.c */

/* The output column that a bare name or a position means; 0: none. `clause` is for the error. */
size_t select_output_position(struct rewriter *r, const PgQuery__Node *node,
                              const struct relation *output, const char *clause);
void select_limits(struct rewriter *r, const PgQuery__SelectStmt *s);

/* rewrite_group.c */

void group_by(struct rewriter *r, const PgQuery__SelectStmt *s, const struct relation *output);
/* What the items of GROUP BY are, as texts. */
void group_collect(struct rewriter *r, const PgQuery__SelectStmt *s, struct group_list *ret_groups);

/* rewrite_select.c */

/* Without ORDER BY, LIMIT and WITH of its own? */
bool select_is_bare(const PgQuery__SelectStmt *s);

/* rewrite_set.c */

void select_values(struct rewriter *r, const PgQuery__SelectStmt *s, const struct select_wish *wish,
                   struct relation *columns);
void select_set(struct rewriter *r, const PgQuery__SelectStmt *s, const struct select_wish *wish,
                struct relation *columns);
/* A set operation whose columns are wanted otherwise: cast around it. */
void select_set_cast(struct rewriter *r, const PgQuery__SelectStmt *s,
                     const struct select_wish *wish, struct relation *columns);
