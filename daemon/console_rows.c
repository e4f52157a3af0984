/* daemon/console_rows.c: see the header. All values are text: only the simple query asks. */
#include "daemon/console_rows.h"

#include "protocol/backend.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

void console_rows_init(struct console_rows *rows, const struct console_column *columns,
                       size_t column_count)
{
    *rows = (struct console_rows){ .columns = columns, .column_count = column_count };
    buf_init(&rows->messages, console_rows_bytes);
    rows->writer = writer_over(&rows->messages);
}

void console_rows_finish(struct console_rows *rows)
{
    buf_finish(&rows->messages);
}

void console_row_begin(struct console_rows *rows)
{
    writer_begin(&rows->writer, 'D');
    writer_u16(&rows->writer, (uint16_t)rows->column_count);
    rows->at = 0;
}

void console_row_end(struct console_rows *rows)
{
    assert(rows->at == rows->column_count);
    (void)writer_end(&rows->writer); /* sticky */
}

void console_put(struct console_rows *rows, const char *text)
{
    rows->at++;
    if (text == NULL) {
        writer_null(&rows->writer);
    } else {
        writer_value(&rows->writer, view_of_str(text));
    }
}

void console_put_int(struct console_rows *rows, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    console_put(rows, text);
}

void console_put_uint(struct console_rows *rows, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    console_put(rows, text);
}

void console_put_time(struct console_rows *rows, int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    char text[40] = "";

    if (gmtime_r(&seconds, &tm) != NULL) {
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
    }
    console_put(rows, text);
}

void console_put_zeros(struct console_rows *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        console_put_int(rows, 0);
    }
}

static int16_t type_len(uint32_t type)
{
    return type == OID_INT4 ? 4 : type == OID_INT8 ? 8 : -1;
}

void console_describe(const struct console_rows *rows, struct writer *w)
{
    backend_row_description(w, (uint16_t)rows->column_count);
    for (size_t i = 0; i < rows->column_count; i++) {
        backend_row_field(w, &(struct row_field){
                                 .name = view_of_str(rows->columns[i].name),
                                 .type_oid = rows->columns[i].type,
                                 .type_len = type_len(rows->columns[i].type),
                                 .typmod = -1,
                             });
    }
    (void)writer_end(w); /* its owner asks */
}
