/* protocol/copyfmt_split.c: the fields of a line in text or CSV, without escapes and quotes. */
#include "protocol/copyfmt_impl.h"

#include "protocol/reader.h"

#include <string.h>

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
                return copy_fail(f, "unterminated CSV quoted field");
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
