/* tests/fuzz/fuzz_copyfmt.c: a COPY stream. The first byte selects the format and its characters,
 * the second the size of the pieces that the stream comes in.
 *
 * The pieces must not matter, and a row's fields, written and read again, must be the same. */
#include "fuzz.h"

#include "protocol/copyfmt.h"

#include <string.h>

enum { room = 6 };

struct run {
    uint64_t rows;
    uint64_t hash;
    int answer;
};

static void mix(struct run *run, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        run->hash = (run->hash ^ v.data[i]) * 1099511628211U;
    }
    run->hash = (run->hash ^ v.len) * 1099511628211U;
}

/* In text format a value that looks like the null string is written as it is, and read as NULL:
 * PostgreSQL's rule, which only the default \N is safe from. */
static bool is_ambiguous(const struct copy_style *style, const struct copy_field *field)
{
    return style->format == COPY_TEXT && !field->is_null && view_equal(field->bytes, style->null);
}

/* One row of the fields: the same again. */
static void check_round(const struct copy_style *style, const struct copy_field *fields,
                        size_t count)
{
    struct copy_reader reader = copy_reader_of(style);
    struct copy_writer writer = copy_writer_of(style);
    struct copy_field again[room];
    struct buf out = { 0 };
    struct buf scratch = { 0 };
    struct failure f;
    struct view line;
    size_t found;

    for (size_t i = 0; i < count; i++) {
        must(i == 0 || buf_append_byte(&out, style->delimiter) == 0);
        must(fields[i].is_null
                 ? buf_append_view(&out, style->null) == 0
                 : copy_write_field(&writer, fields[i].bytes, false, count == 1, &out) == 0);
    }
    must(buf_append_byte(&out, '\n') == 0);
    struct view data = buf_view(&out);
    must(copy_next_line(&reader, &data, true, &line, &f) == 0);
    must(copy_split_line(style, line, &scratch, again, room, &found, &f) == 0);
    must(found == count);
    for (size_t i = 0; i < count; i++) {
        must(fields[i].is_null == again[i].is_null || is_ambiguous(style, &fields[i]));
        must(again[i].is_null || view_equal(fields[i].bytes, again[i].bytes));
    }
    buf_finish(&out);
    buf_finish(&scratch);
}

static int next_row(struct copy_reader *r, struct view *data, bool at_end, struct run *run)
{
    struct copy_field fields[room];
    struct buf scratch = { 0 };
    struct failure f = { 0 };
    struct view line;
    size_t count = 2;
    int answer;

    if (r->style->format == COPY_BINARY) {
        answer = copy_next_tuple(r, data, at_end, fields, count, &f);
    } else {
        answer = copy_next_line(r, data, at_end, &line, &f);
        if (answer == 0) {
            answer = copy_split_line(r->style, line, &scratch, fields, room, &count, &f);
        }
    }
    must(answer == 0 || answer == COPY_MORE || answer == COPY_END ||
         (answer == FAILED && failure_is_set(&f)));
    for (size_t i = 0; answer == 0 && i < count && i < room; i++) {
        mix(run, fields[i].bytes);
    }
    if (answer == 0 && count <= room && r->style->format != COPY_BINARY) {
        check_round(r->style, fields, count);
    }
    run->rows += answer == 0;
    buf_finish(&scratch);
    return answer;
}

static struct run read_all(const struct copy_style *style, struct view all, size_t piece)
{
    struct copy_reader reader = copy_reader_of(style);
    struct view data = view_of(all.data, 0);
    struct run run = { .answer = COPY_MORE };

    while (run.answer == 0 || run.answer == COPY_MORE) {
        size_t used = (size_t)(data.data - all.data) + data.len;
        size_t left = all.len - used;

        if (run.answer == COPY_MORE) {
            data.len += left < piece ? left : piece;
        }
        run.answer = next_row(&reader, &data, left == 0, &run);
        must(run.answer != COPY_MORE || left > 0);
    }
    return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct copy_style style = copy_style_of((enum copy_format)(data[0] % 3));

    if (style.format != COPY_BINARY) {
        style.delimiter = (data[0] & 4) != 0 ? '|' : style.delimiter;
        style.escape = style.format == COPY_CSV && (data[0] & 8) != 0 ? '\\' : style.escape;
        style.null = (data[0] & 16) != 0 ? view_of_str("NULL") : style.null;
    }
    struct view all = view_of(data + 2, size - 2);
    struct run whole = read_all(&style, all, all.len + 1);
    struct run pieces = read_all(&style, all, (size_t)data[1] % 16 + 1);

    must(whole.answer == pieces.answer);
    must(whole.rows == pieces.rows && whole.hash == pieces.hash);
    return 0;
}
