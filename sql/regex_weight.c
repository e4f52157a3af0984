/* sql/regex_weight.c: one pass over the pattern, with a sum for each open group. */
#include "sql/regex_weight.h"

struct level {
    size_t before; /* all but the last atom */
    size_t atom;   /* the last one: what a quantifier multiplies */
};

struct weigher {
    struct view in;
    size_t at;
    struct level levels[regex_nesting_max + 1];
    size_t depth;
    enum regex_verdict verdict;
};

static struct level *top(struct weigher *w)
{
    return &w->levels[w->depth];
}

static size_t level_sum(const struct level *level)
{
    return level->before + level->atom;
}

static void add_atom(struct weigher *w, size_t weight)
{
    struct level *level = top(w);

    level->before = level_sum(level);
    level->atom = weight;
    if (level->before > regex_weight_max || level->atom > regex_weight_max) {
        w->verdict = REGEX_TOO_COMPLEX;
    }
}

static void multiply(struct weigher *w, size_t times)
{
    struct level *level = top(w);

    level->atom = level->atom * (times == 0 ? 1 : times) + times;
    if (level->atom > regex_weight_max) {
        w->verdict = REGEX_TOO_COMPLEX;
    }
}

static uint8_t byte_at(const struct weigher *w, size_t at)
{
    return at < w->in.len ? w->in.data[at] : 0;
}

/* [abc], []x], [^]x], [[:alpha:]]; w->at is behind the opening bracket. */
static void skip_set(struct weigher *w)
{
    w->at += byte_at(w, w->at) == '^';
    w->at += byte_at(w, w->at) == ']';
    while (w->at < w->in.len && w->in.data[w->at] != ']') {
        uint8_t kind = byte_at(w, w->at + 1);

        if (w->in.data[w->at] == '[' && (kind == ':' || kind == '.' || kind == '=')) {
            w->at += 2;
            while (w->at < w->in.len &&
                   !(w->in.data[w->at] == kind && byte_at(w, w->at + 1) == ']')) {
                w->at++;
            }
            w->at++;
        }
        w->at++;
    }
    w->at++;
}

static size_t read_number(struct weigher *w)
{
    size_t n = 0;

    while (byte_at(w, w->at) >= '0' && byte_at(w, w->at) <= '9') {
        n = n > regex_repeat_max ? n : n * 10 + (size_t)(w->in.data[w->at] - '0');
        w->at++;
    }
    return n;
}

/* {m}, {m,}, {,n} and {m,n}; w->at is behind the brace. Anything else is text or a mistake. */
static void read_repeat(struct weigher *w)
{
    size_t least = read_number(w), most = least;

    if (byte_at(w, w->at) == ',') {
        w->at++;
        most = byte_at(w, w->at) == '}' ? least + 1 : read_number(w);
    }
    if (byte_at(w, w->at) != '}') {
        add_atom(w, 1);
        return;
    }
    w->at++;
    if (least > regex_repeat_max || most > regex_repeat_max + 1) {
        w->verdict = REGEX_BAD_REPEAT;
        return;
    }
    multiply(w, most);
}

static void open_group(struct weigher *w)
{
    if (w->depth == regex_nesting_max) {
        w->verdict = REGEX_TOO_COMPLEX;
        return;
    }
    w->depth++;
    *top(w) = (struct level){ .before = 2 };
}

static void close_group(struct weigher *w)
{
    if (w->depth > 0) {
        size_t sum = level_sum(top(w));

        w->depth--;
        add_atom(w, sum);
    }
}

static void weigh_one(struct weigher *w)
{
    uint8_t ch = w->in.data[w->at++];

    switch (ch) {
    case '\\':
        ch = byte_at(w, w->at++);
        add_atom(w, 1);
        w->verdict = ch >= '1' && ch <= '9' ? REGEX_BACK_REFERENCE : w->verdict;
        break;
    case '[':
        skip_set(w);
        add_atom(w, 2);
        break;
    case '(':
        open_group(w);
        break;
    case ')':
        close_group(w);
        break;
    case '{':
        read_repeat(w);
        break;
    case '+':
        multiply(w, 2);
        break;
    case '*':
    case '?':
        multiply(w, 1);
        break;
    default:
        add_atom(w, 1);
        break;
    }
}

enum regex_verdict regex_weigh(struct view pattern, size_t *ret_weight)
{
    struct weigher w = { .in = pattern };
    size_t sum = 0;

    while (w.at < w.in.len && w.verdict == REGEX_FITS) {
        weigh_one(&w);
    }
    for (size_t i = 0; i <= w.depth; i++) {
        sum += level_sum(&w.levels[i]);
    }
    if (w.verdict == REGEX_FITS && sum > regex_weight_max) {
        w.verdict = REGEX_TOO_COMPLEX;
    }
    *ret_weight = sum;
    return w.verdict;
}
