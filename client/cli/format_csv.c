/* client/cli/format_csv.c: CSV as psql --csv writes it, and TSV as COPY's text format. */
#include "client/cli/format.h"

/* ---- CSV ---- */

/* psql's rule: a comma, a quote, a line break, or what would look like the end of a COPY. */
static bool wants_quotes(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == ',' || s[i] == '"' || s[i] == '\n' || s[i] == '\r') {
            return true;
        }
    }
    return len == 2 && s[0] == '\\' && s[1] == '.';
}

static void put_quoted(struct output *out, const char *s, size_t len)
{
    output_byte(out, '"');
    while (len > 0) {
        const char *quote = memchr(s, '"', len);
        size_t n = quote == NULL ? len : (size_t)(quote - s) + 1;

        output_write(out, s, n);
        if (quote != NULL) {
            output_byte(out, '"');
        }
        s += n;
        len -= n;
    }
    output_byte(out, '"');
}

static void put_csv(struct output *out, const char *s, size_t len)
{
    if (wants_quotes(s, len)) {
        put_quoted(out, s, len);
    } else {
        output_write(out, s, len);
    }
}

/* ---- TSV ---- */

static const char *tsv_escape(char c)
{
    switch (c) {
    case '\b':
        return "\\b";
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    case '\v':
        return "\\v";
    case '\f':
        return "\\f";
    case '\r':
        return "\\r";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

static void put_tsv(struct output *out, const char *s, size_t len)
{
    size_t done = 0;

    for (size_t i = 0; i < len; i++) {
        const char *escape = tsv_escape(s[i]);

        if (escape != NULL) {
            output_write(out, s + done, i - done);
            output_str(out, escape);
            done = i + 1;
        }
    }
    output_write(out, s + done, len - done);
}

/* ---- both ---- */

typedef void put_fn(struct output *out, const char *s, size_t len);

static inline int begin_separated(struct format *f, struct pond_row columns, char separator,
                                  put_fn *put)
{
    for (size_t i = 0; i < f->columns; i++) {
        const char *name = pond_row_name(columns, i);

        if (i > 0) {
            output_byte(f->out, separator);
        }
        put(f->out, name, strlen(name));
    }
    output_byte(f->out, '\n');
    return 0;
}

static inline int row_separated(struct format *f, struct pond_row row, char separator, put_fn *put)
{
    for (size_t i = 0; i < f->columns; i++) {
        const char *text;
        size_t len;

        if (i > 0) {
            output_byte(f->out, separator);
        }
        if (pond_row_text(row, i, &text, &len) == 0) {
            put(f->out, text, len);
        } else {
            output_str(f->out, f->null);
        }
    }
    if (f->columns > 0) { /* as psql */
        output_byte(f->out, '\n');
    }
    return 0;
}

static int csv_begin(struct format *f, struct pond_row columns, struct pond_error *error)
{
    (void)error;
    return begin_separated(f, columns, ',', put_csv);
}

static int csv_row(struct format *f, struct pond_row row, struct pond_error *error)
{
    (void)error;
    return row_separated(f, row, ',', put_csv);
}

static int tsv_begin(struct format *f, struct pond_row columns, struct pond_error *error)
{
    (void)error;
    return begin_separated(f, columns, '\t', put_tsv);
}

static int tsv_row(struct format *f, struct pond_row row, struct pond_error *error)
{
    (void)error;
    return row_separated(f, row, '\t', put_tsv);
}

static int end(struct format *f, struct pond_error *error)
{
    (void)f;
    (void)error;
    return 0;
}

const struct format_kind format_csv = {
    .null = "", .begin = csv_begin, .row = csv_row, .end = end
};
const struct format_kind format_tsv = {
    .null = "\\N", .begin = tsv_begin, .row = tsv_row, .end = end
};
