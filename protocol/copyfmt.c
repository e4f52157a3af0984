/* protocol/copyfmt.c: rows and fields of COPY, read. A line ends where its newline is, unless that
 * is escaped (text) or inside quotes (CSV); all lines must end alike. */
#include "protocol/copyfmt.h"

#include "protocol/reader.h"

#include <errno.h>

enum {
    signature_bytes = sizeof(copy_signature),
    header_bytes = signature_bytes + 8,
    field_bytes_most = 0x3fffffff
};

struct copy_style copy_style_of(enum copy_format format)
{
    if (format == COPY_CSV) {
        return (
            struct copy_style){ .format = format, .delimiter = ',', .quote = '"', .escape = '"' };
    }
    return (struct copy_style){ .format = format, .delimiter = '\t', .null = view_of_str("\\N") };
}

static int bad(struct failure *f, const char *message)
{
    return failure_set(f, "22P04", "%s", message);
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
        return bad(f, wrong);
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

/* ---- fields of a line ---- */

struct splitter {
    const struct copy_style *style;
    const uint8_t *at;
    const uint8_t *end;
    struct buf *scratch; /* has room for all of the line */
    bool more;           /* a delimiter was passed: another field follows */
};

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The byte that \ooo or \xhh stands for; s->at is behind the first digit or the x. */
static uint8_t numbered(struct splitter *s, uint8_t c)
{
    unsigned value = c == 'x' ? 0 : (unsigned)(c - '0');
    unsigned base = c == 'x' ? 16 : 8;

    for (int i = 0; i < 2 && s->at < s->end; i++) {
        int digit = hex_digit(*s->at);
        if (digit < 0 || (unsigned)digit >= base) {
            break;
        }
        value = value * base + (unsigned)digit;
        s->at++;
    }
    return (uint8_t)value;
}

/* s->at is behind the backslash, and not at the end. */
static uint8_t unescaped(struct splitter *s)
{
    static const char letters[] = "bfnrtv";
    static const char meant[] = "\b\f\n\r\t\v";
    uint8_t c = *s->at++;
    const char *letter = c == 0 ? NULL : strchr(letters, c);

    if (letter != NULL) {
        return (uint8_t)meant[letter - letters];
    }
    if (c >= '0' && c <= '7') {
        return numbered(s, c);
    }
    if (c == 'x' && s->at < s->end && hex_digit(*s->at) >= 0) {
        return numbered(s, c);
    }
    return c;
}

static void push(struct splitter *s, uint8_t byte)
{
    s->scratch->data[s->scratch->len++] = byte;
}

/* Passes what stands for itself, up to the delimiter, `mark` or the end. */
static struct view plain_part(struct splitter *s, uint8_t mark)
{
    const uint8_t *start = s->at;

    while (s->at < s->end && *s->at != s->style->delimiter && *s->at != mark) {
        s->at++;
    }
    return view_of(start, (size_t)(s->at - start));
}

static void push_view(struct splitter *s, struct view bytes)
{
    if (bytes.len > 0) {
        memcpy(s->scratch->data + s->scratch->len, bytes.data, bytes.len);
        s->scratch->len += bytes.len;
    }
}

/* Passes the delimiter. */
static void end_field(struct splitter *s)
{
    s->more = s->at < s->end;
    s->at += s->more;
}

static struct copy_field text_field(struct splitter *s)
{
    const uint8_t *start = s->at;
    size_t kept = s->scratch->len;
    struct view raw = plain_part(s, '\\');
    struct view value = raw;

    if (s->at < s->end && *s->at == '\\') {
        push_view(s, raw);
        while (s->at < s->end && *s->at != s->style->delimiter) {
            uint8_t c = *s->at++;

            if (c != '\\') {
                push(s, c);
            } else if (s->at < s->end) { /* one at the end of the line stands for nothing */
                push(s, unescaped(s));
            }
        }
        raw = view_of(start, (size_t)(s->at - start));
        value = view_of(s->scratch->data + kept, s->scratch->len - kept);
    }
    end_field(s);
    return (struct copy_field){ .is_null = view_equal(raw, s->style->null), .bytes = value };
}

/* Up to the closing quote. False: there is none. */
static bool quoted_part(struct splitter *s)
{
    while (s->at < s->end) {
        uint8_t c = *s->at++;
        bool pair = s->at < s->end && (*s->at == s->style->escape || *s->at == s->style->quote);

        if (c == s->style->escape && pair) {
            push(s, *s->at++);
        } else if (c == s->style->quote) {
            return true;
        } else {
            push(s, c);
        }
    }
    return false;
}

/* Quotes may begin and end anywhere in it. */
static int csv_field(struct splitter *s, struct copy_field *ret_field, struct failure *f)
{
    size_t kept = s->scratch->len;
    struct view value = plain_part(s, s->style->quote);
    bool quoted = s->at < s->end && *s->at == s->style->quote;

    if (quoted) {
        push_view(s, value);
        while (s->at < s->end && *s->at == s->style->quote) {
            s->at++;
            if (!quoted_part(s)) {
                return bad(f, "unterminated CSV quoted field");
            }
            push_view(s, plain_part(s, s->style->quote));
        }
        value = view_of(s->scratch->data + kept, s->scratch->len - kept);
    }
    end_field(s);
    *ret_field = (struct copy_field){ .is_null = !quoted && view_equal(value, s->style->null),
                                      .bytes = value };
    return 0;
}

int copy_split_line(const struct copy_style *style, struct view line, struct buf *scratch,
                    struct copy_field *fields, size_t room, size_t *ret_count,
                    struct failure *ret_failure)
{
    struct reader over = reader_over(line);
    struct splitter s = { .style = style, .at = over.pos, .end = over.end, .scratch = scratch };
    size_t count = 0;

    buf_clear(scratch);
    int r = buf_reserve(scratch, line.len + 1);
    do {
        struct copy_field field = { 0 };

        if (r == 0 && style->format == COPY_CSV) {
            r = csv_field(&s, &field, ret_failure);
        } else if (r == 0) {
            field = text_field(&s);
        }
        if (r == 0 && count < room) {
            fields[count] = field;
        }
        count++;
    } while (r == 0 && s.more);
    if (r == 0) {
        *ret_count = count;
    }
    return r;
}

/* ---- binary ---- */

static int check_header(struct reader *in, struct failure *f)
{
    const uint8_t *magic = reader_bytes(in, signature_bytes);

    if (magic == NULL || memcmp(magic, copy_signature, signature_bytes) != 0) {
        return bad(f, "COPY file signature not recognized");
    }
    uint32_t flags = reader_u32(in);
    if (in->failed) {
        return bad(f, "invalid COPY file header (missing flags)");
    }
    if ((flags & 1U << 16) != 0) {
        return bad(f, "invalid COPY file header (WITH OIDS)");
    }
    if (flags >> 16 != 0) {
        return bad(f, "unrecognized critical flags in COPY file header");
    }
    uint32_t more = reader_u32(in);
    if (in->failed || more > INT32_MAX) {
        return bad(f, "invalid COPY file header (missing length)");
    }
    (void)reader_bytes(in, more);
    return 0;
}

static int read_header(struct copy_reader *r, struct view *data, bool at_end, struct failure *f)
{
    struct reader in = reader_over(*data);
    size_t seen = data->len < signature_bytes ? data->len : signature_bytes;

    if (data->len < header_bytes && !at_end &&
        (seen == 0 || memcmp(data->data, copy_signature, seen) == 0)) {
        return COPY_MORE;
    }
    int result = check_header(&in, f);
    if (result != 0) {
        return result;
    }
    if (in.failed) {
        return at_end ? bad(f, "invalid COPY file header (wrong length)") : COPY_MORE;
    }
    r->began = true;
    view_advance(data, data->len - reader_left(&in));
    return 0;
}

/* PostgreSQL's limit, of which it says so before it has seen the bytes. */
static int refuse_long_field(int32_t len, struct failure *f)
{
    failure_set(f, "54000", "out of memory");
    failure_add(f, FIELD_DETAIL,
                "Cannot enlarge string buffer containing 0 bytes by %d more bytes.", len);
    return FAILED;
}

/* *at: the field that is read, for the message. */
static int read_fields(struct reader *in, struct copy_field *fields, size_t count, bool at_end,
                       size_t *at, struct failure *f)
{
    for (size_t i = 0; i < count; i++) {
        int32_t len = (int32_t)reader_u32(in);

        *at = i + 1;
        if (!in->failed && len < -1) {
            return bad(f, "invalid field size");
        }
        if (!in->failed && len >= field_bytes_most) {
            return refuse_long_field(len, f);
        }
        fields[i] = (struct copy_field){ .is_null = len < 0 };
        if (len > 0) {
            fields[i].bytes = reader_take(in, (size_t)len);
        }
        if (in->failed) {
            return at_end ? bad(f, "unexpected EOF in COPY data") : COPY_MORE;
        }
    }
    return 0;
}

static int end_of_tuples(struct copy_reader *r, const struct view *data, bool at_end,
                         struct failure *f)
{
    if (data->len > 2) {
        return bad(f, "received copy data after EOF marker");
    }
    r->ended = at_end;
    return at_end ? COPY_END : COPY_MORE;
}

int copy_next_tuple(struct copy_reader *r, struct view *data, bool at_end,
                    struct copy_field *fields, size_t count, struct failure *ret_failure)
{
    int result = r->ended || r->began ? 0 : read_header(r, data, at_end, ret_failure);

    r->field = 0;
    if (r->ended || result != 0) {
        return r->ended ? COPY_END : result;
    }
    struct reader in = reader_over(*data);
    int16_t have = (int16_t)reader_u16(&in);
    if (in.failed) {
        return at_end ? COPY_END : COPY_MORE;
    }
    if (have == -1) {
        r->line++;
        result = end_of_tuples(r, data, at_end, ret_failure);
        r->line -= result == COPY_MORE;
        return result;
    }
    if (have < 0 || (size_t)have != count) {
        r->line++;
        return failure_set(ret_failure, "22P04", "row field count is %d, expected %d", have,
                           (int)count);
    }
    result = read_fields(&in, fields, count, at_end, &r->field, ret_failure);
    r->line += result != COPY_MORE;
    if (result == 0) {
        view_advance(data, data->len - reader_left(&in));
    }
    return result;
}
