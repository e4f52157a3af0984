/* client/cli/script.c: see script.h. A quote, a comment's marks and a dollar quote's tag never go
 * over the end of a line, so that looking ahead in the line is enough.
 * https://www.postgresql.org/docs/15/sql-syntax-lexical.html */
#include "client/cli/script.h"

#include <ctype.h>
#include <errno.h>

enum { IN_PLAIN, IN_QUOTE, IN_ESCAPES, IN_NAME, IN_DOLLARS, IN_COMMENT };

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

static uint8_t at(struct view line, size_t i)
{
    return i < line.len ? line.data[i] : 0;
}

/* ---- words ---- */

static void note_word(struct script *s, struct view word)
{
    char text[script_word_bytes] = "";

    for (size_t i = 0; i < word.len && i < sizeof(text) - 1; i++) {
        text[i] = (char)tolower(word.data[i]);
    }
    if (s->word_count < ARRAY_LEN(s->words)) {
        memcpy(s->words[s->word_count], text, sizeof(text));
    }
    s->word_count++;
    if (s->parentheses == 0 && strcmp(s->words[0], "copy") == 0) {
        s->copies = s->copies || (s->after_from && strcmp(text, "stdin") == 0);
        s->after_from = strcmp(text, "from") == 0;
    }
}

/* E'...' has escapes. */
static size_t take_word(struct script *s, struct view line)
{
    size_t len = 1;

    while (is_word(at(line, len))) {
        len++;
    }
    if (len == 1 && (line.data[0] == 'e' || line.data[0] == 'E') && at(line, 1) == '\'') {
        s->state = IN_ESCAPES;
        return 2;
    }
    note_word(s, view_of(line.data, len));
    return len;
}

/* ---- dollar quotes ---- */

/* The length of $tag$; 0: it is none. */
static size_t tag_length(struct view line)
{
    size_t len = 1;

    while (is_word(at(line, len)) && line.data[len] != '$' && (len > 1 || !isdigit(line.data[1]))) {
        len++;
    }
    return at(line, len) == '$' ? len + 1 : 0;
}

static size_t take_dollar(struct script *s, struct view line)
{
    size_t len = tag_length(line);

    if (len == 0 || len >= sizeof(s->tag)) {
        return 1;
    }
    memcpy(s->tag, line.data, len);
    s->tag[len] = '\0';
    s->state = IN_DOLLARS;
    return len;
}

/* ---- one step; each gives the bytes that it takes ---- */

static size_t step_plain(struct script *s, struct view line)
{
    uint8_t c = line.data[0];

    if (c == '-' && at(line, 1) == '-') {
        return line.len;
    }
    if (c == '/' && at(line, 1) == '*') {
        s->state = IN_COMMENT;
        s->comments = 1;
        return 2;
    }
    if (c == '\'' || c == '"') {
        s->state = c == '"' ? IN_NAME : IN_QUOTE;
        s->after_from = false;
        return 1;
    }
    if (c == '$') {
        return take_dollar(s, line);
    }
    if (is_word(c)) {
        return take_word(s, line);
    }
    s->parentheses += c == '(' ? 1 : c == ')' && s->parentheses > 0 ? -1 : 0;
    return 1;
}

/* A doubled quote ends one string and begins the next, which is all the same. */
static size_t step_quoted(struct script *s, struct view line, uint8_t quote)
{
    const uint8_t *end = memchr(line.data, quote, line.len);

    if (end == NULL) {
        return line.len;
    }
    s->state = IN_PLAIN;
    return (size_t)(end - line.data) + 1;
}

static size_t step_escapes(struct script *s, struct view line)
{
    if (line.data[0] == '\\') {
        return line.len > 1 ? 2 : 1;
    }
    if (line.data[0] == '\'' && at(line, 1) == '\'') {
        return 2;
    }
    s->state = line.data[0] == '\'' ? IN_PLAIN : IN_ESCAPES;
    return 1;
}

static size_t step_dollars(struct script *s, struct view line)
{
    size_t len = strlen(s->tag);
    const uint8_t *end = memmem(line.data, line.len, s->tag, len);

    if (end == NULL) {
        return line.len;
    }
    s->state = IN_PLAIN;
    return (size_t)(end - line.data) + len;
}

static size_t step_comment(struct script *s, struct view line)
{
    bool opens = line.data[0] == '/' && at(line, 1) == '*';
    bool closes = line.data[0] == '*' && at(line, 1) == '/';

    s->comments += opens - closes;
    s->state = s->comments == 0 ? IN_PLAIN : IN_COMMENT;
    return opens || closes ? 2 : 1;
}

static size_t step(struct script *s, struct view line)
{
    switch (s->state) {
    case IN_QUOTE:
        return step_quoted(s, line, '\'');
    case IN_NAME:
        return step_quoted(s, line, '"');
    case IN_ESCAPES:
        return step_escapes(s, line);
    case IN_DOLLARS:
        return step_dollars(s, line);
    case IN_COMMENT:
        return step_comment(s, line);
    default:
        return step_plain(s, line);
    }
}

/* ---- statements ---- */

static void begin_statement(struct script *s)
{
    buf_clear(&s->text);
    s->copies = s->after_from = s->complete = false;
    s->word_count = 0;
    s->parentheses = 0;
    memset(s->words, 0, sizeof(s->words));
}

/* Blanks and comments before a statement are not of it. */
static bool belongs(const struct script *s, int before, struct view bytes)
{
    bool comment = before == IN_COMMENT || s->state == IN_COMMENT ||
                   (before == IN_PLAIN && bytes.len > 1 && bytes.data[0] == '-');

    return s->text.len > 0 || !(comment || isspace(bytes.data[0]));
}

static int give_out(struct script *s)
{
    s->complete = true;
    return buf_append_byte(&s->text, 0) == 0 ? SCRIPT_STATEMENT : -ENOMEM;
}

int script_read(struct script *s, uint64_t number, struct view *line)
{
    if (s->complete) {
        begin_statement(s);
    }
    while (line->len > 0) {
        uint8_t c = line->data[0];
        int before = s->state;

        if (before == IN_PLAIN && c == '\\' && s->text.len == 0) {
            return SCRIPT_META;
        }
        if (before == IN_PLAIN && c == ';' && s->parentheses == 0) {
            view_advance(line, 1);
            if (s->text.len > 0) {
                return give_out(s);
            }
            continue;
        }
        size_t taken = step(s, *line);
        struct view bytes = view_of(line->data, taken);
        view_advance(line, taken);
        if (belongs(s, before, bytes)) {
            s->first_line = s->text.len == 0 ? number : s->first_line;
            if (buf_append_view(&s->text, bytes) != 0) {
                return -ENOMEM;
            }
        }
    }
    return SCRIPT_MORE;
}

int script_end(struct script *s, const char **ret_open)
{
    static const char *const what[] = {
        [IN_PLAIN] = NULL,
        [IN_QUOTE] = "a quoted string",
        [IN_ESCAPES] = "a quoted string",
        [IN_NAME] = "a quoted name",
        [IN_DOLLARS] = "a dollar quote",
        [IN_COMMENT] = "a comment",
    };

    *ret_open = what[s->state];
    if (s->complete) {
        begin_statement(s);
    }
    return s->text.len > 0 ? give_out(s) : SCRIPT_MORE;
}

void script_finish(struct script *s)
{
    buf_finish(&s->text);
}
