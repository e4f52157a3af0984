/* protocol/copyfmt.c: the lines of a COPY in text or CSV. One ends where its newline is, unless
 * that is escaped (text) or inside quotes (CSV); all must end alike. */
#include "protocol/copyfmt_impl.h"

struct copy_style copy_style_of(enum copy_format format)
{
    if (format == COPY_CSV) {
        return (
            struct copy_style){ .format = format, .delimiter = ',', .quote = '"', .escape = '"' };
    }
    return (struct copy_style){ .format = format, .delimiter = '\t', .null = view_of_str("\\N") };
}

/* ---- lines ---- */

struct copy_reader copy_reader_of(const struct copy_style *style)
{
    struct copy_reader r = { .style = style,
                             .marks = { ['\n'] = true, ['\r'] = true, ['\\'] = true } };

    if (style->format == COPY_CSV) {
        r.marks[style->quote] = true;
        r.marks[style->escape] = true;
    }
    return r;
}

/* How many bytes from here on must be there to judge this one. */
static size_t bytes_wanted(const struct copy_reader *r, const uint8_t *p, size_t left, bool first)
{
    if (p[0] == '\r') {
        return 2;
    }
    if (p[0] != '\\' || (r->style->format == COPY_CSV && !first)) {
        return 1;
    }
    if (left < 2 || p[1] != '.') {
        return 2;
    }
    return left >= 3 && p[2] == '\r' && r->newline == COPY_NEWLINE_CRLF ? 4 : 3;
}

static int fail_newline(const struct copy_reader *r, const char *name, char letter,
                        struct failure *f)
{
    bool csv = r->style->format == COPY_CSV;

    failure_set(f, "22P04", "%s %s found in data", csv ? "unquoted" : "literal", name);
    if (csv) {
        failure_add(f, FIELD_HINT, "Use quoted CSV field to represent %s.", name);
    } else {
        failure_add(f, FIELD_HINT, "Use \"\\%c\" to represent %s.", letter, name);
    }
    return FAILED;
}

enum { LINE_NOT = 4 };

/* Is the newline at p the end of the line? 0 and its length, LINE_NOT or FAILED. */
static int line_ends(struct copy_reader *r, const uint8_t *p, size_t left, size_t *ret_len,
                     struct failure *f)
{
    bool crlf = p[0] == '\r' && left > 1 && p[1] == '\n';
    enum copy_newline kind = p[0] == '\n' ? COPY_NEWLINE_LF
                             : crlf       ? COPY_NEWLINE_CRLF
                                          : COPY_NEWLINE_CR;

    if ((p[0] != '\r' && p[0] != '\n') || r->in_quote) {
        return LINE_NOT;
    }
    if (kind == COPY_NEWLINE_CRLF && r->newline == COPY_NEWLINE_CR) {
        kind = COPY_NEWLINE_CR;
    }
    if (r->newline != COPY_NEWLINE_UNKNOWN && r->newline != kind) {
        return p[0] == '\r' ? fail_newline(r, "carriage return", 'r', f)
                            : fail_newline(r, "newline", 'n', f);
    }
    r->newline = kind;
    *ret_len = kind == COPY_NEWLINE_CRLF ? 2 : 1;
    return 0;
}

/* Is the \. at p the end of the data? It is a line of its own, newline and all. 0, LINE_NOT or
 * FAILED. Beyond `left` there is nothing. */
static int data_ends(const struct copy_reader *r, const uint8_t *p, size_t left, struct failure *f)
{
    static const char corrupt[] = "end-of-copy marker corrupt";
    static const char other[] = "end-of-copy marker does not match previous newline style";
    const char *wrong = NULL;
    size_t at = 2;

    if (r->newline == COPY_NEWLINE_CRLF) {
        uint8_t c = left > at ? p[at] : 0;

        wrong = c == '\n' ? other : c != '\r' ? corrupt : NULL;
        at++;
    }
    if (wrong == NULL) {
        uint8_t c = left > at ? p[at] : 0;
        uint8_t wanted = r->newline == COPY_NEWLINE_CR ? '\r' : '\n';
        bool known = r->newline != COPY_NEWLINE_UNKNOWN;

        wrong = c != '\r' && c != '\n' ? corrupt : known && c != wanted ? other : NULL;
    }
    if (wrong != NULL && r->style->format != COPY_CSV) {
        return copy_fail(f, wrong);
    }
    return wrong == NULL ? 0 : LINE_NOT;
}

/* CSV: inside quotes, an escape before a quote is no end; where both are the same character, it
 * toggles. */
static void track_quotes(struct copy_reader *r, uint8_t c)
{
    const struct copy_style *style = r->style;

    if (r->in_quote && c == style->escape && style->escape != style->quote) {
        r->after_escape = !r->after_escape;
    }
    if (c == style->quote && !r->after_escape) {
        r->in_quote = !r->in_quote;
    }
    if (c != style->escape) {
        r->after_escape = false;
    }
    if (r->in_quote && c == (r->newline == COPY_NEWLINE_LF ? '\n' : '\r')) {
        r->embedded++;
    }
}

static void line_over(struct copy_reader *r)
{
    r->line += 1 + r->embedded;
    r->embedded = 0;
    r->scanned = 0;
    r->in_quote = false;
    r->after_escape = false;
}

static int give_line(struct copy_reader *r, struct view *data, size_t len, size_t used,
                     struct view *ret_line)
{
    line_over(r);
    *ret_line = view_of(data->data, len);
    view_advance(data, used);
    return 0;
}

/* The byte at `at` ends the line (0: *ret_line), the data (COPY_END), nothing (LINE_NOT). */
static int judge(struct copy_reader *r, struct view *data, size_t at, struct view *ret_line,
                 struct failure *f)
{
    const uint8_t *p = data->data + at;
    size_t left = data->len - at;
    size_t newline = 0;
    bool csv = r->style->format == COPY_CSV;
    int answer = line_ends(r, p, left, &newline, f);

    if (answer == 0) {
        return give_line(r, data, at, at + newline, ret_line);
    }
    if (answer != LINE_NOT || p[0] != '\\' || left < 2 || p[1] != '.' || (csv && at > 0)) {
        return answer;
    }
    answer = data_ends(r, p, left, f);
    if (answer != 0) {
        return answer;
    }
    r->ended = true;
    return at == 0 ? COPY_END : give_line(r, data, at, data->len, ret_line);
}

/* Up to the next byte that needs a look; false: there is none. */
static bool skip_unmarked(struct copy_reader *r, struct view data)
{
    size_t at = r->scanned;

    while (at < data.len && !r->marks[data.data[at]]) {
        at++;
    }
    r->after_escape = r->after_escape && at == r->scanned;
    r->scanned = at;
    return at < data.len;
}

int copy_next_line(struct copy_reader *r, struct view *data, bool at_end, struct view *ret_line,
                   struct failure *ret_failure)
{
    bool csv = r->style->format == COPY_CSV;
    int answer = LINE_NOT;

    if (r->ended) {
        return COPY_END;
    }
    while (answer == LINE_NOT && skip_unmarked(r, *data)) {
        const uint8_t *p = data->data + r->scanned;
        size_t left = data->len - r->scanned;

        if (!at_end && left < bytes_wanted(r, p, left, r->scanned == 0)) {
            return COPY_MORE;
        }
        if (csv) {
            track_quotes(r, *p);
        }
        answer = judge(r, data, r->scanned, ret_line, ret_failure);
        if (answer == LINE_NOT) {
            r->scanned += !csv && *p == '\\' && left > 1 ? 2 : 1;
        }
    }
    if (answer == FAILED) {
        line_over(r);
    }
    if (answer != LINE_NOT) {
        return answer;
    }
    if (!at_end) {
        return COPY_MORE;
    }
    r->ended = true;
    return data->len == 0 ? COPY_END : give_line(r, data, data->len, data->len, ret_line);
}
