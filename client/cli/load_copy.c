/* client/cli/load_copy.c: lines go to the server in pieces, and none is kept. */
#include "client/cli/load.h"
#include "client/cli/progress.h"

#include <string.h>

enum { piece_bytes = 64 * 1024, shown_bytes = 200 };

/* Its first line, cut. */
static int shown(const char *sql)
{
    size_t len = strcspn(sql, "\r\n");

    return (int)(len < shown_bytes ? len : shown_bytes);
}

int load_fail(const struct load *load, uint64_t line, const char *sql,
              const struct pond_error *error)
{
    int code = CLI_FAILED;

    progress_hide();
    if (error->kind == POND_USAGE && strncmp(error->message, "COPY ", 5) == 0) {
        cli_complain(
            "COPY TO STDOUT cannot be had here"); /* the library's words are for programs */
    } else {
        code = cli_fail_in(error, sql);
    }
    if (sql == NULL) {
        cli_complain("that was at line %llu of %s", (unsigned long long)line, load->lines.name);
    } else {
        cli_complain("that was at line %llu of %s: %.*s", (unsigned long long)line,
                     load->lines.name, shown(sql), sql);
    }
    return code;
}

int load_rows_begin(struct load_rows *rows, struct load *load, const char *sql,
                    struct pond_error *error)
{
    *rows = (struct load_rows){ .load = load };
    return pond_copy_open(load->conn, sql, &rows->copy, error);
}

static int send_piece(struct load_rows *rows, struct pond_error *error)
{
    int r = pond_copy_write(rows->copy, rows->piece.data, rows->piece.len, error);

    buf_clear(&rows->piece);
    return r;
}

int load_rows_line(struct load_rows *rows, struct view line, struct pond_error *error)
{
    if (buf_append_view(&rows->piece, line) != 0) {
        return pond_error_set(error, POND_NOMEM, "out of memory");
    }
    progress_add(line.len);
    return rows->piece.len < piece_bytes ? 0 : send_piece(rows, error);
}

int load_rows_end(struct load_rows *rows, struct pond_error *error)
{
    int r = rows->piece.len > 0 ? send_piece(rows, error) : 0;

    return r == 0 ? pond_copy_end(take_ptr(rows->copy), NULL, error) : r;
}

void load_rows_finish(struct load_rows *rows)
{
    (void)pond_copy_abort(take_ptr(rows->copy), NULL);
    buf_finish(&rows->piece);
}
