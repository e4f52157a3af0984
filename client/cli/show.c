/* client/cli/show.c: see show.h. */
#include "client/cli/show.h"

#include "base/alloc.h"
#include "client/cli/terminal.h"

#include <unistd.h>

struct show {
    struct format format;
    bool in_result;
    struct output out;
};

static int take_columns(void *arg, struct pond_row columns, struct pond_error *error)
{
    struct show *show = arg;

    show->in_result = true;
    return format_begin(&show->format, columns, error);
}

static int take_row(void *arg, struct pond_row row, struct pond_error *error)
{
    struct show *show = arg;
    int r = format_row(&show->format, row, error);

    return r != 0 || output_is_fine(&show->out)
               ? r
               : pond_error_set(error, POND_APP, "the output has failed");
}

static int take_copy(void *arg, const char *data, size_t len, struct pond_error *error)
{
    struct show *show = arg;

    output_write(&show->out, data, len);
    return output_is_fine(&show->out) ? 0
                                      : pond_error_set(error, POND_APP, "the output has failed");
}

static int take_complete(void *arg, const char *tag, struct pond_error *error)
{
    struct show *show = arg;
    bool in_result = show->in_result;

    (void)tag;
    show->in_result = false;
    return in_result ? format_end(&show->format, error) : 0;
}

static const struct pond_sink sink = {
    .columns = take_columns,
    .row = take_row,
    .copy = take_copy,
    .complete = take_complete,
};

int show_answer(struct pond_conn *conn, const char *sql, const struct pond_value *values,
                size_t count, enum format_name name)
{
    cleanup(mem_freep) struct show *show = mem_zalloc(sizeof(*show));
    struct pond_error error = { 0 };

    if (show == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    output_init(&show->out, STDOUT_FILENO, "standard output");
    format_init(&show->format, name, &show->out, NULL);
    show->format.terminal_width = terminal_width();
    int r = pond_stream(conn, sql, values, count, &sink, show, &error);
    format_finish(&show->format);
    int code = output_end(&show->out);
    return code != CLI_OK || r == 0 ? code : cli_fail(&error);
}
