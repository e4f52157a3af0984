/* daemon/console_rows.h: the answer of a SHOW: its columns, and its rows as the messages that will
 * be sent.
 *
 * The rows are written on any loop, one after the other, each on that of what it tells about, while
 * nothing there moves; they are sent when all are there. */
#pragma once

#include "protocol/pgtype.h"
#include "protocol/writer.h"

#include <inttypes.h>

enum { console_rows_bytes = 64 << 20 }; /* all rows together */

struct console_column {
    const char *name;
    uint32_t type; /* OID */
};

/* Failure is sticky, as a writer's. Does not move. */
struct console_rows {
    struct buf messages;
    struct writer writer; /* over them */
    const struct console_column *columns;
    size_t column_count;
    size_t at; /* the row's next column */
};

void console_rows_init(struct console_rows *rows, const struct console_column *columns,
                       size_t column_count);
void console_rows_finish(struct console_rows *rows);

/* A row: begin, then each of its columns, then end. */
void console_row_begin(struct console_rows *rows);
void console_row_end(struct console_rows *rows);

void console_put(struct console_rows *rows, const char *text); /* NULL: NULL */
void console_put_int(struct console_rows *rows, int64_t value);
void console_put_uint(struct console_rows *rows, uint64_t value);
/* Wall clock, in microseconds since 1970, as PgBouncer prints it. */
void console_put_time(struct console_rows *rows, int64_t us);
/* So many zeros: of what there is nothing here. */
void console_put_zeros(struct console_rows *rows, size_t count);

/* RowDescription. */
void console_describe(const struct console_rows *rows, struct writer *w);
