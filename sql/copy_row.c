/* sql/copy_row.c: see the header. Errors say where they were met, as PostgreSQL does. */
#include "sql/copy_row.h"

#include "sql/portal.h"
#include "sql/violation.h"

#include "base/alloc.h"
#include "pool/bulk.h"
#include "protocol/utf8.h"

#include <errno.h>

enum { shown_bytes = 100 };

/* ---- saying where ---- */

/* How much of the text is shown. */
static int shown(struct view text, const char **ret_more)
{
    size_t len = text.len;

    *ret_more = "";
    if (len > shown_bytes) {
        *ret_more = "...";
        for (len = shown_bytes; len > 0 && (text.data[len] & 0xc0) == 0x80; len--) {
        }
    }
    return (int)len;
}

int copy_rows_at(const struct copy_rows *rows, struct failure *f)
{
    if (failure_get(f, FIELD_WHERE) == NULL) {
        failure_add(f, FIELD_WHERE, "COPY %s, line %llu", rows->plan->table,
                    (unsigned long long)rows->reader.line);
    }
    return FAILED;
}

/* In the column that the client's bytes were too bad for. */
static int at_refused(const struct copy_rows *rows, struct failure *f)
{
    if (rows->reader.field > 0) {
        failure_add(f, FIELD_WHERE, "COPY %s, line %llu, column %s", rows->plan->table,
                    (unsigned long long)rows->reader.line,
                    rows->plan->columns[rows->reader.field - 1].name);
    }
    return copy_rows_at(rows, f);
}

static int at_line(const struct copy_rows *rows, struct view line, struct failure *f)
{
    const char *more;
    int len = shown(line, &more);

    if (rows->plan->options.style.format == COPY_BINARY || !utf8_valid(line)) {
        return copy_rows_at(rows, f);
    }
    failure_add(f, FIELD_WHERE, "COPY %s, line %llu: \"%.*s%s\"", rows->plan->table,
                (unsigned long long)rows->reader.line, len, (const char *)line.data, more);
    return FAILED;
}

static int at_field(const struct copy_rows *rows, size_t i, struct failure *f)
{
    const struct copy_field *field = &rows->fields[i];
    unsigned long long line = rows->reader.line;
    const char *name = rows->plan->columns[i].name;
    const char *more;
    int len = shown(field->bytes, &more);

    if (rows->plan->options.style.format == COPY_BINARY) {
        failure_add(f, FIELD_WHERE, "COPY %s, line %llu, column %s", rows->plan->table, line, name);
    } else {
        failure_add(f, FIELD_WHERE, "COPY %s, line %llu, column %s: \"%.*s%s\"", rows->plan->table,
                    line, name, len, (const char *)field->bytes.data, more);
    }
    return FAILED;
}

/* ---- a row ---- */

static void force_nulls(struct copy_rows *rows, size_t count)
{
    struct view null = rows->plan->options.style.null;

    for (size_t i = 0; i < count; i++) {
        const struct copy_column *column = &rows->plan->columns[i];
        struct copy_field *field = &rows->fields[i];

        if (field->is_null && column->force_not_null) {
            *field = (struct copy_field){ .bytes = null };
        } else if (!field->is_null && column->force_null && view_equal(field->bytes, null)) {
            field->is_null = true;
        }
    }
}

static int decode(struct copy_rows *rows, size_t i, struct failure *f)
{
    const struct copy_field *field = &rows->fields[i];

    if (field->is_null) {
        rows->cells[i] = (struct cell){ .kind = CELL_NULL };
        return 0;
    }
    buf_clear(&rows->values[i]);
    int r = value_in_get(&rows->decoders[i], field->bytes, &rows->cells[i]);
    return r == 0 ? 0 : r == FAILED ? at_field(rows, i, f) : failure_set_nomem(f);
}

/* The first fields of a row as cells. */
static int decode_all(struct copy_rows *rows, size_t count, struct failure *f)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        r = decode(rows, i, f);
    }
    return r;
}

/* Once more when all that it wanted were pond's functions. */
static int open_insert(struct copy_rows *rows, struct failure *f)
{
    const struct plan *plan = plan_whole(rows->plan->inner);
    struct session *session = rows->sql->session;

    if (sql_plan_ready(rows->sql, plan, f) != 0) {
        return FAILED;
    }
    int r = bulk_open(session, plan->sql, &rows->bulk, f);

    if (r == FAILED && sql_functions_missing(rows->sql, failure_get(f, FIELD_MESSAGE))) {
        failure_clear(f);
        r = bulk_open(session, plan->sql, &rows->bulk, f);
    }
    return r;
}

/* line: as the client sent it, for the message. */
static int insert(struct copy_rows *rows, struct view line, struct failure *f)
{
    int64_t changes = 0;
    int r = rows->bulk == NULL ? open_insert(rows, f) : 0;

    if (r == 0) {
        r = bulk_run(rows->bulk, rows->cells, rows->plan->count, &changes, f);
    }
    if (r == FAILED) {
        bulk_close(rows->bulk); /* the session has to look something up */
        rows->bulk = NULL;
        violation_explain(rows->sql, plan_whole(rows->plan->inner)->sql, rows->cells,
                          rows->plan->count, f);
        return strcmp(f->sqlstate, "23505") == 0 ? copy_rows_at(rows, f) : at_line(rows, line, f);
    }
    rows->count += changes; /* none, where WHERE said no */
    return r;
}

/* ---- lines ---- */

/* A field that is missing is told only once those before it were good. */
static int decode_line(struct copy_rows *rows, size_t count, struct view line, struct failure *f)
{
    if (count > rows->plan->count) {
        failure_set(f, "22P04", "extra data after last expected column");
        return at_line(rows, line, f);
    }
    force_nulls(rows, count);
    int r = decode_all(rows, count, f);
    if (r == 0 && count < rows->plan->count) {
        failure_set(f, "22P04", "missing data for column \"%s\"", rows->plan->columns[count].name);
        return at_line(rows, line, f);
    }
    return r;
}

static int check_header(const struct copy_rows *rows, size_t count, struct failure *f)
{
    if (count != rows->plan->count) {
        return failure_set(f, "22P04", "wrong number of fields in header line: got %d, expected %d",
                           (int)count, (int)rows->plan->count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct copy_field *field = &rows->fields[i];
        const char *name = rows->plan->columns[i].name;

        if (field->is_null) {
            return failure_set(f, "22P04",
                               "column name mismatch in header line field %d: got null value "
                               "(\"%.*s\"), expected \"%s\"",
                               (int)i + 1, (int)rows->plan->options.style.null.len,
                               (const char *)rows->plan->options.style.null.data, name);
        }
        if (!view_equal_str(field->bytes, name)) {
            return failure_set(
                f, "22P04",
                "column name mismatch in header line field %d: got \"%.*s\", expected \"%s\"",
                (int)i + 1, (int)field->bytes.len, (const char *)field->bytes.data, name);
        }
    }
    return 0;
}

/* The line was looked at as it came; what \xff and the like stand for was not. */
static int check_escaped(const struct copy_rows *rows, size_t count, struct failure *f)
{
    size_t kept = count < rows->plan->count ? count : rows->plan->count;
    int r = 0;

    for (size_t i = 0; i < kept && r == 0; i++) {
        const uint8_t *at = rows->fields[i].bytes.data;
        bool escaped = at >= rows->scratch.data && at < rows->scratch.data + rows->scratch.len;

        r = escaped ? utf8_check(rows->fields[i].bytes, f) : 0;
    }
    return r;
}

static int split(struct copy_rows *rows, struct view line, size_t *ret_count, struct failure *f)
{
    const struct copy_style *style = &rows->plan->options.style;
    int r =
        copy_split_line(style, line, &rows->scratch, rows->fields, rows->plan->count, ret_count, f);

    return r == 0 && style->format == COPY_TEXT ? check_escaped(rows, *ret_count, f) : r;
}

/* raw: the line and the first byte of its newline, if it has one. */
static int take_line(struct copy_rows *rows, struct view line, struct view raw, struct failure *f)
{
    const struct copy_options *options = &rows->plan->options;
    bool header = rows->reader.line == 1 && options->header != COPY_HEADER_NONE;
    size_t count = 0;

    if (utf8_check(raw, f) != 0) {
        return copy_rows_at(rows, f);
    }
    if (header && options->header == COPY_HEADER_LINE) {
        return 0;
    }
    int r = split(rows, line, &count, f);
    if (r == 0 && header) {
        r = check_header(rows, count, f);
    }
    if (r != 0) {
        return r == FAILED ? at_line(rows, line, f) : failure_set_nomem(f);
    }
    if (header) {
        return 0;
    }
    r = decode_line(rows, count, line, f);
    return r == 0 ? insert(rows, line, f) : r;
}

static int take_tuple(struct copy_rows *rows, struct failure *f)
{
    int r = decode_all(rows, rows->plan->count, f);

    return r == 0 ? insert(rows, view_of(NULL, 0), f) : r;
}

static int take_row(struct copy_rows *rows, struct view line, struct view rest, struct failure *f)
{
    if (rows->plan->options.style.format == COPY_BINARY) {
        return take_tuple(rows, f);
    }
    bool more = line.data + line.len < rest.data;

    return take_line(rows, line, view_of(line.data, line.len + more), f);
}

int copy_rows_take(struct copy_rows *rows, struct view *data, bool at_end, struct failure *f)
{
    bool binary = rows->plan->options.style.format == COPY_BINARY;
    struct view line = view_of(NULL, 0);
    int r = 0;

    while (r == 0) {
        r = binary
                ? copy_next_tuple(&rows->reader, data, at_end, rows->fields, rows->plan->count, f)
                : copy_next_line(&rows->reader, data, at_end, &line, f);
        if (r == FAILED && rows->reader.line > 0) {
            return at_refused(rows, f);
        }
        if (r == 0) {
            r = take_row(rows, line, *data, f);
        }
    }
    return r == COPY_MORE ? 0 : r;
}

int copy_rows_end(struct copy_rows *rows, struct failure *f)
{
    struct view nothing = view_of_str("");

    if (rows->plan->options.header != COPY_HEADER_MATCH || rows->reader.line > 0) {
        return 0;
    }
    rows->reader.line = 1;
    return take_line(rows, nothing, nothing, f);
}

/* ---- life ---- */

static bool allocate(struct copy_rows *rows)
{
    size_t count = rows->plan->count + 1; /* never none */

    rows->fields = mem_zalloc(count * sizeof(*rows->fields));
    rows->cells = mem_zalloc(count * sizeof(*rows->cells));
    rows->values = mem_zalloc(count * sizeof(*rows->values));
    rows->decoders = mem_alloc(count * sizeof(*rows->decoders));
    return rows->fields != NULL && rows->cells != NULL && rows->values != NULL &&
           rows->decoders != NULL;
}

int copy_rows_init(struct copy_rows *rows, struct portal *portal, const struct copy_plan *plan,
                   struct failure *f)
{
    bool binary = plan->options.style.format == COPY_BINARY;

    *rows = (struct copy_rows){
        .sql = portal->sql,
        .plan = plan,
        .reader = copy_reader_of(&plan->options.style),
    };
    if (!allocate(rows)) {
        return failure_set_nomem(f);
    }
    for (size_t i = 0; i < plan->count; i++) {
        struct type type = plan->columns[i].type;

        value_in_init(&rows->decoders[i], type.oid, type.typmod,
                      binary ? FORMAT_BINARY : FORMAT_TEXT, &rows->sql->style, &rows->values[i], f);
    }
    return 0;
}

void copy_rows_finish(struct copy_rows *rows)
{
    for (size_t i = 0; rows->values != NULL && i < rows->plan->count; i++) {
        buf_finish(&rows->values[i]);
    }
    bulk_close(rows->bulk);
    mem_free(rows->decoders);
    mem_free(rows->values);
    mem_free(rows->cells);
    mem_free(rows->fields);
    buf_finish(&rows->scratch);
}
