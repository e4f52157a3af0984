/* client/cli/format_table.c: a table as psql draws it.
 *
 * Its columns are as wide as the first page of rows wants them, which is held back until it is
 * full, or the answer pauses or ends; the rows behind it are written as they come. A wider value of
 * theirs is shortened on a terminal; elsewhere it is written whole, and its line is longer. */
#include "base/alloc.h"
#include "base/buf.h"
#include "client/cli/format.h"
#include "client/cli/layout.h"
#include "client/cli/text.h"
#include "protocol/pgtype.h"

enum { first_rows = 1000, first_bytes = 1024 * 1024 };

struct cell {
    size_t at; /* in state->held */
    size_t len;
};

struct state {
    char **names;
    int *widths;
    bool *right; /* numbers are */
    size_t columns;
    struct buf held;  /* the first page's texts ... */
    struct buf cells; /* ... and where they lie: struct cell */
    size_t rows;      /* held back */
    bool laid_out;
};

static void destroy(struct format *f)
{
    struct state *s = f->state;

    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->columns; i++) {
        mem_free(s->names[i]);
    }
    mem_free(s->names);
    mem_free(s->widths);
    mem_free(s->right);
    buf_finish(&s->held);
    buf_finish(&s->cells);
    mem_free(s);
    f->state = NULL;
}

/* ---- begin ---- */

static bool is_numeric(uint32_t oid)
{
    const struct pgtype *type = pgtype_by_oid(oid);

    return oid == OID_XID || (type != NULL && type->category == 'N');
}

static int no_memory(struct pond_error *error)
{
    return pond_error_set(error, POND_NOMEM, "out of memory");
}

static int begin(struct format *f, struct pond_row columns, struct pond_error *error)
{
    struct state *s = mem_zalloc(sizeof(*s));

    destroy(f);
    if (s == NULL) {
        return no_memory(error);
    }
    f->state = s;
    text_init();
    s->names = mem_zalloc((f->columns + 1) * sizeof(*s->names));
    s->widths = mem_zalloc((f->columns + 1) * sizeof(*s->widths));
    s->right = mem_zalloc((f->columns + 1) * sizeof(*s->right));
    if (s->names == NULL || s->widths == NULL || s->right == NULL) {
        return no_memory(error);
    }
    for (; s->columns < f->columns; s->columns++) {
        const char *name = pond_row_name(columns, s->columns);

        s->names[s->columns] = mem_strdup(name);
        if (s->names[s->columns] == NULL) {
            return no_memory(error);
        }
        s->widths[s->columns] = text_width(name, strlen(name));
        s->right[s->columns] = is_numeric(pond_row_type(columns, s->columns));
    }
    return 0;
}

/* ---- lines ---- */

static void put_blanks(struct output *out, int count)
{
    for (int i = 0; i < count; i++) {
        output_byte(out, ' ');
    }
}

static int most_of(const struct format *f, int width)
{
    return f->terminal_width > 0 ? width : 0;
}

static void put_header(struct format *f, const struct state *s)
{
    if (s->columns == 0) {
        output_str(f->out, "--\n"); /* as psql */
        return;
    }
    for (size_t i = 0; i < s->columns; i++) {
        int width = s->widths[i], own = text_width(s->names[i], strlen(s->names[i]));
        int spare = own < width ? width - own : 0;

        output_str(f->out, i == 0 ? " " : "| ");
        put_blanks(f->out, spare / 2);
        text_put(f->out, s->names[i], strlen(s->names[i]), most_of(f, width));
        put_blanks(f->out, spare - spare / 2 + 1);
    }
    output_byte(f->out, '\n');
    for (size_t i = 0; i < s->columns; i++) {
        output_str(f->out, i == 0 ? "-" : "+-");
        for (int n = 0; n <= s->widths[i]; n++) {
            output_byte(f->out, '-');
        }
    }
    output_byte(f->out, '\n');
}

static void put_cell(struct format *f, const struct state *s, size_t column, const char *text,
                     size_t len)
{
    int width = s->widths[column];
    bool last = column + 1 == s->columns;

    output_str(f->out, column == 0 ? " " : "| ");
    if (s->right[column]) {
        int own = text_width(text, len);

        put_blanks(f->out, width - own);
        text_put(f->out, text, len, most_of(f, width));
        put_blanks(f->out, last ? 0 : 1);
        return;
    }
    int own = text_put(f->out, text, len, most_of(f, width));
    put_blanks(f->out, last ? 0 : own < width ? width - own + 1 : 1);
}

/* The text of a value; NULL's is what the caller wants it to be. */
static const char *text_of(const struct format *f, struct pond_row row, size_t column,
                           size_t *ret_len)
{
    const char *text;

    if (pond_row_text(row, column, &text, ret_len) == 0) {
        return text;
    }
    *ret_len = strlen(f->null);
    return f->null;
}

static void put_row(struct format *f, const struct state *s, struct pond_row row)
{
    for (size_t i = 0; i < s->columns; i++) {
        size_t len;
        const char *text = text_of(f, row, i, &len);

        put_cell(f, s, i, text, len);
    }
    if (s->columns > 0) {
        output_byte(f->out, '\n');
    }
}

/* ---- the first page ---- */

static int hold_row(struct format *f, struct state *s, struct pond_row row,
                    struct pond_error *error)
{
    for (size_t i = 0; i < s->columns; i++) {
        struct cell cell = { .at = s->held.len };
        const char *text = text_of(f, row, i, &cell.len);
        int width = text_width(text, cell.len);

        if (buf_append(&s->held, text, cell.len) != 0 ||
            buf_append(&s->cells, &cell, sizeof(cell)) != 0) {
            return no_memory(error);
        }
        s->widths[i] = width > s->widths[i] ? width : s->widths[i];
    }
    s->rows++;
    return 0;
}

static void put_held(struct format *f, const struct state *s)
{
    const struct cell *cells = (const void *)s->cells.data;

    for (size_t row = 0; row < s->rows && s->columns > 0; row++) {
        for (size_t i = 0; i < s->columns; i++) {
            const struct cell *cell = &cells[row * s->columns + i];

            put_cell(f, s, i, cell->len == 0 ? "" : (const char *)s->held.data + cell->at,
                     cell->len);
        }
        output_byte(f->out, '\n');
    }
}

static void lay_out(struct format *f, struct state *s)
{
    if (f->terminal_width > 0) {
        layout_fit(s->widths, s->columns, f->terminal_width);
    }
    put_header(f, s);
    put_held(f, s);
    buf_finish(&s->held);
    buf_finish(&s->cells);
    s->laid_out = true;
}

static int row(struct format *f, struct pond_row r, struct pond_error *error)
{
    struct state *s = f->state;

    if (s->laid_out) {
        put_row(f, s, r);
        return 0;
    }
    int failed = hold_row(f, s, r, error);
    if (failed == 0 && (s->rows == first_rows || s->held.len >= first_bytes)) {
        lay_out(f, s);
    }
    return failed;
}

static int pause_rows(struct format *f, struct pond_error *error)
{
    struct state *s = f->state;

    (void)error;
    if (s != NULL && !s->laid_out && s->rows > 0) {
        lay_out(f, s);
    }
    return 0;
}

static int end(struct format *f, struct pond_error *error)
{
    struct state *s = f->state;

    (void)error;
    if (!s->laid_out) {
        lay_out(f, s);
    }
    if (!f->bare) {
        output_printf(f->out, "(%llu row%s)\n\n", (unsigned long long)f->rows,
                      f->rows == 1 ? "" : "s");
    }
    destroy(f);
    return 0;
}

const struct format_kind format_table = {
    .null = "", .begin = begin, .row = row, .pause = pause_rows, .end = end, .destroy = destroy
};
