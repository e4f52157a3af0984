/* sql/lexer_weight.c: how deep a parser will recurse, from the tokens alone: counted before it is
 * let at a text. */
#include "sql/lexer.h"

enum { depth_levels = 512 };

struct depth_count {
    size_t level;               /* open parentheses, brackets and CASEs */
    size_t chain[depth_levels]; /* operators one behind the other at each level */
    size_t open;                /* the sum of chain[0..level] */
    size_t deepest;
};

static void depth_open(struct depth_count *count)
{
    count->level++;
    if (count->level < depth_levels) {
        count->chain[count->level] = 0;
    }
}

static void depth_close(struct depth_count *count)
{
    if (count->level > 0) {
        if (count->level < depth_levels) {
            count->open -= count->chain[count->level];
        }
        count->level--;
    }
}

static void depth_link(struct depth_count *count)
{
    if (count->level < depth_levels) {
        count->chain[count->level]++;
        count->open++;
    }
}

static void depth_comma(struct depth_count *count)
{
    if (count->level < depth_levels) {
        count->open -= count->chain[count->level];
        count->chain[count->level] = 0;
    }
}

static void depth_word(struct depth_count *count, const struct token *token)
{
    static const char *const links[] = { "not",  "union", "intersect", "except",
                                         "join", "is",    "collate",   "in" };

    if (token_is_word(token, "case")) {
        depth_open(count);
        return;
    }
    if (token_is_word(token, "end")) {
        depth_close(count);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        if (token_is_word(token, links[i])) {
            depth_link(count);
            return;
        }
    }
    if (token_is_word(token, "and") || token_is_word(token, "or")) {
        depth_comma(count); /* lists in the tree */
    }
}

static void depth_token(struct depth_count *count, const struct token *token)
{
    uint8_t first = token->text.data[0];

    if (token->kind == TOKEN_OPERATOR) {
        depth_link(count);
    } else if (token->kind == TOKEN_WORD) {
        depth_word(count, token);
    } else if (token->kind != TOKEN_SELF) {
        return;
    } else if (first == '(' || first == '[') {
        depth_open(count);
    } else if (first == ')' || first == ']') {
        depth_close(count);
        depth_link(count); /* (..)[..][..] and x::a::b are chains too */
    } else if (first == ',' || first == ';') {
        depth_comma(count);
    } else if (first == ':') {
        depth_link(count);
    }
}

int lexer_weigh(struct view text, struct lexer_weight *ret_weight, struct failure *ret_failure)
{
    struct lexer lexer = lexer_over(text);
    struct depth_count count = { 0 };
    struct token token;
    size_t tokens = 0;

    do {
        if (lexer_next(&lexer, &token, ret_failure) != 0) {
            return FAILED;
        }
        if (token.kind != TOKEN_END) {
            depth_token(&count, &token);
            tokens++;
        }
        if (count.level + count.open > count.deepest) {
            count.deepest = count.level + count.open;
        }
    } while (token.kind != TOKEN_END);
    *ret_weight = (struct lexer_weight){ .depth = count.deepest, .tokens = tokens };
    return 0;
}
