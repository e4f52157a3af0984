/* pool/sqltext.c: a scanner of SQLite's tokens, just exact enough never to mistake what lies in
 * strings, quoted names and comments for words. Texts that end in the middle of a token end there.
 */
#include "pool/sqltext.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

static bool is_word_byte(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

static void skip_line(struct view *text)
{
    while (text->len > 0 && text->data[0] != '\n') {
        view_advance(text, 1);
    }
}

static void skip_block(struct view *text)
{
    view_advance(text, 2);
    while (text->len >= 2 && !(text->data[0] == '*' && text->data[1] == '/')) {
        view_advance(text, 1);
    }
    view_advance(text, text->len < 2 ? text->len : 2);
}

static void skip_blanks(struct view *text)
{
    while (text->len > 0) {
        uint8_t c = text->data[0];
        uint8_t next = text->len > 1 ? text->data[1] : 0;

        if (isspace(c)) {
            view_advance(text, 1);
        } else if (c == '-' && next == '-') {
            skip_line(text);
        } else if (c == '/' && next == '*') {
            skip_block(text);
        } else {
            return;
        }
    }
}

/* Bytes of a quoted token; a doubled quote stands for itself. */
static size_t quoted_len(struct view text, uint8_t close)
{
    size_t i = 1;

    while (i < text.len) {
        if (text.data[i] != close) {
            i++;
        } else if (close != ']' && i + 1 < text.len && text.data[i + 1] == close) {
            i += 2;
        } else {
            return i + 1;
        }
    }
    return text.len;
}

static size_t word_len(struct view text)
{
    size_t i = 1;

    while (i < text.len && is_word_byte(text.data[i])) {
        i++;
    }
    return i;
}

struct sqltext_token sqltext_next(struct view *text)
{
    struct sqltext_token token = { .kind = SQLTEXT_END };
    size_t len = 1;

    skip_blanks(text);
    if (text->len == 0) {
        return token;
    }
    uint8_t c = text->data[0];
    token.kind = SQLTEXT_OTHER;
    if (c == '\'') {
        token.kind = SQLTEXT_STRING;
        len = quoted_len(*text, '\'');
    } else if (c == '"' || c == '`' || c == '[') {
        token.kind = SQLTEXT_NAME;
        len = quoted_len(*text, c == '[' ? ']' : c);
    } else if (isdigit(c)) {
        len = word_len(*text);
    } else if (is_word_byte(c)) {
        token.kind = SQLTEXT_WORD;
        len = word_len(*text);
    }
    token.text = view_of(text->data, len);
    view_advance(text, len);
    return token;
}

bool sqltext_is(const struct sqltext_token *token, const char *word)
{
    size_t len = strlen(word);

    return token->kind == SQLTEXT_WORD && token->text.len == len &&
           strncasecmp((const char *)token->text.data, word, len) == 0;
}

bool sqltext_is_byte(const struct sqltext_token *token, char byte)
{
    return token->kind == SQLTEXT_OTHER && token->text.data[0] == (uint8_t)byte;
}

void sqltext_identifier(const struct sqltext_token *token, char *buffer, size_t size)
{
    struct view in = token->text;
    size_t out = 0;
    uint8_t quote = 0;

    if (token->kind == SQLTEXT_NAME || token->kind == SQLTEXT_STRING) {
        quote = in.data[0];
        in = view_of(in.data + 1, in.len >= 2 ? in.len - 2 : 0);
    }
    for (size_t i = 0; i < in.len && out + 1 < size; i++) {
        buffer[out++] = (char)in.data[i];
        if (quote != 0 && in.data[i] == quote) {
            i++; /* the second of a doubled quote */
        }
    }
    buffer[out] = '\0';
}

bool sqltext_names_equal(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static void upper(const struct sqltext_token *token, char *buffer, size_t size)
{
    size_t i = 0;

    for (; token->kind == SQLTEXT_WORD && i < token->text.len && i + 1 < size; i++) {
        buffer[i] = (char)toupper(token->text.data[i]);
    }
    buffer[i] = '\0';
}

/* WITH a AS (...) INSERT ...: the verb is the first one outside parentheses. */
static struct sqltext_token verb_after_with(struct view text)
{
    static const char *const verbs[] = {
        "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "VALUES"
    };
    size_t depth = 0;
    struct sqltext_token token;

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END) {
        depth += sqltext_is_byte(&token, '(');
        depth -= depth > 0 && sqltext_is_byte(&token, ')');
        for (size_t i = 0; depth == 0 && i < ARRAY_LEN(verbs); i++) {
            if (sqltext_is(&token, verbs[i])) {
                return token;
            }
        }
    }
    return token;
}

/* CREATE TEMP TABLE, CREATE UNIQUE INDEX: the object's word. */
static struct sqltext_token object_word(struct view text)
{
    static const char *const between[] = { "TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL" };
    struct sqltext_token token = sqltext_next(&text);

    for (size_t i = 0; i < ARRAY_LEN(between); i++) {
        if (sqltext_is(&token, between[i])) {
            return sqltext_next(&text);
        }
    }
    return token;
}

void sqltext_verb(struct view text, char *buffer, size_t size)
{
    struct sqltext_token verb = sqltext_next(&text);

    if (sqltext_is(&verb, "WITH")) {
        verb = verb_after_with(text);
    }
    if (sqltext_is(&verb, "REPLACE")) {
        snprintf(buffer, size, "INSERT");
        return;
    }
    upper(&verb, buffer, size);
    if (sqltext_is(&verb, "CREATE") || sqltext_is(&verb, "DROP") || sqltext_is(&verb, "ALTER")) {
        struct sqltext_token object = object_word(text);
        size_t len = strlen(buffer);

        if (len + 2 < size) {
            buffer[len] = ' ';
            upper(&object, buffer + len + 1, size - len - 1);
        }
    }
}
