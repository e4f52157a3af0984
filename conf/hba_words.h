/* conf/hba_words.h: pg_hba.conf's lines as words. Fields are parted by blanks, the words of one
 * field by commas, behind which blanks may follow; "..." takes blanks, commas and # as they are and
 * makes a word a name whatever it says; "" in it is a quote. # begins a comment. A backslash at the
 * end of a line joins it with the next. */
#pragma once

#include "base/buf.h"
#include "base/failure.h"

enum { hba_line_bytes = 8192, hba_words_most = 256 };

enum {
    HBA_END = 10,     /* no further line */
    HBA_NO_WORD = 11, /* none of the words that it may be */
};

struct hba_word {
    char *text;
    bool quoted;
};

struct hba_words {
    const char *file;
    struct view text; /* what is left of it */
    unsigned line;    /* 1-based: where the open one began */
    unsigned next;    /* lines taken so far */
    struct buf open;  /* the open line, and a NUL; its words are unquoted in place */
    char *at;         /* what is left of it */
    struct hba_word word[hba_words_most]; /* of the open field */
    size_t count;
};

void hba_words_finish(struct hba_words *words);

/* Opens the next line. 0, HBA_END, FAILED or -ENOMEM. */
must_check int hba_words_line(struct hba_words *words, struct failure *ret_failure);
/* Is there another field in the open line? */
bool hba_words_left(struct hba_words *words);
/* Opens the next field; `what` is expected there. 0 or FAILED. */
must_check int hba_words_next(struct hba_words *words, const char *what,
                              struct failure *ret_failure);
/* The same for a field of one word. */
must_check int hba_words_one(struct hba_words *words, const char *what,
                             struct failure *ret_failure);

/* "FILE:LINE: ..."; gives FAILED. */
int hba_words_fail(const struct hba_words *words, struct failure *ret_failure, const char *format,
                   ...) printf_like(3, 4);
