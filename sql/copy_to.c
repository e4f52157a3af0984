/* sql/copy_to.c: COPY ... TO STDOUT: each row of the inner statement becomes one piece of the
 * stream. */
#include "sql/copy.h"
#include "sql/portal.h"
#include "sql/verb_support.h"

#include "base/alloc.h"
#include "protocol/pgtype.h"
#include "protocol/value_row.h"

#include <assert.h>
#include <errno.h>

struct copy_to {
    struct row_sink sink;
    struct sql_session *sql;
    const struct copy_plan *plan;
    struct copy_writer writer;
    struct value_out *values; /* one for each column */
    bool *plain;              /* its values are fields as they are */
    struct buf row;
    int64_t rows;
};

static int send_row(struct copy_to *to, struct failure *f)
{
    int r = to->sql->ops->copy_out_row(to->sql->host, buf_view(&to->row), f);

    buf_clear(&to->row);
    return r;
}

static int printed_field(struct copy_to *to, size_t i, const struct cell *cell)
{
    const struct copy_style *style = &to->plan->options.style;
    int r = i > 0 ? buf_append_byte(&to->row, style->delimiter) : 0;
    size_t at = to->row.len;

    if (r == 0 && cell->kind == CELL_NULL) {
        return buf_append_view(&to->row, style->null);
    }
    r = r == 0 ? value_out_put(&to->values[i], cell) : r;
    return r == 0 && !to->plain[i]
               ? copy_end_field(&to->writer, at, to->plan->columns[i].force_quote,
                                to->plan->count == 1, &to->row)
               : r;
}

static int printed_row(struct copy_to *to, const struct cell *cells)
{
    int r = 0;

    for (size_t i = 0; i < to->plan->count && r == 0; i++) {
        r = printed_field(to, i, &cells[i]);
    }
    return r == 0 ? buf_append_byte(&to->row, '\n') : r;
}

static int on_row(struct row_sink *sink, const struct cell *cells, size_t count, struct failure *f)
{
    struct copy_to *to = container_of(sink, struct copy_to, sink);

    assert(count == to->plan->count);
    int r = to->plan->options.style.format == COPY_BINARY
                ? value_row_put(to->values, cells, count, &to->row)
                : printed_row(to, cells);
    if (r == -ENOMEM || r == BUF_FULL) {
        return failure_set_nomem(f);
    }
    to->rows++;
    return r == 0 ? send_row(to, f) : r;
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
            r = copy_write_field(&to->writer, view_of_str(plan->columns[i].name), false,
                                 plan->count == 1, &to->row);
        }
    }
    if (r != 0 || buf_append_byte(&to->row, '\n') != 0) {
        return failure_set_nomem(f);
    }
    return send_row(to, f);
}

static int end(struct copy_to *to, struct failure *f)
{
    int r = 0;

    if (to->plan->options.style.format == COPY_BINARY) {
        r = copy_write_trailer(&to->row);
        r = r == 0 ? send_row(to, f) : failure_set_nomem(f);
    }
    return r == 0 ? to->sql->ops->copy_out_end(to->sql->host) : r;
}

/* Numbers and booleans: never empty, and made of few bytes, none of which has a meaning unless the
 * options are odd. */
static bool is_plain(const struct copy_to *to, const struct copy_column *column)
{
    static const uint32_t types[] = { OID_BOOL, OID_INT2,   OID_INT4,   OID_INT8,
                                      OID_OID,  OID_FLOAT4, OID_FLOAT8, OID_NUMERIC };
    bool plain = !column->force_quote && (to->plan->options.style.format == COPY_TEXT ||
                                          to->plan->options.style.null.len == 0);
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        found = found || types[i] == column->type.oid;
    }
    for (const char *c = "+-.0123456789INaefintuy"; *c != '\0'; c++) {
        plain = plain && !to->writer.marks[(uint8_t)*c];
    }
    return found && plain;
}

static int start(struct copy_to *to, struct failure *f)
{
    const struct copy_plan *plan = to->plan;
    bool binary = plan->options.style.format == COPY_BINARY;

    to->values = mem_alloc((plan->count + 1) * sizeof(*to->values));
    to->plain = mem_alloc((plan->count + 1) * sizeof(*to->plain));
    if (to->values == NULL || to->plain == NULL) {
        return failure_set_nomem(f);
    }
    for (size_t i = 0; i < plan->count; i++) {
        struct type type = plan->columns[i].type;

        value_out_init(&to->values[i], type.oid, type.typmod, binary ? FORMAT_BINARY : FORMAT_TEXT,
                       &to->sql->style, &to->row, f);
        to->plain[i] = is_plain(to, &plan->columns[i]);
    }
    return 0;
}

static void copy_to_finish(struct copy_to *to)
{
    mem_free(to->values);
    mem_free(to->plain);
    buf_finish(&to->row);
}

int copy_to_run(struct portal *portal, const struct copy_plan *plan, struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;
    cleanup(copy_to_finish) struct copy_to to = {
        .sink = { .row = on_row },
        .sql = sql,
        .plan = plan,
        .writer = copy_writer_of(&plan->options.style),
    };

    if (sql->ops->copy_out_begin == NULL) {
        return failure_set(ret_failure, "0A000", "there is nobody to COPY to");
    }
    int r = start(&to, ret_failure);
    if (r == 0) {
        r = sql->ops->copy_out_begin(sql->host, plan->options.style.format == COPY_BINARY,
                                     plan->count);
    }
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
