/* client/cli/script.h: an SQL script, cut into its statements as psql cuts it: at semicolons that
 * are in no quotes, dollar quotes, comments or parentheses.
 *
 * It is given line by line and keeps the statement that it is in. Pure. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

enum script_answer {
    SCRIPT_MORE,      /* the line is used up */
    SCRIPT_STATEMENT, /* script->text is one */
    SCRIPT_META,      /* the line is a command of psql's own, from its backslash on */
};

enum { script_word_bytes = 16 };

/* Zero bytes are the beginning of a script. */
struct script {
    struct buf text;     /* the statement, without what stands before its first word */
    uint64_t first_line; /* of the statement */
    bool copies;         /* it is COPY ... FROM STDIN: its rows follow in the next line */
    char words[2][script_word_bytes]; /* its first two, in small letters; cut */

    /* inside */
    int state;
    int comments; /* within each other */
    int parentheses;
    size_t word_count;
    bool after_from;
    bool complete; /* the text was given out */
    char tag[66];  /* of the dollar quote */
};

/* The next line, with its end and its number. Call again with what it leaves of it, until
 * SCRIPT_MORE. The statement lies there until then. -ENOMEM. */
must_check int script_read(struct script *script, uint64_t number, struct view *line);

/* The end: SCRIPT_STATEMENT when there is one without a semicolon, SCRIPT_MORE when there is none.
 * *ret_open: what has no end ("a quoted string"), or NULL. */
must_check int script_end(struct script *script, const char **ret_open);

void script_finish(struct script *script);
