/* sql/lexer.h: PostgreSQL's tokens (standard_conforming_strings on), by src/backend/parser/scan.l's
 * rules.
 *
 * Pure over bytes; any thread. The text is valid UTF-8 without NUL (the daemon has seen to that).
 * https://www.postgresql.org/docs/15/sql-syntax-lexical.html */
#pragma once

#include "base/failure.h"
#include "base/view.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,         /* identifier or keyword, not quoted */
    TOKEN_QUOTED_WORD,  /* "x", U&"x" */
    TOKEN_STRING,       /* '...' */
    TOKEN_OTHER_STRING, /* E'', U&'', $$ $$, B'', X'', N'' */
    TOKEN_INTEGER,      /* digits only */
    TOKEN_FLOAT,
    TOKEN_PARAM,    /* $1 */
    TOKEN_OPERATOR, /* one or more of + - * / < > = ~ ! @ # % ^ & | ` ? */
    TOKEN_SELF,     /* one of , ( ) [ ] ; : . or :: := .. */
};

struct token {
    enum token_kind kind;
    struct view text;
};

struct lexer {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct lexer lexer_over(struct view text)
{
    return (struct lexer){ .start = text.data, .at = text.data, .end = text.data + text.len };
}

/* The next token, blanks and comments skipped; TOKEN_END at the end. 0 or FAILED (42601 with its
 * position). */
must_check int lexer_next(struct lexer *lexer, struct token *ret_token,
                          struct failure *ret_failure);

/* What a parser will have to do for a statement. */
struct lexer_weight {
    size_t depth; /* it recurses so deep at most: nesting, and chains of operators */
    size_t tokens;
};

must_check int lexer_weigh(struct view text, struct lexer_weight *ret_weight,
                           struct failure *ret_failure);

/* Is the word token this keyword (lower case)? */
bool token_is_word(const struct token *token, const char *keyword);

/* 1-based, in characters, of a byte offset: what an error's position field counts. */
int32_t text_position(struct view text, size_t offset);
