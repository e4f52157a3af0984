/* sql/source_rename.c: SQLite renames a column in a table's text, but not in the comments: those
 * that were believed before follow it. */
#include "sql/source.h"

#include "pool/sqltext.h"
#include "sql/lexer.h"
#include "sql/source_impl.h"
#include "sql/verb_support.h"

#include <ctype.h>

/* ---- PostgreSQL's text ---- */

static bool is_name(const struct token *token, const char *name)
{
    size_t len = strlen(name);

    if (token->kind == TOKEN_QUOTED_WORD) {
        return token->text.len == len + 2 && memcmp(token->text.data + 1, name, len) == 0;
    }
    if (token->kind != TOKEN_WORD || token->text.len != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (tolower(token->text.data[i]) != (uint8_t)name[i]) {
            return false;
        }
    }
    return true;
}

static bool is_text(const struct token *token, const char *text)
{
    return token->text.len == strlen(text) && memcmp(token->text.data, text, token->text.len) == 0;
}

/* A function's name stands before a parenthesis, a type's behind "::". */
static int rename_words(struct view text, const char *old, const char *new, struct buf *out)
{
    struct lexer lexer = lexer_over(text);
    struct token before = { 0 }, token, next;
    const uint8_t *done = text.data;
    int r = lexer_next(&lexer, &token, NULL);

    while (r == 0 && token.kind != TOKEN_END) {
        r = lexer_next(&lexer, &next, NULL);
        if (r == 0 && is_name(&token, old) && !is_text(&next, "(") && !is_text(&before, "::")) {
            r = buf_append(out, done, (size_t)(token.text.data - done));
            r = r == 0 ? verb_ident(out, new) : r;
            done = token.text.data + token.text.len;
        }
        before = token;
        token = next;
    }
    return r == 0 ? buf_append(out, done, (size_t)(text.data + text.len - done)) : r;
}

/* ---- the table's ---- */

/* A comment and the expression that it is about, which ends where its parentheses do. */
struct place {
    struct view comment; /* from the mark to the expression */
    struct view expression;
};

static struct view expression_at(struct view text)
{
    struct view rest = text;
    int depth = 0;

    for (struct sqltext_token token = sqltext_next(&rest); token.kind != SQLTEXT_END;
         token = sqltext_next(&rest)) {
        depth += sqltext_is_byte(&token, '(') - sqltext_is_byte(&token, ')');
        if (depth < 0) {
            return view_of(text.data, (size_t)(token.text.data - text.data));
        }
    }
    return text;
}

/* The next one; *text goes on behind its comment. */
static bool find_place(struct view *text, struct place *ret_place)
{
    const uint8_t *start = source_find(*text);
    const uint8_t *end =
        start == NULL ? NULL : memmem(start, (size_t)(text->data + text->len - start), " */ ", 4);

    if (end == NULL) {
        return false;
    }
    ret_place->comment = view_of(start, (size_t)(end - start) + 4);
    view_advance(text, (size_t)(end - text->data) + 4);
    ret_place->expression = expression_at(*text);
    return true;
}

static struct view whole(const struct place *place)
{
    return view_of(place->comment.data, place->comment.len + place->expression.len);
}

static int put_renamed(const struct place *place, const char *old, const char *new, struct buf *out)
{
    cleanup(buf_finish) struct buf source = { 0 };
    cleanup(buf_finish) struct buf renamed = { 0 };
    int r = source_unescape(place->comment, &source);

    r = r == 0 ? rename_words(buf_view(&source), old, new, &renamed) : r;
    return r == 0 ? source_put_comment(out, buf_view(&renamed), place->expression) : r;
}

int source_rename(struct view before, struct view after, const char *old, const char *new,
                  struct buf *out, bool *ret_changed)
{
    struct view rest = after;
    const uint8_t *done = after.data;
    struct place was, is;
    int r = 0;

    *ret_changed = false;
    while (r == 0 && find_place(&before, &was) && find_place(&rest, &is)) {
        if (!source_is_believed(whole(&was)) || source_is_believed(whole(&is))) {
            continue;
        }
        r = buf_append(out, done, (size_t)(is.comment.data - done));
        r = r == 0 ? put_renamed(&is, old, new, out) : r;
        done = is.expression.data;
        *ret_changed = true;
    }
    return r == 0 ? buf_append(out, done, (size_t)(after.data + after.len - done)) : r;
}
