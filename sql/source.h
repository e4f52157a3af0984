/* sql/source.h: what a client wrote, kept beside what it became for SQLite.
 *
 * The schema has the expressions and views that DDL rewrote, in SQLite's words, and no way leads
 * back from these. So PostgreSQL's text of them stands in front, in a comment:
 *
 *     CHECK (/·= 1a2b3c4d price::int > 0 ·/ pond_int4("price") > 0)
 *
 * (with a star for each dot). The number is a check sum of what follows: when SQLite has changed
 * that since, by renaming a column or table, the comment is not believed. There is none where the
 * two are the same words, nor for very long ones. */
#pragma once

#include "base/buf.h"

#include <pg_query/pg_query.pb-c.h>

struct rewriter;

/* Puts the comment in front of what was printed since r->out.len was `from`: this expression. On
 * the loop's big stack. */
void source_note(struct rewriter *r, size_t from, const PgQuery__Node *expression);
/* The same for a view's SELECT, whose columns have these names: a star in it means them. */
void source_note_view(struct rewriter *r, size_t from, const PgQuery__SelectStmt *select,
                      const char *const *names, size_t count);

/* A table's text before and after SQLite has renamed a column: comments that are not believed any
 * more for that follow the renaming. False in *ret_changed: there are none. source_rename.c. 0,
 * -ENOMEM, BUF_FULL, or FAILED. */
must_check int source_rename(struct view before, struct view after, const char *old,
                             const char *new, struct buf *out, bool *ret_changed);

/* Appends words of SQLite's as PostgreSQL reads them. 0, -ENOMEM or BUF_FULL. source_words.c. */
must_check int source_put_words(struct view text, struct buf *out);

/* Appends PostgreSQL's text of an expression or view: the comment's, or the words themselves. False
 * in *ret_known: they have no comment, and pond's own functions in them: nobody knows what was
 * written. 0, -ENOMEM or BUF_FULL. */
must_check int source_read(struct view text, struct buf *out, bool *ret_known);
