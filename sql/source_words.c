/* sql/source_words.c: SQLite's words as PostgreSQL has them: [a] and `a` are "a", a blob is the
 * text of a bytea, and comments, of which either ends its own way, are left out. */
#include "sql/source.h"

#include "pool/sqltext.h"

#include <ctype.h>

static bool is_blank(struct view text)
{
    for (; text.len > 0 && isspace(text.data[0]); view_advance(&text, 1)) {
    }
    return text.len == 0;
}

/* A backquote is doubled within backquotes, and a quote within quotes. */
static int put_name(struct view name, struct buf *out)
{
    bool halved = name.data[0] == '`';
    int r = buf_append_byte(out, '"');

    for (size_t i = 1; i + 1 < name.len && r == 0; i++) {
        uint8_t c = name.data[i];

        r = c == '"' ? buf_append_byte(out, '"') : 0;
        r = r == 0 ? buf_append_byte(out, c) : r;
        i += halved && c == '`';
    }
    return r == 0 ? buf_append_byte(out, '"') : r;
}

static bool is_before_string(struct view rest)
{
    return rest.len > 0 && rest.data[0] == '\'';
}

static int put_word(const struct sqltext_token *word, struct view *rest, struct buf *out)
{
    if (!is_before_string(*rest)) {
        return buf_append_view(out, word->text);
    }
    if (!sqltext_is(word, "X")) { /* e'' is a name and its alias */
        int r = buf_append_view(out, word->text);
        return r == 0 ? buf_append_byte(out, ' ') : r;
    }
    struct sqltext_token blob = sqltext_next(rest);
    view_advance(&blob.text, 1);
    int r = buf_append_str(out, "'\\x");
    return r == 0 ? buf_append_view(out, blob.text) : r;
}

static int put_token(const struct sqltext_token *token, struct view *rest, struct buf *out)
{
    return token->kind == SQLTEXT_WORD ? put_word(token, rest, out)
           : token->kind == SQLTEXT_NAME && token->text.data[0] != '"'
               ? put_name(token->text, out)
               : buf_append_view(out, token->text);
}

int source_put_words(struct view text, struct buf *out)
{
    struct view rest = text;

    for (;;) {
        const uint8_t *end = rest.data;
        struct sqltext_token token = sqltext_next(&rest);
        if (token.kind == SQLTEXT_END) {
            return 0;
        }
        struct view between = view_of(end, (size_t)(token.text.data - end));
        int r = is_blank(between) ? buf_append_view(out, between) : buf_append_byte(out, ' ');
        r = r == 0 ? put_token(&token, &rest, out) : r;
        if (r != 0) {
            return r;
        }
    }
}
