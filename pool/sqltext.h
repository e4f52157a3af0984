/* pool/sqltext.h: the words of an SQLite text, for the few places that look at texts without
 * parsing them: limits on nesting, names of constraints, the verb of a statement. Pure. */
#pragma once

#include "base/view.h"

enum sqltext_kind {
    SQLTEXT_END,
    SQLTEXT_WORD,   /* bare identifier or keyword */
    SQLTEXT_NAME,   /* "quoted", [quoted] or `quoted` identifier, quotes included */
    SQLTEXT_STRING, /* 'string' */
    SQLTEXT_OTHER,  /* number, or one byte of anything else */
};

struct sqltext_token {
    enum sqltext_kind kind;
    struct view text;
};

/* The next token; blanks and comments are skipped. */
struct sqltext_token sqltext_next(struct view *text);

/* Is it this keyword, whatever the case? `word` is upper case. */
bool sqltext_is(const struct sqltext_token *token, const char *word);
bool sqltext_is_byte(const struct sqltext_token *token, char byte);

/* Writes the identifier that a word, name or string token stands for (quotes taken off, doubled
 * ones halved), cut at size - 1 bytes, NUL at the end. */
void sqltext_identifier(const struct sqltext_token *token, char *buffer, size_t size);

/* Do two identifiers name the same thing (ASCII case folded)? */
bool sqltext_names_equal(const char *a, const char *b);

/* The verb as PostgreSQL's messages name it: "INSERT", "CREATE TABLE", "VACUUM"; upper case, cut to
 * size. */
void sqltext_verb(struct view text, char *buffer, size_t size);

/* sqltext_weight.c: how deep a text may make SQLite recurse where SQLite has no limit of its own.
 * Upper bounds. */
struct sqltext_weight {
    /* common table expressions (which may all stand upon each other) and sub-selects within each
     * other */
    size_t nesting;
    /* The depth of one expression, once SQLite has put the columns of sub-selects, common table
     * expressions and generated columns in the place of their names. What SQLite limits itself
     * counts as guard_expression_depth. */
    size_t depth;
};
struct sqltext_weight sqltext_weigh(struct view text);
