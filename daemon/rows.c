/* daemon/rows.c: SQLite's cells become DataRow messages straight in the output buffer: no row is
 * allocated, and a full buffer awaits the client between two rows. */
#include "daemon/connection_impl.h"

#include "protocol/backend.h"
#include "protocol/pgtype.h"

#include <assert.h>
#include <errno.h>

struct rows {
    struct row_sink sink;
    struct connection *conn;
    const struct column *columns;
    size_t column_count;
    struct formats {
        const int16_t *codes;
        size_t count; /* none: text; one: for all; else one each */
    } formats;
};

static enum value_format format_at(const struct formats *formats, size_t i)
{
    if (formats->count == 0) {
        return FORMAT_TEXT;
    }
    return (enum value_format)formats->codes[formats->count == 1 ? 0 : i];
}

static void write_cell(struct writer *w, const struct rows *rows, size_t i, const struct cell *cell,
                       struct failure *ret_failure)
{
    const struct column *column = &rows->columns[i];
    const struct value_style *style = sql_value_style(rows->conn->sql);

    if (cell->kind == CELL_NULL) {
        writer_null(w);
        return;
    }
    writer_value_begin(w);
    if (writer_result(w) == 0) {
        writer_check(w,
                     value_encode(column->type_oid, sql_column_typmod(column),
                                  format_at(&rows->formats, i), cell, style, w->out, ret_failure));
    }
    writer_value_end(w);
}

static int rows_row(struct row_sink *sink, const struct cell *cells, size_t count,
                    struct failure *ret_failure)
{
    struct rows *rows = container_of(sink, struct rows, sink);
    struct writer w = reply_begin(rows->conn);

    assert(count == rows->column_count);
    backend_data_row(&w, (uint16_t)count);
    for (size_t i = 0; i < count && writer_result(&w) == 0; i++) {
        write_cell(&w, rows, i, &cells[i], ret_failure);
    }
    int r = writer_end(&w);
    return r == 0 ? output_relieve(&rows->conn->output) : r;
}

int rows_describe(struct connection *conn, const struct plan *plan, const int16_t *formats,
                  size_t format_count, bool or_no_data)
{
    const struct column *columns;
    size_t count = sql_plan_columns(plan, &columns);
    struct formats wanted = { .codes = formats, .count = format_count };
    struct writer w = reply_begin(conn);

    if (count == 0) {
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
    struct rows rows = { .sink = { .row = rows_row }, .conn = conn };

    rows.column_count = sql_plan_columns(sql_portal_plan(portal), &rows.columns);
    rows.formats.codes = sql_portal_formats(portal, &rows.formats.count);
    return sql_run(portal, &rows.sink, max_rows, ret_failure);
}
