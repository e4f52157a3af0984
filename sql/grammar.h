/* sql/grammar.h: PostgreSQL's own grammar (libpg_query) over one statement.
 *
 * Must run on the loop's big stack (task_call_on_loop_stack); lexer_weigh() bounds the recursion
 * first. */
#pragma once

#include "base/failure.h"
#include "base/view.h"

#include <pg_query/pg_query.pb-c.h>

enum {
    grammar_depth_max = 1000,
    grammar_long_bytes = 4096, /* a loop is not held for as long as a text of that length takes */
    grammar_aside_depth = 200, /* a helper thread's stack may be smaller than the loop's */
};

struct tree;

/* 0 or FAILED (42601 with position, 54001 when it is too deep, 53200). */
must_check int grammar_parse(struct view text, struct tree **ret_tree, struct failure *ret_failure);
/* The same for a text that takes long, on a helper thread while other tasks run. *ret_tree is NULL
 * when there is no need, or nobody may await: it is to be parsed as usual. Not on the loop's stack.
 * 0 or FAILED. */
must_check int await_grammar(struct view text, struct tree **ret_tree, struct failure *ret_failure);
const PgQuery__Node *tree_statement(const struct tree *tree); /* NULL: the text is empty */
size_t tree_bytes(const struct tree *tree);
void tree_destroy(struct tree *tree); /* NULL is fine */

/* String nodes, as lists of names have them; "" for anything else. */
const char *node_string(const PgQuery__Node *node);
