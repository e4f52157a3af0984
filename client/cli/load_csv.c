/* client/cli/load_csv.c: a table's rows out of a CSV file: the server reads them, but for the names
 * of the columns in the first line. */
#include "client/cli/load.h"

#include "base/alloc.h"

/* ---- the header ---- */

static bool is_line_end(uint8_t c)
{
    return c == '\n' || c == '\r';
}

/* Appends the next field as a quoted name, and gives what is left behind its comma. */
static int put_name(struct buf *out, struct view *header)
{
    bool quoted = false;
    int r = buf_append_byte(out, '"');

    for (; header->len > 0 && r == 0; view_advance(header, 1)) {
        uint8_t c = header->data[0];

        if (c == '"' && quoted && header->len > 1 && header->data[1] == '"') {
            view_advance(header, 1);
            r = buf_append_str(out, "\"\"");
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == ',' || is_line_end(c))) {
            break;
        } else {
            r = buf_append_byte(out, c);
        }
    }
    return r == 0 ? buf_append_byte(out, '"') : r;
}

/* ("a", "b") */
static int put_columns(struct buf *out, struct view header)
{
    int r = buf_append_str(out, " (");

    for (bool more = true; more && r == 0;) {
        r = put_name(out, &header);
        more = header.len > 0 && header.data[0] == ',';
        if (more && r == 0) {
            view_advance(&header, 1);
            r = buf_append_str(out, ", ");
        }
    }
    return r == 0 ? buf_append_byte(out, ')') : r;
}

enum { header_bytes_most = 1024 * 1024 };

static bool has_odd_quotes(struct view line)
{
    bool odd = false;

    for (size_t i = 0; i < line.len; i++) {
        odd ^= line.data[i] == '"';
    }
    return odd;
}

/* The first line, and more where a quoted name goes over its end. LINES_LINE; 0: an empty file;
 * below 0: a message was given. */
static int read_header(struct load *load, struct buf *header)
{
    bool open = false;
    int more;

    buf_init(header, header_bytes_most);
    do {
        struct view line = { 0 };

        more = lines_next(&load->lines, &line);
        if (buf_append_view(header, line) != 0 || (more == 0 && open)) {
            cli_complain("%s: a quote in the first line has no end", load->lines.name);
            return -1;
        }
        open ^= has_odd_quotes(line);
    } while (more == LINES_LINE && open);
    return more;
}

static int put_table(struct buf *out, const char *table)
{
    int r = buf_append_str(out, "COPY \"");

    for (; *table != '\0' && r == 0; table++) {
        r = *table == '"' ? buf_append_str(out, "\"\"") : buf_append_byte(out, (uint8_t)*table);
    }
    return r == 0 ? buf_append_byte(out, '"') : r;
}

/* ---- rows ---- */

static int send_rows(struct load *load, const char *sql)
{
    cleanup(load_rows_finish) struct load_rows rows = { 0 };
    struct pond_error error = { 0 };
    struct view line;
    int more = 0;
    int r = load_rows_begin(&rows, load, sql, &error);

    while (r == 0 && (more = lines_next(&load->lines, &line)) == LINES_LINE) {
        r = load_rows_line(&rows, line, &error);
    }
    if (more < 0) {
        return CLI_FAILED;
    }
    r = r == 0 ? load_rows_end(&rows, &error) : r;
    return r == 0 ? 0 : load_fail(load, load->lines.number, sql, &error);
}

int load_csv(struct load *load, const char *table, bool no_header)
{
    cleanup(buf_finish) struct buf header = { 0 };
    cleanup(buf_finish) struct buf sql = { 0 };
    int r = put_table(&sql, table);

    if (!no_header) {
        int more = read_header(load, &header);

        if (more != LINES_LINE) {
            return more < 0 ? CLI_FAILED : 0; /* an empty file */
        }
        r = r == 0 ? put_columns(&sql, buf_view(&header)) : r;
    }
    r = r == 0 ? buf_append_str(&sql, " FROM STDIN (FORMAT csv)") : r;
    if (r != 0 || buf_append_byte(&sql, 0) != 0) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    return send_rows(load, (const char *)sql.data);
}
