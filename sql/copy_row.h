/* sql/copy_row.h: the rows of COPY FROM: bytes in, one run of the inner INSERT for each row.
 *
 * The rows lie where the caller shows them; nothing of a row that is not whole is kept. The first
 * error ends it. One session's task. */
#pragma once

#include "sql/copy.h"

struct copy_rows {
    struct sql_session *sql;
    const struct copy_plan *plan;
    struct copy_reader reader;
    struct buf scratch; /* a line's fields */
    struct copy_field *fields;
    struct value_in *decoders; /* of the fields */
    struct cell *cells;
    struct buf *values; /* one for each cell's bytes: none moves when another grows */
    struct bulk *bulk;  /* the INSERT, from the first row on */
    int64_t count;      /* of the rows that went in */
};

/* 0 or FAILED; finish either way. ret_failure must be that of all later calls: the values keep it.
 */
must_check int copy_rows_init(struct copy_rows *rows, struct portal *portal,
                              const struct copy_plan *plan, struct failure *ret_failure);
void copy_rows_finish(struct copy_rows *rows);

/* The rows of what is there. at_end: no more will come. 0, COPY_END, FAILED or -errno; *data is
 * what is left. */
must_check int copy_rows_take(struct copy_rows *rows, struct view *data, bool at_end,
                              struct failure *ret_failure);

/* All has come. HEADER MATCH wants a header even of data that has no line. 0, FAILED or -errno. */
must_check int copy_rows_end(struct copy_rows *rows, struct failure *ret_failure);

/* The failure was met in the row that was taken last. Returns FAILED. */
int copy_rows_at(const struct copy_rows *rows, struct failure *ret_failure);
