/* sql/expr_impl.h: kinds of expression nodes that have files of their own, for the table in expr.c.
 */
#pragma once

#include "sql/expr.h"

typedef struct expr expr_print_fn(struct rewriter *r, const PgQuery__Node *node);

/* expr_condition.c */
expr_print_fn expr_bool, expr_null_test, expr_boolean_test;
/* expr_case.c */
expr_print_fn expr_case, expr_coalesce, expr_min_max;
