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

/* A word that is being read. */
struct word {
    char *text;
    size_t size; /* of the room, with the NUL */
    size_t len;
};

/* False: it is too long. The rest of the room is NULs. */
static bool put(struct word *word, uint8_t c)
{
    if (word->len + 1 >= word->size || c == '\0') {
        return false;
    }
    word->text[word->len++] = (char)c;
    return true;
}

/* Behind the first quote; two of them are one of the word. */
static bool take_quoted(struct view *text, uint8_t quote, struct word *word)
{
    while (text->len > 0) {
        uint8_t c = text->data[0];

        view_advance(text, 1);
        if (c == quote) {
            if (text->len == 0 || text->data[0] != quote) {
                return true;
            }
            view_advance(text, 1);
        }
        if (!put(word, c)) {
            return false;
        }
    }
    return false; /* it has no end */
}

static bool take_plain(struct view *text, bool (*is_part)(uint8_t c), struct word *word)
{
    while (text->len > 0 && is_part(text->data[0])) {
        if (!put(word, text->data[0])) {
            return false;
        }
        view_advance(text, 1);
    }
    return word->len > 0;
}

/* False: there is none here. */
static bool take_word(struct view *text, char *ret_word)
{
    struct word word = { .text = ret_word, .size = console_word_bytes };

    if (text->len == 0 || text->data[0] != '"') {
        return take_plain(text, is_word_byte, &word);
    }
    view_advance(text, 1);
    return take_quoted(text, '"', &word) && word.len > 0;
}

/* Nothing but a semicolon, perhaps. */
static bool is_end(struct view text)
{
    skip_blanks(&text);
    if (text.len > 0 && text.data[0] == ';') {
        view_advance(&text, 1);
        skip_blanks(&text);
    }
    return text.len == 0;
}

void console_parse(struct view text, struct console_words *ret_words)
{
    struct console_words words = { .text = text };

    skip_blanks(&text);
    while (text.len > 0 && text.data[0] != ';' && !words.broken) {
        words.broken =
            words.count == console_words_most || !take_word(&text, words.word[words.count]);
        words.count += !words.broken;
        words.broken =
            words.broken || (text.len > 0 && text.data[0] != ';' && !is_blank(text.data[0]));
        skip_blanks(&text);
    }
    words.broken = words.broken || !is_end(text);
    *ret_words = words;
}

bool console_word_is(const struct console_words *words, size_t n, const char *word)
{
    return n < words->count && strcasecmp(words->word[n], word) == 0;
}

/* ---- SET ---- */

static bool is_value_byte(uint8_t c)
{
    return is_word_byte(c) || (c != '\0' && strchr("+,:/*", c) != NULL);
}

static bool take_equals(struct view *text)
{
    char word[console_word_bytes] = "";

    skip_blanks(text);
    if (text->len > 0 && text->data[0] == '=') {
        view_advance(text, 1);
        return true;
    }
    return take_word(text, word) && strcasecmp(word, "TO") == 0 && text->len > 0 &&
           is_blank(text->data[0]);
}

static bool take_value(struct view *text, char *ret_value)
{
    struct word word = { .text = ret_value, .size = console_value_bytes };

    skip_blanks(text);
    if (text->len == 0 || text->data[0] != '\'') {
        return take_plain(text, is_value_byte, &word);
    }
    view_advance(text, 1);
    return take_quoted(text, '\'', &word);
}

bool console_parse_set(struct view text, struct console_setting *ret_setting)
{
    struct console_setting setting = { .name = "" };
    char set[console_word_bytes] = "";

    skip_blanks(&text);
    if (!take_word(&text, set) || strcasecmp(set, "SET") != 0) {
        return false;
    }
    skip_blanks(&text);
    if (!take_word(&text, setting.name) || !take_equals(&text) ||
        !take_value(&text, setting.value) || !is_end(text)) {
        return false;
    }
    *ret_setting = setting;
    return true;
}
