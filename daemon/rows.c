/* daemon/rows.c: SQLite's cells become DataRow messages straight in the output buffer: no row is
 * allocated, and a full buffer awaits the client between two rows. */
#include "daemon/serve.h"

#include "base/alloc.h"
#include "protocol/backend.h"
#include "protocol/pgtype.h"

#include <assert.h>
#include <errno.h>

enum { columns_on_stack = 8 };

struct formats {
    const int16_t *codes;
    size_t count; /* none: text; one: for all; else one each */
};

struct rows {
    struct row_sink sink;
    struct connection *conn;
    const struct value_out *values; /* one for each column */
    size_t column_count;
    bool begun; /* the first row is out */
};

static enum value_format format_at(const struct formats *formats, size_t i)
{
    if (formats->count == 0) {
        return FORMAT_TEXT;
    }
    return (enum value_format)formats->codes[formats->count == 1 ? 0 : i];
}

static int rows_row(struct row_sink *sink, const struct cell *cells, size_t count,
                    struct failure *ret_failure) /* the values know it as well */
{
    struct rows *rows = container_of(sink, struct rows, sink);
    struct output *output = &rows->conn->output;

    size_t before = output->buf.len;

    assert(count == rows->column_count);
    int r = backend_data_row(&output->buf, rows->values, cells, count);
    if (r == 0) {
        r = statement_result_grows(rows->conn, output->buf.len - before, ret_failure);
        output->buf.len = r == 0 ? output->buf.len : before; /* the row that is too many stays */
    }
    if (!rows->begun) {
        rows->begun = true;
        traffic_first_row(rows->conn);
    }

    /* The buffer has no cap, so 1 is FAILED and never BUF_FULL. */
    return r == 0 ? output_relieve(output) : r;
}

int rows_describe(struct connection *conn, const struct plan *plan, const int16_t *formats,
                  size_t format_count, bool or_no_data)
{
    const struct column *columns;
    size_t count = sql_plan_columns(plan, &columns);
    struct formats wanted = { .codes = formats, .count = format_count };
    struct writer w = reply_begin(conn);

    if (!sql_plan_returns_rows(plan)) {
        if (or_no_data) {
            backend_no_data(&w);
        }
        return reply_done(conn, &w);
    }
    backend_row_description(&w, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct pgtype *type = pgtype_by_oid(columns[i].type_oid);

        backend_row_field(&w, &(struct row_field){
                                  .name = view_of_str(columns[i].name),
                                  .table_oid = columns[i].table_oid,
                                  .attnum = columns[i].attnum,
                                  .type_oid = columns[i].type_oid,
                                  .type_len = type == NULL ? -1 : type->len,
                                  .typmod = columns[i].typmod,
                                  .format = (int16_t)format_at(&wanted, i),
                              });
    }
    writer_check(&w, writer_end(&w));
    return reply_done(conn, &w);
}

int rows_run(struct connection *conn, struct portal *portal, int64_t max_rows,
             struct failure *ret_failure)
{
    struct value_out few[columns_on_stack];
    cleanup(mem_freep) struct value_out *many = NULL;
    const struct column *columns;
    size_t count = sql_plan_columns(sql_portal_plan(portal), &columns);
    struct formats formats;

    if (count > columns_on_stack) {
        many = mem_alloc(count * sizeof(*many));
        if (many == NULL) {
            return failure_set_nomem(ret_failure);
        }
    }
    struct value_out *values = many == NULL ? few : many;

    formats.codes = sql_portal_formats(portal, &formats.count);
    for (size_t i = 0; i < count; i++) {
        value_out_init(&values[i], columns[i].type_oid, sql_column_typmod(&columns[i]),
                       format_at(&formats, i), sql_value_style(conn->sql), &conn->output.buf,
                       ret_failure);
    }
    struct rows rows = {
        .sink = { .row = rows_row }, .conn = conn, .values = values, .column_count = count
    };

    return sql_run(portal, &rows.sink, max_rows, ret_failure);
}
