/* client/cli/load.h: what `pond load` does with one file. */
#pragma once

#include "client/cli/lines.h"
#include "client/cli/cli.h"

struct load {
    struct cli *cli;
    struct pond_conn *conn;
    struct lines lines;
    bool one_transaction; /* ours: the script's own BEGIN and COMMIT are left out */
};

/* ---- load_sql.c, load_csv.c: 0, or an exit code after a message ---- */

must_check int load_sql(struct load *load);
/* The first line has the columns' names, unless `no_header`. */
must_check int load_csv(struct load *load, const char *table, bool no_header);

/* ---- load_copy.c: the rows of a COPY ... FROM STDIN, out of the file's lines ---- */

struct load_rows {
    struct load *load;
    struct pond_copy *copy;
    struct buf piece; /* lines on their way */
};

/* The connection's own failure as an exit code, after a message that tells the place. `sql` may be
 * NULL. */
must_check int load_fail(const struct load *load, uint64_t line, const char *sql,
                         const struct pond_error *error);
must_check int load_rows_begin(struct load_rows *rows, struct load *load, const char *sql,
                               struct pond_error *error);
must_check int load_rows_line(struct load_rows *rows, struct view line, struct pond_error *error);
must_check int load_rows_end(struct load_rows *rows, struct pond_error *error);
/* Gives it up. Zero bytes are fine. */
void load_rows_finish(struct load_rows *rows);
