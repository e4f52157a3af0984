/* sql/copy_to.c: COPY ... TO STDOUT: each row of the inner statement becomes one piece of the
 * stream. */
#include "sql/copy.h"
#include "sql/portal.h"
#include "sql/verb_support.h"

#include <assert.h>
#include <errno.h>

struct copy_to {
    struct row_sink sink;
    struct sql_session *sql;
    const struct copy_plan *plan;
    struct buf row;
    struct buf value;
    int64_t rows;
};

static int send_row(struct copy_to *to)
{
    int r = to->sql->ops->copy_out_row(to->sql->host, buf_view(&to->row));

    buf_clear(&to->row);
    return r;
}

static int encode(struct copy_to *to, size_t i, const struct cell *cell, enum value_format format,
                  struct buf *out, struct failure *f)
{
    const struct copy_column *column = &to->plan->columns[i];

    return value_encode(column->type.oid, column->type.typmod, format, cell, &to->sql->style, out,
                        f);
}

static void put_u32(uint8_t *at, uint32_t n)
{
    n = __builtin_bswap32(n);
    memcpy(at, &n, sizeof(n));
}

static int binary_field(struct copy_to *to, size_t i, const struct cell *cell, struct failure *f)
{
    size_t length_at = to->row.len;
    int r = buf_append(&to->row, "\xff\xff\xff\xff", 4);

    if (r != 0 || cell->kind == CELL_NULL) {
        return r;
    }
    r = encode(to, i, cell, FORMAT_BINARY, &to->row, f);
    if (r == 0) {
        put_u32(to->row.data + length_at, (uint32_t)(to->row.len - length_at - 4));
    }
    return r;
}

static int printed_field(struct copy_to *to, size_t i, const struct cell *cell, struct failure *f)
{
    const struct copy_style *style = &to->plan->options.style;
    int r = i > 0 ? buf_append_byte(&to->row, style->delimiter) : 0;

    if (r != 0) {
        return r;
    }
    if (cell->kind == CELL_NULL) {
        return buf_append_view(&to->row, style->null);
    }
    buf_clear(&to->value);
    r = encode(to, i, cell, FORMAT_TEXT, &to->value, f);
    return r != 0 ? r
                  : copy_write_field(style, buf_view(&to->value), to->plan->columns[i].force_quote,
                                     to->plan->count == 1, &to->row);
}

static int binary_row(struct copy_to *to, const struct cell *cells, struct failure *f)
{
    size_t count = to->plan->count;
    uint8_t word[2] = { (uint8_t)(count >> 8), (uint8_t)count };
    int r = buf_append(&to->row, word, sizeof(word));

    for (size_t i = 0; i < count && r == 0; i++) {
        r = binary_field(to, i, &cells[i], f);
    }
    return r;
}

static int printed_row(struct copy_to *to, const struct cell *cells, struct failure *f)
{
    int r = 0;

    for (size_t i = 0; i < to->plan->count && r == 0; i++) {
        r = printed_field(to, i, &cells[i], f);
    }
    return r == 0 ? buf_append_byte(&to->row, '\n') : r;
}

static int on_row(struct row_sink *sink, const struct cell *cells, size_t count, struct failure *f)
{
    struct copy_to *to = container_of(sink, struct copy_to, sink);

    assert(count == to->plan->count);
    (void)count;
    int r = to->plan->options.style.format == COPY_BINARY ? binary_row(to, cells, f)
                                                          : printed_row(to, cells, f);
    if (r == -ENOMEM || r == BUF_FULL) {
        return failure_set_nomem(f);
    }
    to->rows++;
    return r == 0 ? send_row(to) : r;
}

/* What comes before the first row; a binary file's header goes out together with it. */
static int begin(struct copy_to *to, struct failure *f)
{
    const struct copy_plan *plan = to->plan;
    int r = 0;

    if (plan->options.style.format == COPY_BINARY) {
        r = copy_write_header(&to->row);
        return r == 0 ? 0 : failure_set_nomem(f);
    }
    if (plan->options.header == COPY_HEADER_NONE) {
        return 0;
    }
    for (size_t i = 0; i < plan->count && r == 0; i++) {
        r = i > 0 ? buf_append_byte(&to->row, plan->options.style.delimiter) : 0;
        if (r == 0) {
            r = copy_write_field(&plan->options.style, view_of_str(plan->columns[i].name), false,
                                 plan->count == 1, &to->row);
        }
    }
    if (r != 0 || buf_append_byte(&to->row, '\n') != 0) {
        return failure_set_nomem(f);
    }
    return send_row(to);
}

static int end(struct copy_to *to, struct failure *f)
{
    int r = 0;

    if (to->plan->options.style.format == COPY_BINARY) {
        r = copy_write_trailer(&to->row);
        r = r == 0 ? send_row(to) : failure_set_nomem(f);
    }
    return r == 0 ? to->sql->ops->copy_out_end(to->sql->host) : r;
}

static void copy_to_finish(struct copy_to *to)
{
    buf_finish(&to->row);
    buf_finish(&to->value);
}

int copy_to_run(struct portal *portal, const struct copy_plan *plan, struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;
    cleanup(
        copy_to_finish) struct copy_to to = { .sink = { .row = on_row }, .sql = sql, .plan = plan };

    if (sql->ops->copy_out_begin == NULL) {
        return failure_set(ret_failure, "0A000", "there is nobody to COPY to");
    }
    int r =
        sql->ops->copy_out_begin(sql->host, plan->options.style.format == COPY_BINARY, plan->count);
    if (r == 0) {
        r = begin(&to, ret_failure);
    }
    if (r == 0) {
        r = portal_run_plan(portal, plan->inner, NULL, 0, &to.sink, 0, ret_failure);
    }
    if (r == 0) {
        r = end(&to, ret_failure);
    }
    if (r == 0) {
        portal_set_tag(portal, "COPY %lld", (long long)to.rows);
    }
    return r;
}
