/* protocol/copyfmt_write.c: fields of COPY, written. Most values are fields as they are; one that
 * is not grows where it lies, from its end. */
#include "protocol/copyfmt.h"

struct copy_writer copy_writer_of(const struct copy_style *style)
{
    struct copy_writer w = { .style = style, .marks = { ['\n'] = true, ['\r'] = true } };

    w.marks[style->delimiter] = true;
    if (style->format == COPY_CSV) {
        w.marks[style->quote] = true;
        return w;
    }
    w.marks['\\'] = true;
    for (char c = '\b'; c <= '\r'; c++) {
        w.marks[(uint8_t)c] = true;
    }
    return w;
}

static struct view field_at(const struct buf *out, size_t at)
{
    return at == out->len ? view_of(NULL, 0) : view_of(out->data + at, out->len - at);
}

static size_t count_marks(const struct copy_writer *w, struct view value)
{
    size_t count = 0;

    for (size_t i = 0; i < value.len; i++) {
        count += w->marks[value.data[i]];
    }
    return count;
}

/* Each marked byte stands behind a backslash; what has a letter is that. */
static int escape(const struct copy_writer *w, size_t at, struct buf *out)
{
    static const char letters[] = "btnvfr"; /* for 8 to 13 */
    size_t more = count_marks(w, field_at(out, at));
    int r = buf_reserve(out, more);

    if (r != 0 || more == 0) {
        return r;
    }
    const uint8_t *from = out->data + out->len;
    uint8_t *to = out->data + out->len + more;

    out->len += more;
    while (to != from) {
        uint8_t c = *--from;

        *--to = c >= '\b' && c <= '\r' ? (uint8_t)letters[c - '\b'] : c;
        if (w->marks[c]) {
            *--to = '\\';
        }
    }
    return 0;
}

static bool needs_quotes(const struct copy_writer *w, struct view value, bool single)
{
    return view_equal(value, w->style->null) || (single && view_equal_str(value, "\\.")) ||
           count_marks(w, value) > 0;
}

static int quote(const struct copy_style *style, size_t at, struct buf *out)
{
    size_t more = 2;

    for (size_t i = at; i < out->len; i++) {
        more += out->data[i] == style->quote || out->data[i] == style->escape;
    }
    int r = buf_reserve(out, more);
    if (r != 0) {
        return r;
    }
    const uint8_t *from = out->data + out->len;
    uint8_t *to = out->data + out->len + more;

    out->len += more;
    *--to = style->quote;
    while (from != out->data + at) {
        uint8_t c = *--from;

        *--to = c;
        if (c == style->quote || c == style->escape) {
            *--to = style->escape;
        }
    }
    *--to = style->quote;
    return 0;
}

int copy_end_field(const struct copy_writer *w, size_t at, bool force_quote, bool single,
                   struct buf *out)
{
    if (w->style->format == COPY_TEXT) {
        return escape(w, at, out);
    }
    if (force_quote || needs_quotes(w, field_at(out, at), single)) {
        return quote(w->style, at, out);
    }
    return 0;
}

int copy_write_field(const struct copy_writer *w, struct view value, bool force_quote, bool single,
                     struct buf *out)
{
    size_t at = out->len;
    int r = buf_append_view(out, value);

    r = r == 0 ? copy_end_field(w, at, force_quote, single, out) : r;
    out->len = r == 0 ? out->len : at;
    return r;
}

int copy_write_header(struct buf *out)
{
    static const uint8_t flags_and_length[8];
    int r = buf_append(out, copy_signature, sizeof(copy_signature));

    return r == 0 ? buf_append(out, flags_and_length, sizeof(flags_and_length)) : r;
}

int copy_write_trailer(struct buf *out)
{
    return buf_append(out, "\xff\xff", 2);
}
