/* daemon/console_parse.h: a command of the console as words: `SHOW POOLS;`, `kill "a name"`. Pure;
 * any thread. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

enum { console_words_most = 3, console_word_bytes = 64, console_value_bytes = 1024 };

struct console_words {
    size_t count;
    bool broken;      /* something behind these words is none, or is one too many, or too long */
    struct view text; /* all of it, as it was given */
    char word[console_words_most][console_word_bytes];
};

/* Letters, digits, `_ . ~ -` and what is not ASCII make a word; in double quotes, everything does.
 * Blanks are between them; one semicolon may be the end. No words: there is no command. */
void console_parse(struct view text, struct console_words *ret_words);

/* What SET sets. */
struct console_setting {
    char name[console_word_bytes];
    char value[console_value_bytes];
};

/* `SET name = value`, or TO for the `=`. A value is a word, which may have `+ , : / *` in it, or is
 * in single quotes, two of which are one of the value. False: it is something else. */
bool console_parse_set(struct view text, struct console_setting *ret_setting);

/* Is the n-th word that one, in capitals or not? */
bool console_word_is(const struct console_words *words, size_t n, const char *word);
