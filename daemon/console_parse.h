/* daemon/console_parse.h: a command of the console as words: `SHOW POOLS;`, `kill "a name"`. Pure;
 * any thread. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

enum { console_words_most = 3, console_word_bytes = 64 };

struct console_words {
    size_t count;
    bool broken; /* something behind these words is none, or is one too many, or too long */
    char word[console_words_most][console_word_bytes];
};

/* Letters, digits, `_ . ~ -` and what is not ASCII make a word; in double quotes, everything does.
 * Blanks are between them; one semicolon may be the end. No words: there is no command. */
void console_parse(struct view text, struct console_words *ret_words);

/* Is the n-th word that one, in capitals or not? */
bool console_word_is(const struct console_words *words, size_t n, const char *word);
