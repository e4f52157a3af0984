/* sql/normal.c: copies token by token; a literal behind a token that an expression may follow
 * becomes $n. */
#include "sql/normal.h"

#include "protocol/pgtype.h"
#include "sql/lexer.h"
#include "sql/literal.h"

#include <strings.h>

/* Their second argument is how many digits the result shows: it stays. */
static const char *const scaling_words[] = { "round", "trunc" };

/* Where a literal is nothing but a value: behind these words and operators, commas and opening
 * parentheses. (A divisor stays: SQLite divides by itself when it is not zero.) */
static const char *const value_words[] = {
    "and", "between", "else",   "limit", "not",  "offset",
    "on",  "or",      "select", "then",  "when", "where",
};
static const char *const value_operators[] = { "=",  "<", ">", "<=", ">=", "<>",
                                               "!=", "+", "-", "*",  "||" };

/* Words behind which literals stay, up to the end of the clause. */
static const char *const keep_words[] = { "order", "group",     "window",
                                          "over",  "partition", "distinct" };
static const char *const end_keep_words[] = { "limit", "offset",    "where",
                                              "from",  "returning", "having" };

static bool in_words(const struct token *token, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (token_is_word(token, words[i])) {
            return true;
        }
    }
    return false;
}

#define IN_WORDS(token, words) in_words(token, words, ARRAY_LEN(words))

struct normal_state {
    struct lexer lexer;
    struct token before; /* the last token */
    struct token before2;
    size_t level;
    size_t keep_level; /* literals stay down to this level; 0: they are taken */
    bool keep_clause;  /* at level 0 */
};

static bool may_take(const struct normal_state *state)
{
    const struct token *before = &state->before;

    if (state->keep_level > 0 || state->keep_clause) {
        return false;
    }
    switch (before->kind) {
    case TOKEN_WORD:
        return IN_WORDS(before, value_words) &&
               (state->level == 0 || !token_is_word(before, "limit")); /* LIMIT 1 is told apart */
    case TOKEN_OPERATOR:
        for (size_t i = 0; i < ARRAY_LEN(value_operators); i++) {
            if (view_equal_str(before->text, value_operators[i])) {
                return true;
            }
        }
        return false;
    case TOKEN_SELF:
        return before->text.data[0] == ',' || before->text.data[0] == '(';
    default:
        return false;
    }
}

static bool append(struct normal *normal, const void *data, size_t len)
{
    if (len > sizeof(normal->text) - normal->len) {
        return false;
    }
    memcpy(normal->text + normal->len, data, len);
    normal->len += len;
    return true;
}

/* The literal's type; 0: leave it. */
static uint32_t literal_oid(const struct token *token)
{
    static const char int4_max[] = "2147483647";

    switch (token->kind) {
    case TOKEN_STRING:
        return memchr(token->text.data, 0, token->text.len) == NULL ? OID_UNKNOWN : 0;
    case TOKEN_INTEGER:
        if (token->text.len > 18) {
            return 0;
        }
        return token->text.len < 10 ||
                       (token->text.len == 10 && memcmp(token->text.data, int4_max, 10) <= 0)
                   ? OID_INT4
                   : OID_INT8;
    case TOKEN_FLOAT:
        return token->text.len <= 17 ? type_code(type_numeric(literal_scale(token->text))) : 0;
    default:
        return 0;
    }
}

static bool take_literal(struct normal *normal, const struct token *token, uint32_t oid)
{
    uint8_t name[4] = { '$' };
    size_t number = normal->count + 1;
    size_t len = 1;

    if (number >= 10) {
        name[len++] = (uint8_t)('0' + number / 10);
    }
    name[len++] = (uint8_t)('0' + number % 10);
    normal->literals[normal->count] = token->text;
    normal->oids[normal->count++] = oid;
    return append(normal, name, len);
}

/* Type modifiers and the like: numeric(10, 2) behind :: or AS. */
static bool opens_modifier(const struct normal_state *state)
{
    return state->before.kind == TOKEN_WORD &&
           ((state->before2.kind == TOKEN_SELF && state->before2.text.data[0] == ':') ||
            token_is_word(&state->before2, "as"));
}

static void note_structure(struct normal_state *state, const struct token *token)
{
    uint8_t first = token->text.data[0];

    if (token->kind == TOKEN_SELF && (first == '(' || first == '[')) {
        state->level++;
        if (state->keep_level == 0 &&
            (opens_modifier(state) || first == '[' || token_is_word(&state->before, "any") ||
             token_is_word(&state->before, "all") || token_is_word(&state->before, "over") ||
             IN_WORDS(&state->before, scaling_words))) {
            state->keep_level = state->level;
        }
    } else if (token->kind == TOKEN_SELF && (first == ')' || first == ']')) {
        if (state->keep_level == state->level) {
            state->keep_level = 0;
        }
        state->level -= state->level > 0;
    } else if (token->kind == TOKEN_WORD && IN_WORDS(token, keep_words) && state->keep_level == 0) {
        if (state->level == 0) {
            state->keep_clause = true;
        } else {
            state->keep_level = state->level;
        }
    } else if (token->kind == TOKEN_WORD && IN_WORDS(token, end_keep_words)) {
        state->keep_clause = state->keep_clause && state->level > 0;
        state->keep_level = state->keep_level == state->level ? 0 : state->keep_level;
    }
}

static bool starts_plainly(const struct token *token)
{
    static const char *const verbs[] = { "select", "insert", "update", "delete" };

    return token->kind == TOKEN_WORD && token->text.len == 6 && IN_WORDS(token, verbs);
}

/* One blank between two tokens that would run together or had one. */
static bool append_token(struct normal *normal, const struct normal_state *state,
                         const struct token *token)
{
    bool apart = state->before.text.data + state->before.text.len != token->text.data;

    return (!apart || normal->len == 0 || append(normal, " ", 1)) &&
           append(normal, token->text.data, token->text.len);
}

bool normal_take(struct view text, struct normal *ret_normal)
{
    struct normal_state state = { .lexer = lexer_over(text) };
    struct token token;

    ret_normal->len = 0;
    ret_normal->count = 0;
    if (text.len > normal_text_bytes || lexer_next(&state.lexer, &token, NULL) != 0 ||
        !starts_plainly(&token)) {
        return false;
    }
    while (token.kind != TOKEN_END) {
        uint32_t oid =
            token.kind == TOKEN_STRING || token.kind == TOKEN_INTEGER || token.kind == TOKEN_FLOAT
                ? literal_oid(&token)
                : 0;

        if (token.kind == TOKEN_PARAM) {
            return false;
        }
        if (oid != 0 && may_take(&state)) {
            bool apart = state.before.text.data + state.before.text.len != token.text.data;

            if ((!apart && state.before.kind == TOKEN_WORD) ||
                ret_normal->count == normal_literals || (apart && !append(ret_normal, " ", 1)) ||
                !take_literal(ret_normal, &token, oid)) {
                return false;
            }
        } else if (!append_token(ret_normal, &state, &token)) {
            return false;
        }
        note_structure(&state, &token);
        state.before2 = state.before;
        state.before = token;
        if (lexer_next(&state.lexer, &token, NULL) != 0) {
            return false;
        }
    }
    return ret_normal->count > 0;
}
