/* daemon/console_parse.c: see the header. */
#include "daemon/console_parse.h"

#include "protocol/blank.h"

#include <string.h>
#include <strings.h>

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c >= 0x80 || (c != '\0' && strchr("_.~-", c) != NULL);
}

static void skip_blanks(struct view *text)
{
    while (text->len > 0 && is_blank(text->data[0])) {
        view_advance(text, 1);
    }
}

/* False: it is too long. */
static bool put(char *word, size_t *len, uint8_t c)
{
    if (*len + 1 >= console_word_bytes || c == '\0') {
        return false;
    }
    word[(*len)++] = (char)c;
    return true;
}

/* Behind the first quote; two of them are one of the name. */
static bool take_quoted(struct view *text, char *word)
{
    size_t len = 0;

    while (text->len > 0) {
        uint8_t c = text->data[0];

        view_advance(text, 1);
        if (c == '"') {
            if (text->len == 0 || text->data[0] != '"') {
                return len > 0;
            }
            view_advance(text, 1);
        }
        if (!put(word, &len, c)) {
            return false;
        }
    }
    return false; /* it has no end */
}

static bool take_plain(struct view *text, char *word)
{
    size_t len = 0;

    while (text->len > 0 && is_word_byte(text->data[0])) {
        if (!put(word, &len, text->data[0])) {
            return false;
        }
        view_advance(text, 1);
    }
    return len > 0;
}

/* False: there is none here. */
static bool take_word(struct view *text, char *word)
{
    if (text->data[0] != '"') {
        return take_plain(text, word);
    }
    view_advance(text, 1);
    return take_quoted(text, word);
}

void console_parse(struct view text, struct console_words *ret_words)
{
    struct console_words words = { .count = 0 };

    skip_blanks(&text);
    while (text.len > 0 && text.data[0] != ';' && !words.broken) {
        words.broken =
            words.count == console_words_most || !take_word(&text, words.word[words.count]);
        words.count += !words.broken;
        words.broken =
            words.broken || (text.len > 0 && text.data[0] != ';' && !is_blank(text.data[0]));
        skip_blanks(&text);
    }
    if (!words.broken && text.len > 0) {
        view_advance(&text, 1); /* the semicolon */
        skip_blanks(&text);
        words.broken = text.len > 0;
    }
    *ret_words = words;
}

bool console_word_is(const struct console_words *words, size_t n, const char *word)
{
    return n < words->count && strcasecmp(words->word[n], word) == 0;
}
