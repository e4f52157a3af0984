/* sql/lexer.c: one token at a time. Each kind of token has a function that finds its end; a 256-row
 * class table says which function a first byte leads to. */
#include "sql/lexer.h"

#include "sql/sql.h"

#include <strings.h>

enum byte_class {
    B_OTHER,
    B_BLANK,
    B_WORD, /* letter, underscore, any byte of a multi-byte character */
    B_DIGIT,
    B_OP,
    B_SELF,
    B_QUOTE,
    B_DQUOTE,
    B_DOLLAR,
};

static const uint8_t byte_classes[256] = {
    [' '] = B_BLANK,        ['\t'] = B_BLANK,       ['\n'] = B_BLANK,
    ['\r'] = B_BLANK,       ['\f'] = B_BLANK,       ['\v'] = B_BLANK,
    ['+'] = B_OP,           ['-'] = B_OP,           ['*'] = B_OP,
    ['/'] = B_OP,           ['<'] = B_OP,           ['>'] = B_OP,
    ['='] = B_OP,           ['~'] = B_OP,           ['!'] = B_OP,
    ['@'] = B_OP,           ['#'] = B_OP,           ['%'] = B_OP,
    ['^'] = B_OP,           ['&'] = B_OP,           ['|'] = B_OP,
    ['`'] = B_OP,           ['?'] = B_OP,           [','] = B_SELF,
    ['('] = B_SELF,         [')'] = B_SELF,         ['['] = B_SELF,
    [']'] = B_SELF,         [';'] = B_SELF,         [':'] = B_SELF,
    ['.'] = B_SELF,         ['\''] = B_QUOTE,       ['"'] = B_DQUOTE,
    ['$'] = B_DOLLAR,       ['_'] = B_WORD,         ['0' ... '9'] = B_DIGIT,
    ['a' ... 'z'] = B_WORD, ['A' ... 'Z'] = B_WORD, [0x80 ... 0xff] = B_WORD,
};

static bool is_word_byte(uint8_t byte)
{
    return byte_classes[byte] == B_WORD || byte_classes[byte] == B_DIGIT || byte == '$';
}

static uint8_t peek(const struct lexer *lexer, const uint8_t *at, size_t ahead)
{
    return (size_t)(lexer->end - at) > ahead ? at[ahead] : 0;
}

int32_t text_position(struct view text, size_t offset)
{
    int32_t characters = 1;

    for (size_t i = 0; i < offset && i < text.len; i++) {
        characters += (text.data[i] & 0xc0) != 0x80;
    }
    return characters;
}

static int fail_at(const struct lexer *lexer, const uint8_t *at, const char *message,
                   struct failure *ret_failure)
{
    int near = (int)(lexer->end - at < 200 ? lexer->end - at : 200);

    (void)failure_set(ret_failure, "42601", "%s at or near \"%.*s\"", message, near,
                      (const char *)at);
    if (ret_failure != NULL) {
        ret_failure->position =
            text_position(view_of(lexer->start, (size_t)(lexer->end - lexer->start)),
                          (size_t)(at - lexer->start));
    }
    return FAILED;
}

static int skip_block_comment(struct lexer *lexer, struct failure *ret_failure)
{
    const uint8_t *at = lexer->at + 2;
    size_t depth = 1;

    while (lexer->end - at >= 2) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            depth--;
            at += 2;
            if (depth == 0) {
                lexer->at = at;
                return 0;
            }
        } else {
            at++;
        }
    }
    return fail_at(lexer, lexer->at, "unterminated /* comment", ret_failure);
}

static int skip_blanks(struct lexer *lexer, struct failure *ret_failure)
{
    while (lexer->at < lexer->end) {
        if (byte_classes[*lexer->at] == B_BLANK) {
            lexer->at++;
        } else if (*lexer->at == '-' && peek(lexer, lexer->at, 1) == '-') {
            while (lexer->at < lexer->end && *lexer->at != '\n' && *lexer->at != '\r') {
                lexer->at++;
            }
        } else if (*lexer->at == '/' && peek(lexer, lexer->at, 1) == '*') {
            if (skip_block_comment(lexer, ret_failure) != 0) {
                return FAILED;
            }
        } else {
            break;
        }
    }
    return 0;
}

/* Behind the closing quote of what starts at `open`; NULL: there is none. */
static const uint8_t *quoted_end(const struct lexer *lexer, const uint8_t *open, bool backslashes)
{
    uint8_t quote = *open;

    for (const uint8_t *at = open + 1; at < lexer->end; at++) {
        if (*at == '\\' && backslashes) {
            at++;
        } else if (*at == quote) {
            if (peek(lexer, at, 1) != quote) {
                return at + 1;
            }
            at++;
        }
    }
    return NULL;
}

static int take_string(struct lexer *lexer, size_t prefix, bool backslashes, enum token_kind kind,
                       struct token *ret_token, struct failure *ret_failure)
{
    const uint8_t *open = lexer->at + prefix;
    const uint8_t *end = quoted_end(lexer, open, backslashes);

    if (end == NULL) {
        return fail_at(lexer, lexer->at,
                       *open == '"' ? "unterminated quoted identifier"
                                    : "unterminated quoted string",
                       ret_failure);
    }
    if (*open == '"' && end - open == 2) {
        return fail_at(lexer, lexer->at, "zero-length delimited identifier", ret_failure);
    }
    *ret_token = (struct token){ kind, view_of(lexer->at, (size_t)(end - lexer->at)) };
    lexer->at = end;
    return 0;
}

static int take_word(struct lexer *lexer, struct token *ret_token, struct failure *ret_failure)
{
    const uint8_t *at = lexer->at;
    uint8_t first = (uint8_t)(*at | 0x20);
    uint8_t second = peek(lexer, at, 1);

    if (second == '\'' && (first == 'e' || first == 'b' || first == 'x' || first == 'n')) {
        return take_string(lexer, 1, first == 'e', TOKEN_OTHER_STRING, ret_token, ret_failure);
    }
    if (first == 'u' && second == '&' &&
        (peek(lexer, at, 2) == '\'' || peek(lexer, at, 2) == '"')) {
        return take_string(lexer, 2, false, at[2] == '"' ? TOKEN_QUOTED_WORD : TOKEN_OTHER_STRING,
                           ret_token, ret_failure);
    }
    while (at < lexer->end && is_word_byte(*at)) {
        at++;
    }
    *ret_token = (struct token){ TOKEN_WORD, view_of(lexer->at, (size_t)(at - lexer->at)) };
    lexer->at = at;
    return 0;
}

static const uint8_t *digits_end(const struct lexer *lexer, const uint8_t *at)
{
    while (at < lexer->end && byte_classes[*at] == B_DIGIT) {
        at++;
    }
    return at;
}

static int take_number(struct lexer *lexer, struct token *ret_token, struct failure *ret_failure)
{
    const uint8_t *at = digits_end(lexer, lexer->at);
    enum token_kind kind = TOKEN_INTEGER;

    if (peek(lexer, at, 0) == '.' && !(at > lexer->at && peek(lexer, at, 1) == '.')) {
        kind = TOKEN_FLOAT;
        at = digits_end(lexer, at + 1);
    }
    if ((peek(lexer, at, 0) | 0x20) == 'e') {
        const uint8_t *exponent = at + 1;

        if (peek(lexer, exponent, 0) == '+' || peek(lexer, exponent, 0) == '-') {
            exponent++;
        }
        if (digits_end(lexer, exponent) > exponent) {
            kind = TOKEN_FLOAT;
            at = digits_end(lexer, exponent);
        }
    }
    if (at < lexer->end && byte_classes[*at] == B_WORD) {
        return fail_at(lexer, lexer->at, "trailing junk after numeric literal", ret_failure);
    }
    *ret_token = (struct token){ kind, view_of(lexer->at, (size_t)(at - lexer->at)) };
    lexer->at = at;
    return 0;
}

/* $1, $tag$...$tag$ or $$...$$. */
static int take_dollar(struct lexer *lexer, struct token *ret_token, struct failure *ret_failure)
{
    const uint8_t *at = lexer->at + 1;
    size_t tag;

    if (byte_classes[peek(lexer, at, 0)] == B_DIGIT) {
        at = digits_end(lexer, at);
        *ret_token = (struct token){ TOKEN_PARAM, view_of(lexer->at, (size_t)(at - lexer->at)) };
        lexer->at = at;
        return 0;
    }
    while (at < lexer->end && is_word_byte(*at) && *at != '$') {
        at++;
    }
    if (peek(lexer, at, 0) != '$') {
        return fail_at(lexer, lexer->at, "syntax error", ret_failure);
    }
    at++;
    tag = (size_t)(at - lexer->at);
    while ((size_t)(lexer->end - at) >= tag) {
        if (memcmp(at, lexer->at, tag) == 0) {
            at += tag;
            *ret_token =
                (struct token){ TOKEN_OTHER_STRING, view_of(lexer->at, (size_t)(at - lexer->at)) };
            lexer->at = at;
            return 0;
        }
        at++;
    }
    return fail_at(lexer, lexer->at, "unterminated dollar-quoted string", ret_failure);
}

/* The longest operator: it stops before a comment, and may end in + or - only behind one of
 * ~!@#%^&|`?. */
static void take_operator(struct lexer *lexer, struct token *ret_token)
{
    const uint8_t *start = lexer->at;
    const uint8_t *at = start;
    bool special = false;

    while (at < lexer->end && byte_classes[*at] == B_OP) {
        uint8_t next = peek(lexer, at, 1);

        if ((*at == '-' && next == '-') || (*at == '/' && next == '*')) {
            break;
        }
        special = special || strchr("~!@#%^&|`?", *at) != NULL;
        at++;
    }
    while (at - start > 1 && !special && (at[-1] == '+' || at[-1] == '-')) {
        at--;
    }
    *ret_token = (struct token){ TOKEN_OPERATOR, view_of(start, (size_t)(at - start)) };
    lexer->at = at;
}

static void take_self(struct lexer *lexer, struct token *ret_token)
{
    uint8_t next = peek(lexer, lexer->at, 1);
    bool two =
        (*lexer->at == ':' && (next == ':' || next == '=')) || (*lexer->at == '.' && next == '.');

    *ret_token = (struct token){ TOKEN_SELF, view_of(lexer->at, two ? 2 : 1) };
    lexer->at += two ? 2 : 1;
}

int lexer_next(struct lexer *lexer, struct token *ret_token, struct failure *ret_failure)
{
    if (skip_blanks(lexer, ret_failure) != 0) {
        return FAILED;
    }
    if (lexer->at == lexer->end) {
        *ret_token = (struct token){ TOKEN_END, view_of(lexer->at, 0) };
        return 0;
    }
    switch ((enum byte_class)byte_classes[*lexer->at]) {
    case B_WORD:
        return take_word(lexer, ret_token, ret_failure);
    case B_DIGIT:
        return take_number(lexer, ret_token, ret_failure);
    case B_QUOTE:
        return take_string(lexer, 0, false, TOKEN_STRING, ret_token, ret_failure);
    case B_DQUOTE:
        return take_string(lexer, 0, false, TOKEN_QUOTED_WORD, ret_token, ret_failure);
    case B_DOLLAR:
        return take_dollar(lexer, ret_token, ret_failure);
    case B_OP:
        take_operator(lexer, ret_token);
        return 0;
    case B_SELF:
        if (*lexer->at == '.' && byte_classes[peek(lexer, lexer->at, 1)] == B_DIGIT) {
            return take_number(lexer, ret_token, ret_failure);
        }
        take_self(lexer, ret_token);
        return 0;
    case B_BLANK:
    case B_OTHER:
        break;
    }
    return fail_at(lexer, lexer->at, "syntax error", ret_failure);
}

bool token_is_word(const struct token *token, const char *keyword)
{
    return token->kind == TOKEN_WORD && strlen(keyword) == token->text.len &&
           strncasecmp((const char *)token->text.data, keyword, token->text.len) == 0;
}

/* ---- statements ---- */

int sql_next_statement(struct view *text, struct view *ret_statement, struct failure *ret_failure)
{
    struct lexer lexer = lexer_over(*text);
    struct token token;
    bool any = false;

    for (;;) {
        if (lexer_next(&lexer, &token, ret_failure) != 0) {
            return FAILED;
        }
        if (token.kind == TOKEN_END && !any) {
            return SQL_END;
        }
        if (token.kind == TOKEN_END) {
            break;
        }
        if (token.kind == TOKEN_SELF && token.text.data[0] == ';') {
            if (any) {
                break;
            }
            text->data = lexer.at; /* an empty one: go on behind it */
            text->len = (size_t)(lexer.end - lexer.at);
            continue;
        }
        any = true;
    }
    *ret_statement = view_of(text->data, (size_t)(token.text.data - text->data));
    text->data = lexer.at;
    text->len = (size_t)(lexer.end - lexer.at);
    return 0;
}
