/* pool/sqltext_weight.c: weighs a text without parsing it.
 *
 * A frame is what stands between two parentheses, or CASE and END. Commas and the words between
 * clauses part a frame into items; AND and OR part an item into terms. An item is as deep as it has
 * ANDs and ORs, and behind them the term with the most operators, and behind that the deepest frame
 * inside. A frame with a sub-select adds its weight to the select around it, since SQLite may put
 * its columns in there; frames beside each other do not add up, but for those after AS, which may
 * name each other. SQLite's own limit of depth bounds a chain of operators, but not over a COLLATE,
 * which has it count from nought again (3.40), nor in all cases over a parenthesis. */
#include "pool/sqltext.h"

#include "pool/guard.h"

enum { frames_most = 256 }; /* SQLite's parser takes a hundred */

struct frame {
    bool select;    /* a sub-select */
    bool named;     /* after AS: a common table expression or a generated column */
    size_t ops;     /* operators of this term so far */
    size_t term;    /* the most of a term before, in this item */
    size_t joints;  /* ANDs and ORs of this item */
    size_t before;  /* the depth of this item up to its last COLLATE */
    size_t child;   /* the deepest frame inside this item */
    size_t deepest; /* of the items before */
    size_t inner;   /* the heaviest sub-select inside */
    size_t sum;     /* of all named frames inside */
};

struct scale {
    struct frame frames[frames_most];
    size_t top;
    size_t selects; /* open now */
    size_t deepest_selects;
    size_t ctes;
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void end_term(struct frame *frame)
{
    frame->term = larger(frame->term, frame->ops);
    frame->ops = 0;
}

/* The depth since the last COLLATE of the item. */
static size_t chain_depth(struct frame *frame)
{
    end_term(frame);
    size_t depth = frame->joints + frame->term;
    frame->joints = 0;
    frame->term = 0;
    return depth < guard_expression_depth ? depth : guard_expression_depth;
}

static void end_item(struct frame *frame)
{
    size_t depth = chain_depth(frame) + frame->before + frame->child;

    frame->deepest = larger(frame->deepest, depth);
    frame->before = 0;
    frame->child = 0;
}

static void open_frame(struct scale *scale, bool select, bool named)
{
    if (scale->top + 1 >= frames_most) {
        return;
    }
    scale->frames[++scale->top] = (struct frame){ .select = select, .named = named };
    scale->ctes += select && named;
    scale->selects += select;
    scale->deepest_selects = larger(scale->deepest_selects, scale->selects);
}

static void close_frame(struct scale *scale)
{
    if (scale->top == 0) {
        return;
    }
    struct frame *frame = &scale->frames[scale->top--];
    struct frame *around = &scale->frames[scale->top];

    end_item(frame);
    scale->selects -= frame->select;
    if (frame->named) {
        around->sum += frame->deepest + frame->inner + frame->sum;
    } else if (frame->select) {
        around->inner = larger(around->inner, frame->deepest + frame->inner + frame->sum);
    } else {
        around->child = larger(around->child, frame->deepest + 1);
        around->inner = larger(around->inner, frame->inner);
        around->sum += frame->sum;
    }
}

static bool is_one_of(const struct sqltext_token *token, const char *const *words, size_t count)
{
    for (size_t i = 0; token->kind == SQLTEXT_WORD && i < count; i++) {
        if (sqltext_is(token, words[i])) {
            return true;
        }
    }
    return false;
}

static bool is_operator(const struct sqltext_token *token)
{
    static const char *const words[] = { "NOT",    "IS",      "IN",     "LIKE",    "GLOB",  "MATCH",
                                         "REGEXP", "BETWEEN", "ISNULL", "NOTNULL", "ESCAPE" };

    if (token->kind == SQLTEXT_OTHER) {
        return memchr("+-*/%<>=!|&~", token->text.data[0], 12) != NULL;
    }
    return is_one_of(token, words, ARRAY_LEN(words));
}

static bool parts_items(const struct sqltext_token *token)
{
    static const char *const words[] = { "SELECT", "FROM",  "WHERE", "GROUP",  "HAVING",
                                         "ORDER",  "LIMIT", "UNION", "EXCEPT", "INTERSECT",
                                         "WINDOW", "WHEN",  "THEN",  "ELSE",   "JOIN",
                                         "ON",     "SET",   "VALUES" };

    return sqltext_is_byte(token, ',') || is_one_of(token, words, ARRAY_LEN(words));
}

static bool begins_select(struct view text)
{
    static const char *const words[] = { "SELECT", "WITH", "VALUES" };
    struct sqltext_token token = sqltext_next(&text);

    return is_one_of(&token, words, ARRAY_LEN(words));
}

static void weigh_word(struct frame *frame, const struct sqltext_token *token)
{
    static const char *const joints[] = { "AND", "OR" };

    if (parts_items(token)) {
        end_item(frame);
    } else if (is_one_of(token, joints, ARRAY_LEN(joints))) {
        end_term(frame);
        frame->joints++;
    } else if (sqltext_is(token, "COLLATE")) {
        frame->before += chain_depth(frame) + 1;
    } else {
        frame->ops += is_operator(token);
    }
}

static void weigh_token(struct scale *scale, const struct sqltext_token *token, struct view rest,
                        bool after_as)
{
    if (sqltext_is_byte(token, '(')) {
        open_frame(scale, begins_select(rest), after_as);
    } else if (sqltext_is(token, "CASE")) {
        open_frame(scale, false, false);
    } else if (sqltext_is_byte(token, ')') || sqltext_is(token, "END")) {
        close_frame(scale);
    } else {
        weigh_word(&scale->frames[scale->top], token);
    }
}

struct sqltext_weight sqltext_weigh(struct view text)
{
    struct scale scale = { .top = 0 };
    struct sqltext_token token;
    bool after_as = false;

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END) {
        weigh_token(&scale, &token, text, after_as);
        after_as = sqltext_is(&token, "AS") || sqltext_is(&token, "MATERIALIZED");
    }
    while (scale.top > 0) {
        close_frame(&scale);
    }
    struct frame *all = &scale.frames[0];
    end_item(all);
    return (struct sqltext_weight){
        .nesting = scale.ctes + scale.deepest_selects,
        .depth = all->deepest + all->inner + all->sum,
    };
}
