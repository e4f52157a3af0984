/* sql/copy_from.c: COPY ... FROM STDIN: the stream is cut into rows as it comes, and each row is
 * one run of the inner INSERT. All are one transaction: the first that fails ends them all. What
 * has come and is no whole row yet is kept; no more than that. */
#include "sql/copy.h"
#include "sql/portal.h"
#include "sql/verb_support.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "protocol/utf8.h"

#include <errno.h>

static const size_t row_bytes_max = (size_t)64 << 20;

enum { shown_bytes = 100 };

struct copy_from {
    struct portal *portal;
    struct sql_session *sql;
    const struct copy_plan *plan;
    struct copy_reader reader;
    struct buf pending; /* the part of a row that has come so far */
    struct buf scratch; /* a line's fields */
    struct copy_field *fields;
    struct cell *cells;
    struct buf *values; /* one for each cell's bytes: none moves when another grows */
    int64_t rows;
    struct row_sink sink; /* an INSERT gives no rows */
};

static int no_row(struct row_sink *sink, const struct cell *cells, size_t count, struct failure *f)
{
    (void)sink, (void)cells, (void)count, (void)f;
    return 0;
}

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

static int at_row(const struct copy_from *from, struct failure *f)
{
    if (failure_get(f, FIELD_WHERE) == NULL) {
        failure_add(f, FIELD_WHERE, "COPY %s, line %llu", from->plan->table,
                    (unsigned long long)from->reader.line);
    }
    return FAILED;
}

static int at_line(const struct copy_from *from, struct view line, struct failure *f)
{
    const char *more;
    int len = shown(line, &more);

    if (from->plan->options.style.format == COPY_BINARY || !utf8_valid(line)) {
        return at_row(from, f);
    }
    failure_add(f, FIELD_WHERE, "COPY %s, line %llu: \"%.*s%s\"", from->plan->table,
                (unsigned long long)from->reader.line, len, (const char *)line.data, more);
    return FAILED;
}

static int at_field(const struct copy_from *from, size_t i, struct failure *f)
{
    const struct copy_field *field = &from->fields[i];
    unsigned long long line = from->reader.line;
    const char *name = from->plan->columns[i].name;
    const char *more;
    int len = shown(field->bytes, &more);

    if (from->plan->options.style.format == COPY_BINARY) {
        failure_add(f, FIELD_WHERE, "COPY %s, line %llu, column %s", from->plan->table, line, name);
    } else {
        failure_add(f, FIELD_WHERE, "COPY %s, line %llu, column %s: \"%.*s%s\"", from->plan->table,
                    line, name, len, (const char *)field->bytes.data, more);
    }
    return FAILED;
}

/* ---- a row ---- */

static void force_nulls(struct copy_from *from, size_t count)
{
    struct view null = from->plan->options.style.null;

    for (size_t i = 0; i < count; i++) {
        const struct copy_column *column = &from->plan->columns[i];
        struct copy_field *field = &from->fields[i];

        if (field->is_null && column->force_not_null) {
            *field = (struct copy_field){ .bytes = null };
        } else if (!field->is_null && column->force_null && view_equal(field->bytes, null)) {
            field->is_null = true;
        }
    }
}

static int decode(struct copy_from *from, size_t i, struct failure *f)
{
    const struct copy_field *field = &from->fields[i];
    struct type type = from->plan->columns[i].type;
    bool binary = from->plan->options.style.format == COPY_BINARY;

    if (field->is_null) {
        from->cells[i] = (struct cell){ .kind = CELL_NULL };
        return 0;
    }
    buf_clear(&from->values[i]);
    int r = value_decode(type.oid, type.typmod, binary ? FORMAT_BINARY : FORMAT_TEXT, field->bytes,
                         &from->sql->style, &from->values[i], &from->cells[i], f);
    return r == 0 ? 0 : r == FAILED ? at_field(from, i, f) : failure_set_nomem(f);
}

/* The first fields of a row as cells. */
static int decode_all(struct copy_from *from, size_t count, struct failure *f)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        r = decode(from, i, f);
    }
    return r;
}

/* line: as the client sent it, for the message. */
static int insert(struct copy_from *from, struct view line, struct failure *f)
{
    int r = portal_run_plan(from->portal, from->plan->inner, from->cells, from->plan->count,
                            &from->sink, 0, f);

    if (r == FAILED) {
        return strcmp(f->sqlstate, "23505") == 0 ? at_row(from, f) : at_line(from, line, f);
    }
    from->rows++;
    return r == 0 ? session_breathe(from->sql->session, f) : r;
}

/* ---- lines ---- */

/* A field that is missing is told only once those before it were good. */
static int decode_line(struct copy_from *from, size_t count, struct view line, struct failure *f)
{
    if (count > from->plan->count) {
        failure_set(f, "22P04", "extra data after last expected column");
        return at_line(from, line, f);
    }
    force_nulls(from, count);
    int r = decode_all(from, count, f);
    if (r == 0 && count < from->plan->count) {
        failure_set(f, "22P04", "missing data for column \"%s\"", from->plan->columns[count].name);
        return at_line(from, line, f);
    }
    return r;
}

static int check_header(const struct copy_from *from, size_t count, struct failure *f)
{
    if (count != from->plan->count) {
        return failure_set(f, "22P04", "wrong number of fields in header line: got %d, expected %d",
                           (int)count, (int)from->plan->count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct copy_field *field = &from->fields[i];
        const char *name = from->plan->columns[i].name;

        if (field->is_null) {
            return failure_set(f, "22P04",
                               "column name mismatch in header line field %d: got null value "
                               "(\"%.*s\"), expected \"%s\"",
                               (int)i + 1, (int)from->plan->options.style.null.len,
                               (const char *)from->plan->options.style.null.data, name);
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

static int take_line(struct copy_from *from, struct view line, struct failure *f)
{
    const struct copy_options *options = &from->plan->options;
    bool header = from->reader.line == 1 && options->header != COPY_HEADER_NONE;
    size_t count = 0;

    if (header && options->header == COPY_HEADER_LINE) {
        return 0;
    }
    if (utf8_check(line, f) != 0) {
        return at_row(from, f);
    }
    int r = copy_split_line(&options->style, line, &from->scratch, from->fields, from->plan->count,
                            &count, f);
    if (r == 0 && header) {
        r = check_header(from, count, f);
    }
    if (r != 0) {
        return r == FAILED ? at_line(from, line, f) : failure_set_nomem(f);
    }
    if (header) {
        return 0;
    }
    r = decode_line(from, count, line, f);
    return r == 0 ? insert(from, line, f) : r;
}

static int take_tuple(struct copy_from *from, struct failure *f)
{
    int r = decode_all(from, from->plan->count, f);

    return r == 0 ? insert(from, view_of(NULL, 0), f) : r;
}

/* The rows of what is there. 0, COPY_END, FAILED or -errno; *data is what is left. */
static int take_rows(struct copy_from *from, struct view *data, bool at_end, struct failure *f)
{
    bool binary = from->plan->options.style.format == COPY_BINARY;
    struct view line = view_of(NULL, 0);
    int r = 0;

    while (r == 0) {
        r = binary
                ? copy_next_tuple(&from->reader, data, at_end, from->fields, from->plan->count, f)
                : copy_next_line(&from->reader, data, at_end, &line, f);
        if (r == FAILED && from->reader.line > 0) {
            return at_row(from, f);
        }
        if (r == 0) {
            r = binary ? take_tuple(from, f) : take_line(from, line, f);
        }
    }
    return r == COPY_MORE ? 0 : r;
}

/* ---- the stream ---- */

static int append(struct copy_from *from, struct view data, struct failure *f)
{
    int r = buf_append_view(&from->pending, data);

    if (r == BUF_FULL) {
        failure_set(f, "54000", "a row of COPY is longer than %zu bytes", row_bytes_max);
        return at_row(from, f);
    }
    return r == 0 ? 0 : failure_set_nomem(f);
}

/* Rows are taken from the new bytes where they lie, unless one began in those before. */
static int take_data(struct copy_from *from, struct view data, struct failure *f)
{
    bool fresh = from->pending.len == 0;
    int r = fresh ? 0 : append(from, data, f);
    struct view left = fresh ? data : buf_view(&from->pending);

    if (r == 0) {
        r = take_rows(from, &left, false, f);
    }
    if (r != 0) {
        return r;
    }
    if (fresh) {
        return left.len > 0 ? append(from, left, f) : 0;
    }
    buf_consume(&from->pending, from->pending.len - left.len);
    return 0;
}

/* Behind the end marker all is read and dropped. */
static int take_stream(struct copy_from *from, struct failure *f)
{
    struct view data;
    bool ended = false;
    int r;

    while ((r = from->sql->ops->copy_in_read(from->sql->host, &data, f)) == 0) {
        if (!ended && (r = take_data(from, data, f)) != 0) {
            if (r != COPY_END) {
                return r;
            }
            ended = true;
        }
        r = session_breathe(from->sql->session, f);
        if (r != 0) {
            return r;
        }
    }
    if (r == FAILED) {
        from->reader.line += from->reader.line == 0 || !ended; /* in the line that is awaited */
        return at_row(from, f);
    }
    if (r != COPY_IN_DONE || ended) {
        return r == COPY_IN_DONE ? 0 : r;
    }
    data = buf_view(&from->pending);
    r = take_rows(from, &data, true, f);
    return r == COPY_END ? 0 : r;
}

/* ---- life ---- */

static int start(struct copy_from *from, struct failure *f)
{
    size_t count = from->plan->count;

    buf_init(&from->pending, row_bytes_max);
    from->fields = mem_zalloc((count + 1) * sizeof(*from->fields));
    from->cells = mem_zalloc((count + 1) * sizeof(*from->cells));
    from->values = mem_zalloc((count + 1) * sizeof(*from->values));
    return from->fields != NULL && from->cells != NULL && from->values != NULL
               ? 0
               : failure_set_nomem(f);
}

static void copy_from_finish(struct copy_from *from)
{
    for (size_t i = 0; from->values != NULL && i < from->plan->count; i++) {
        buf_finish(&from->values[i]);
    }
    mem_free(from->values);
    mem_free(from->cells);
    mem_free(from->fields);
    buf_finish(&from->pending);
    buf_finish(&from->scratch);
}

int copy_from_run(struct portal *portal, const struct copy_plan *plan, struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;
    cleanup(copy_from_finish) struct copy_from from = {
        .portal = portal,
        .sql = sql,
        .plan = plan,
        .reader = copy_reader_of(&plan->options.style),
        .sink = { .row = no_row },
    };

    if (sql->ops->copy_in_begin == NULL) {
        return failure_set(ret_failure, "0A000", "there is nothing to COPY from");
    }
    if (txn_modes(sql->session).read_only) {
        return failure_set(ret_failure, "25006",
                           "cannot execute COPY FROM in a read-only transaction");
    }
    int r = start(&from, ret_failure);
    if (r == 0) {
        r = sql->ops->copy_in_begin(sql->host, plan->options.style.format == COPY_BINARY,
                                    plan->count, ret_failure);
    }
    if (r != 0) {
        return r;
    }
    txn_implicit_begin(sql->session);
    r = take_stream(&from, ret_failure);
    sql->ops->copy_in_end(sql->host);
    if (r == 0) {
        portal_set_tag(portal, "COPY %lld", (long long)from.rows);
    }
    return r;
}
