/* sql/literal.h: literals as SQLite text, in their type's storage form. */
#pragma once

#include "base/cell.h"
#include "sql/expr.h"

/* A string literal as that type: '12' -> 12, '\x00ff' -> x'00ff'. Fails with PostgreSQL's error at
 * the location. */
const char *literal_text(struct rewriter *r, const char *s, struct type type, int32_t location);

/* A numeric literal that the grammar did not take for an int4. */
/* The digits behind a decimal literal's point; -1: it has an exponent. */
int literal_scale(struct view text);
struct expr literal_number(struct rewriter *r, const char *s);

/* A cell as SQLite text. */
const char *literal_cell_text(struct rewriter *r, const struct cell *cell);

/* The elements of an array literal '{1,"b",NULL}' (one dimension) as SQLite texts. false: failed.
 */
bool literal_array(struct rewriter *r, const char *s, struct type element, int32_t location,
                   const char ***ret_texts, size_t *ret_count);
