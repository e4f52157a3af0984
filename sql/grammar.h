/* sql/grammar.h: PostgreSQL's own grammar (libpg_query) over one statement.
 *
 * Must run on the loop's big stack (task_call_on_loop_stack); lexer_depth() bounds the recursion
 * first. */
#pragma once

#include "base/failure.h"
#include "base/view.h"

#include <pg_query/pg_query.pb-c.h>

enum { grammar_depth_max = 1000 };

struct tree;

/* 0 or FAILED (42601 with position, 54001 when it is too deep, 53200). */
must_check int grammar_parse(struct view text, struct tree **ret_tree, struct failure *ret_failure);
const PgQuery__Node *tree_statement(const struct tree *tree); /* NULL: the text is empty */
size_t tree_bytes(const struct tree *tree);
void tree_destroy(struct tree *tree); /* NULL is fine */

/* String nodes, as lists of names have them; "" for anything else. */
const char *node_string(const PgQuery__Node *node);
