/* client/cli/cmd_query.c: runs SQL and writes the rows as they come.
 *
 * Without --page the whole answer comes as one stream, and none of it is kept. A task on the loop
 * looks every moment whether what is in the output's buffer has waited long enough. */
#include "base/alloc.h"
#include "client/cli/cmd.h"
#include "client/cli/format.h"
#include "client/cli/interrupt.h"
#include "client/cli/progress.h"
#include "client/cli/slurp.h"
#include "client/cli/terminal.h"

#include <string.h>
#include <unistd.h>

enum { show_after_ms = 100, count_rows = 256 };

struct query_settings {
    const char *file;
    long page;
    int format;
    struct option_list params;
    const char *null;
    bool verbose;
};

static const struct option_row options[] = {
    { "file", 'f', OPTION_TEXT, offsetof(struct query_settings, file), "FILE",
      "read the SQL from there; - is standard input" },
    { "format", 'F', OPTION_CHOICE, offsetof(struct query_settings, format), FORMAT_NAMES,
      "how rows are written (table)" },
    { "null", 0, OPTION_TEXT, offsetof(struct query_settings, null), "TEXT",
      "how NULL is written" },
    { "page", 0, OPTION_NUMBER, offsetof(struct query_settings, page), "ROWS",
      "fetch and write so many rows at a time" },
    { "param", 'P', OPTION_LIST, offsetof(struct query_settings, params), "VALUE",
      "the value of $1; again for $2, and so on" },
    { "verbose", 'v', OPTION_FLAG, offsetof(struct query_settings, verbose), NULL,
      "tell the tags of statements without rows" },
};

struct query {
    struct cli *cli;
    const struct query_settings *settings;
    const char *sql;
    struct pond_value *values;
    struct format format;
    bool in_result;
    uint64_t uncounted; /* rows that progress_add() has not heard of */
    struct output out;
};

/* ---- rows ---- */

static int check_output(const struct query *q, struct pond_error *error)
{
    return output_is_fine(&q->out) ? 0 : pond_error_set(error, POND_APP, "the output has failed");
}

/* Where both are the terminal, the line about progress makes room for rows. */
static void show(struct query *q)
{
    if (q->out.len > 0) {
        if (q->format.terminal_width > 0) {
            progress_end();
        }
        output_flush(&q->out);
    }
}

static int take_columns(void *arg, struct pond_row columns, struct pond_error *error)
{
    struct query *q = arg;

    q->in_result = true;
    return format_begin(&q->format, columns, error);
}

static int take_row(void *arg, struct pond_row row, struct pond_error *error)
{
    struct query *q = arg;
    int r = format_row(&q->format, row, error);

    if (++q->uncounted == count_rows) {
        progress_add(q->uncounted);
        q->uncounted = 0;
    }
    return r != 0 ? r : check_output(q, error);
}

static int take_copy(void *arg, const char *data, size_t len, struct pond_error *error)
{
    struct query *q = arg;

    output_write(&q->out, data, len);
    return check_output(q, error);
}

static void tell_tag(struct query *q, const char *tag)
{
    if (tag[0] != '\0' && !q->cli->common.quiet &&
        (q->settings->verbose || isatty(STDERR_FILENO))) {
        show(q);
        progress_hide();
        cli_put_text(tag);
        fputc('\n', stderr);
    }
}

static int take_complete(void *arg, const char *tag, struct pond_error *error)
{
    struct query *q = arg;

    if (!q->in_result) {
        tell_tag(q, tag);
        return 0;
    }
    q->in_result = false;
    return format_end(&q->format, error);
}

static const struct pond_sink sink = { take_columns, take_row, take_copy, take_complete };

/* ---- page by page ---- */

static int take_page(struct query *q, struct pond_row first, size_t count, struct pond_error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = format_row(&q->format, pond_row_at(first, i), error);
    }
    if (r == 0) {
        r = format_pause(&q->format, error);
    }
    show(q);
    progress_add(count);
    return r != 0 ? r : check_output(q, error);
}

static int take_pages(struct query *q, struct pond_rows *rows, struct pond_error *error)
{
    struct pond_row first;
    size_t count;
    int r = 0;

    if (pond_rows_columns(rows, &first)) {
        r = take_columns(q, first, error);
    }
    while (r == 0 && (r = pond_rows_next_page(rows, &first, &count, error)) == POND_ROW) {
        r = take_page(q, first, count, error);
    }
    return r != 0 ? r : take_complete(q, "", error);
}

static int run_paged(struct query *q, struct pond_conn *conn, struct pond_error *error)
{
    const struct pond_rows_options paging = { .page_rows = (size_t)q->settings->page };
    struct pond_rows *rows = NULL;
    int r =
        pond_rows_open(conn, q->sql, q->values, q->settings->params.count, &paging, &rows, error);

    if (r != 0) {
        return r;
    }
    r = take_pages(q, rows, error);
    int closed = pond_rows_close(rows, r == 0 ? error : NULL);
    return r != 0 ? r : closed;
}

/* ---- all ---- */

static int keep_showing(void *arg, struct pond_error *error)
{
    struct query *q = arg;

    while (pond_sleep(show_after_ms, error) == 0) {
        if (format_pause(&q->format, error) == 0) {
            show(q);
        }
    }
    return 0;
}

static int run_on(struct query *q, struct pond_conn *conn, struct pond_error *error)
{
    if (q->settings->page > 0) {
        return run_paged(q, conn, error);
    }
    int r = pond_spawn(q->cli->loop, keep_showing, q, NULL, error);
    return r != 0
               ? r
               : pond_stream(conn, q->sql, q->values, q->settings->params.count, &sink, q, error);
}

/* The library's own words are for programs. */
static int fail(const struct query *q, struct pond_error *error)
{
    if (error->kind == POND_USAGE && strncmp(error->message, "COPY ", 5) == 0) {
        cli_complain("COPY FROM STDIN, and COPY page by page, cannot be had here");
        return CLI_FAILED;
    }
    return cli_fail_in(error, q->sql);
}

static int end(struct query *q, int r, struct pond_error *error)
{
    struct pond_error unheard;

    if (r != 0) {
        maybe_unused int paused = format_pause(&q->format, &unheard);
    }
    show(q);
    progress_end();
    int code = output_end(&q->out);
    return code != CLI_OK || r == 0 ? code : fail(q, error);
}

static int run_query(struct query *q)
{
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    struct pond_error error = { 0 };
    int code = cli_connect(q->cli, NULL, &conn);

    if (code != CLI_OK) {
        return code;
    }
    progress_begin(q->cli, PROGRESS_ROWS, 0);
    return end(q, run_on(q, conn, &error), &error);
}

/* ---- settings ---- */

static struct pond_value *make_values(const struct option_list *params)
{
    struct pond_value *values = mem_alloc((params->count + 1) * sizeof(*values));

    for (size_t i = 0; values != NULL && i < params->count; i++) {
        values[i] = pond_text(params->items[i]);
    }
    return values;
}

static int prepare(struct query *q)
{
    const struct query_settings *settings = q->settings;

    output_init(&q->out, STDOUT_FILENO, "standard output");
    format_init(&q->format, (enum format_name)settings->format, &q->out, settings->null);
    q->format.terminal_width = terminal_width();
    q->values = make_values(&settings->params);
    if (q->values == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    return run_query(q);
}

static void query_freep(struct query **q)
{
    if (*q != NULL) {
        format_finish(&(*q)->format);
        mem_free((*q)->values);
        mem_free(*q);
    }
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct query_settings *settings = arg;
    cleanup(buf_finish) struct buf text = { 0 };
    cleanup(query_freep) struct query *q = mem_zalloc(sizeof(*q));
    int code = CLI_OK;

    if (q == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    if ((argc == 1) == (settings->file != NULL)) {
        return cli_usage("expected SQL, either as an argument or with --file");
    }
    if (settings->file != NULL) {
        code = slurp_text(settings->file, &text);
    }
    q->cli = cli;
    q->settings = settings;
    q->sql = argc == 1 ? argv[0] : (const char *)text.data;
    return code != CLI_OK ? code : prepare(q);
}

const struct command cmd_query = {
    .name = "query",
    .arguments = "[SQL]",
    .summary = "run SQL and write the rows as they come",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct query_settings),
    .most = 1,
    .run = run,
};
