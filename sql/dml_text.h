/* sql/dml_text.h: an INSERT, UPDATE or DELETE, as the rewriter prints it, cut into its parts. Pure.
 *
 * It is looked at after a constraint has failed only (sql/violation.h). Names are quoted there, so
 * that a bare word is a keyword. */
#pragma once

#include "base/view.h"
#include "pool/table_text.h"

#include <stdbool.h>

enum dml_verb { DML_INSERT, DML_UPDATE, DML_DELETE };

/* ON CONFLICT [(...) [WHERE ...]] DO NOTHING | UPDATE SET ... [WHERE ...] */
struct dml_conflict {
    struct view text;   /* all of it; empty: there is none */
    struct view target; /* "a", "b" */
    bool partial;       /* the target has a WHERE */
    bool updates;
    struct view set;
    struct view where; /* WHERE ... of the UPDATE */
};

/* The parts are views into `owned`; those that are not there are empty. */
struct dml_text {
    char *owned; /* the text; its parameters have numbers, so that parts can stand elsewhere */
    enum dml_verb verb;
    char table[table_name_bytes];
    char alias[table_name_bytes]; /* what its columns are called by; the table's name if nothing */
    struct view with;             /* WITH ... */
    struct view target;           /* the table, with schema and alias */
    struct view columns;          /* INSERT: "a", "b" */
    struct view source;           /* INSERT: VALUES (...), SELECT ... or DEFAULT VALUES */
    struct view set;              /* UPDATE: "a" = 1, "b" = 2 */
    struct view from;             /* UPDATE: what follows FROM */
    struct view where;            /* WHERE ... */
    struct dml_conflict conflict; /* INSERT: ON CONFLICT ... */
    bool one_row;                 /* INSERT: VALUES of one row, or DEFAULT VALUES */
    bool defaults;                /* INSERT: DEFAULT VALUES */
    bool values;                  /* INSERT: VALUES (...), one row or many */
};

enum { DML_OTHER = 2 };
/* 0, DML_OTHER when it is no such statement, or -ENOMEM. */
must_check int dml_text_cut(struct view sql, struct dml_text *ret_text);
void dml_text_finish(struct dml_text *text);

/* Cuts off what stands before the first of these keywords (upper case; "(" is one, too) that is
 * outside of parentheses: all, when there is none. The rest begins with it. */
struct view dml_take_until(struct view *rest, const char *const *stops);

/* Cuts the next item off a list with commas; false at its end. */
bool dml_list_next(struct view *list, struct view *ret_item);

/* "name" = value: an assignment's two sides. False: it is another one, (a, b) = (...). */
bool dml_assignment(struct view item, char *name, size_t size, struct view *ret_value);

/* What stands in the parentheses that the text begins with; it is cut off. False: it does not. */
bool dml_parentheses(struct view *text, struct view *ret_inside);

/* How often the keyword or the function's name is in it. */
size_t dml_count_word(struct view text, const char *word);
