/* sql/copy_options.c: COPY's options, a row each; the grammar has made one list of the old and the
 * new syntax. What does not go together is refused in PostgreSQL's words. */
#include "sql/copy.h"
#include "sql/grammar.h"
#include "sql/lexer.h"
#include "sql/verb_support.h"

#include <strings.h>

struct given {
    struct copy_options *options;
    struct view text; /* the statement's */
    struct arena *arena;
    struct failure *failure;
    const char *delimiter;
    const char *null;
    const char *quote;
    const char *escape;
    bool binary;
    bool csv;
    bool has_header;
    bool from;
};

static int refuse(struct given *g, const char *sqlstate, const char *message)
{
    return failure_set(g->failure, sqlstate, "%s", message);
}

/* ---- one option ---- */

/* The failure that was set is this option's. */
static int at_option(const struct given *g, const PgQuery__DefElem *option)
{
    if (option->location >= 0) {
        g->failure->position = text_position(g->text, (size_t)option->location);
    }
    return FAILED;
}

/* The option's text, kept; NULL: none. */
static const char *text_of(struct given *g, const PgQuery__DefElem *option)
{
    char number[32];
    const PgQuery__Node *arg = option->arg;
    const char *text = arg != NULL && arg->node_case == PG_QUERY__NODE__NODE_BOOLEAN
                           ? (arg->boolean->boolval ? "true" : "false")
                           : verb_const_text(arg, number);

    return text == NULL ? NULL : arena_strdup(g->arena, text);
}

static int needs_text(struct given *g, const PgQuery__DefElem *option, const char **ret_text)
{
    *ret_text = text_of(g, option);
    if (*ret_text == NULL) {
        return failure_set(g->failure, "42601", "%s requires a parameter", option->defname);
    }
    return 0;
}

static int read_format(struct given *g, const PgQuery__DefElem *option)
{
    const char *format = NULL;
    int r = needs_text(g, option, &format);

    if (r != 0) {
        return r;
    }
    g->csv = strcmp(format, "csv") == 0;
    g->binary = strcmp(format, "binary") == 0;
    if (!g->csv && !g->binary && strcmp(format, "text") != 0) {
        failure_set(g->failure, "22023", "COPY format \"%s\" not recognized", format);
        return at_option(g, option);
    }
    return 0;
}

static int read_delimiter(struct given *g, const PgQuery__DefElem *option)
{
    return needs_text(g, option, &g->delimiter);
}

static int read_null(struct given *g, const PgQuery__DefElem *option)
{
    return needs_text(g, option, &g->null);
}

static int read_quote(struct given *g, const PgQuery__DefElem *option)
{
    return needs_text(g, option, &g->quote);
}

static int read_escape(struct given *g, const PgQuery__DefElem *option)
{
    return needs_text(g, option, &g->escape);
}

/* -1: neither. */
static int truth_of(const char *text)
{
    static const char *const words[] = { "0", "1", "false", "true", "off", "on" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return i % 2;
        }
    }
    return -1;
}

static int read_header(struct given *g, const PgQuery__DefElem *option)
{
    const char *text = option->arg == NULL ? "true" : text_of(g, option);
    int truth = text == NULL ? -1 : truth_of(text);

    if (text != NULL && strcasecmp(text, "match") == 0) {
        g->options->header = COPY_HEADER_MATCH;
    } else if (truth >= 0) {
        g->options->header = truth > 0 ? COPY_HEADER_LINE : COPY_HEADER_NONE;
    } else {
        return failure_set(g->failure, "42601", "%s requires a Boolean value or \"match\"",
                           option->defname);
    }
    if (g->options->header == COPY_HEADER_MATCH && !g->from) {
        return failure_set(g->failure, "0A000", "cannot use \"%s\" with HEADER in COPY TO", text);
    }
    return 0;
}

static int read_freeze(struct given *g, const PgQuery__DefElem *option)
{
    const char *text = option->arg == NULL ? "true" : text_of(g, option);

    if (text == NULL || truth_of(text) < 0) {
        return failure_set(g->failure, "42601", "%s requires a Boolean value", option->defname);
    }
    return 0;
}

static int read_encoding(struct given *g, const PgQuery__DefElem *option)
{
    const char *text = NULL;
    int r = needs_text(g, option, &text);

    if (r != 0 || strcasecmp(text, "utf8") == 0 || strcasecmp(text, "utf-8") == 0 ||
        strcasecmp(text, "unicode") == 0) {
        return r;
    }
    failure_set(g->failure, "22023", "argument to option \"%s\" must be a valid encoding name",
                option->defname);
    failure_add(g->failure, FIELD_HINT, "pond knows UTF8 only.");
    return at_option(g, option);
}

static int read_columns(struct given *g, const PgQuery__DefElem *option, bool star,
                        struct copy_columns *out)
{
    const PgQuery__Node *arg = option->arg;

    if (star && arg != NULL && arg->node_case == PG_QUERY__NODE__NODE_A_STAR) {
        out->all = true;
    } else if (arg != NULL && arg->node_case == PG_QUERY__NODE__NODE_LIST) {
        out->names = arg->list->items;
        out->count = arg->list->n_items;
    } else {
        failure_set(g->failure, "22023", "argument to option \"%s\" must be a list of column names",
                    option->defname);
        return at_option(g, option);
    }
    return 0;
}

static int read_force_quote(struct given *g, const PgQuery__DefElem *option)
{
    return read_columns(g, option, true, &g->options->force_quote);
}

static int read_force_not_null(struct given *g, const PgQuery__DefElem *option)
{
    return read_columns(g, option, false, &g->options->force_not_null);
}

static int read_force_null(struct given *g, const PgQuery__DefElem *option)
{
    return read_columns(g, option, false, &g->options->force_null);
}

static const struct option_row {
    const char *name;
    int (*read)(struct given *g, const PgQuery__DefElem *option);
} rows[] = {
    { "delimiter", read_delimiter },   { "encoding", read_encoding },
    { "escape", read_escape },         { "force_not_null", read_force_not_null },
    { "force_null", read_force_null }, { "force_quote", read_force_quote },
    { "format", read_format },         { "freeze", read_freeze },
    { "header", read_header },         { "null", read_null },
    { "quote", read_quote },
};

/* ---- all together ---- */

static int read_one(struct given *g, const PgQuery__DefElem *option, unsigned *seen)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, option->defname) != 0) {
            continue;
        }
        if ((*seen & 1U << i) != 0) {
            refuse(g, "42601", "conflicting or redundant options");
            return at_option(g, option);
        }
        *seen |= 1U << i;
        return rows[i].read(g, option);
    }
    failure_set(g->failure, "42601", "option \"%s\" not recognized", option->defname);
    return at_option(g, option);
}

static int check_delimiter(struct given *g, const struct copy_style *style)
{
    if (g->delimiter != NULL && strlen(g->delimiter) != 1) {
        return refuse(g, "0A000", "COPY delimiter must be a single one-byte character");
    }
    if (style->delimiter == '\n' || style->delimiter == '\r') {
        return refuse(g, "22023", "COPY delimiter cannot be newline or carriage return");
    }
    if (memchr(style->null.data, '\n', style->null.len) != NULL ||
        memchr(style->null.data, '\r', style->null.len) != NULL) {
        return refuse(g, "22023", "COPY null representation cannot use newline or carriage return");
    }
    if (!g->csv && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", style->delimiter) != NULL) {
        return failure_set(g->failure, "22023", "COPY delimiter cannot be \"%c\"",
                           style->delimiter);
    }
    return 0;
}

static int check_quote(struct given *g, const struct copy_style *style)
{
    if (!g->csv && g->quote != NULL) {
        return refuse(g, "0A000", "COPY quote available only in CSV mode");
    }
    if (g->quote != NULL && strlen(g->quote) != 1) {
        return refuse(g, "0A000", "COPY quote must be a single one-byte character");
    }
    if (g->csv && style->delimiter == style->quote) {
        return refuse(g, "22023", "COPY delimiter and quote must be different");
    }
    if (!g->csv && g->escape != NULL) {
        return refuse(g, "0A000", "COPY escape available only in CSV mode");
    }
    if (g->escape != NULL && strlen(g->escape) != 1) {
        return refuse(g, "0A000", "COPY escape must be a single one-byte character");
    }
    return 0;
}

static bool is_given(const struct copy_columns *columns)
{
    return columns->all || columns->count > 0;
}

static int check_force(struct given *g)
{
    const struct copy_options *o = g->options;

    if (!g->csv && is_given(&o->force_quote)) {
        return refuse(g, "0A000", "COPY force quote available only in CSV mode");
    }
    if (g->from && is_given(&o->force_quote)) {
        return refuse(g, "0A000", "COPY force quote only available using COPY TO");
    }
    if (!g->csv && is_given(&o->force_not_null)) {
        return refuse(g, "0A000", "COPY force not null available only in CSV mode");
    }
    if (!g->from && is_given(&o->force_not_null)) {
        return refuse(g, "0A000", "COPY force not null only available using COPY FROM");
    }
    if (!g->csv && is_given(&o->force_null)) {
        return refuse(g, "0A000", "COPY force null available only in CSV mode");
    }
    if (!g->from && is_given(&o->force_null)) {
        return refuse(g, "0A000", "COPY force null only available using COPY FROM");
    }
    return 0;
}

static int check_binary(struct given *g)
{
    if (g->binary && g->delimiter != NULL) {
        return refuse(g, "42601", "cannot specify DELIMITER in BINARY mode");
    }
    if (g->binary && g->null != NULL) {
        return refuse(g, "42601", "cannot specify NULL in BINARY mode");
    }
    return 0;
}

static int check_null(struct given *g, const struct copy_style *style)
{
    if (memchr(style->null.data, style->delimiter, style->null.len) != NULL) {
        return refuse(g, "0A000", "COPY delimiter must not appear in the NULL specification");
    }
    if (g->csv && memchr(style->null.data, style->quote, style->null.len) != NULL) {
        return refuse(g, "0A000", "CSV quote character must not appear in the NULL specification");
    }
    return 0;
}

static int check_all(struct given *g)
{
    struct copy_style *style = &g->options->style;
    int r = check_binary(g);

    *style = copy_style_of(g->csv ? COPY_CSV : g->binary ? COPY_BINARY : COPY_TEXT);
    style->delimiter = g->delimiter != NULL ? (uint8_t)g->delimiter[0] : style->delimiter;
    style->null = view_of_str(g->null != NULL ? g->null : g->csv ? "" : "\\N");
    style->quote = g->quote != NULL ? (uint8_t)g->quote[0] : style->quote;
    style->escape = g->escape != NULL ? (uint8_t)g->escape[0] : style->quote;
    if (r == 0) {
        r = check_delimiter(g, style);
    }
    if (r == 0 && g->binary && g->options->header != COPY_HEADER_NONE) {
        r = refuse(g, "0A000", "cannot specify HEADER in BINARY mode");
    }
    if (r == 0) {
        r = check_quote(g, style);
    }
    if (r == 0) {
        r = check_force(g);
    }
    return r == 0 ? check_null(g, style) : r;
}

int copy_options_read(const PgQuery__CopyStmt *stmt, struct view text, struct arena *arena,
                      struct copy_options *ret_options, struct failure *ret_failure)
{
    struct given g = { .options = ret_options,
                       .text = text,
                       .arena = arena,
                       .failure = ret_failure,
                       .from = stmt->is_from };
    unsigned seen = 0;

    for (size_t i = 0; i < stmt->n_options; i++) {
        int r = read_one(&g, stmt->options[i]->def_elem, &seen);
        if (r != 0) {
            return r;
        }
    }
    return check_all(&g);
}

bool copy_columns_have(const struct copy_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (strcmp(node_string(columns->names[i]), name) == 0) {
            return true;
        }
    }
    return columns->all;
}
