/* client/cli/cmd_save.c: a database as an SQLite file: the pages of pond_image(), one after the
 * other. */
#include "base/alloc.h"
#include "client/cli/cmd.h"
#include "client/cli/new_file.h"
#include "client/cli/progress.h"

enum { page_bytes_most = 65536 };

/* What page 1 says of itself: https://www.sqlite.org/fileformat.html#the_database_header */
enum { page1_pages = 28 };

struct saving {
    const struct cli *cli;
    struct new_file file;
    uint64_t pages;
    char page[page_bytes_most];
};

static uint64_t count_in(const char *page1)
{
    const unsigned char *at = (const unsigned char *)page1 + page1_pages;

    return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
}

static int save_page(void *arg, struct pond_row row, struct pond_error *error)
{
    struct saving *saving = arg;
    size_t len = 0;

    if (pond_row_bytes(row, 0, saving->page, sizeof(saving->page), &len) != 0) {
        return pond_error_set(error, POND_PROTOCOL, "the server sent something that is no page");
    }
    if (saving->pages++ == 0) {
        progress_begin(saving->cli, PROGRESS_BYTES,
                       len > page1_pages + 4 ? count_in(saving->page) * len : 0);
    }
    output_write(&saving->file.out, saving->page, len);
    progress_add(len);
    return output_is_fine(&saving->file.out)
               ? 0
               : pond_error_set(error, POND_APP, "the file could not be written");
}

static int save(struct pond_conn *conn, struct saving *saving)
{
    static const struct pond_sink sink = { .row = save_page };
    struct pond_error error = { 0 };
    int r = pond_stream(conn, "SELECT data FROM pond_image()", POND_NONE, &sink, saving, &error);

    progress_end();
    if (r != 0 && r != POND_APP) {
        return cli_fail(&error);
    }
    return new_file_commit(&saving->file); /* or says why it could not be written */
}

static void finish_saving(struct saving **saving)
{
    if (*saving != NULL) {
        new_file_finish(&(*saving)->file);
        mem_free(*saving);
    }
}

static int run(struct cli *cli, void *settings, int argc, char **argv)
{
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    cleanup(finish_saving) struct saving *saving = mem_zalloc(sizeof(*saving));

    (void)settings, (void)argc;
    if (saving == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    saving->cli = cli;
    int code = cli_connect(cli, argv[0], &conn);
    code = code == 0 ? new_file_open(&saving->file, argv[1]) : code;
    return code == 0 ? save(conn, saving) : code;
}

const struct command cmd_save = {
    .name = "save",
    .arguments = "DB FILE",
    .summary = "write a database to an SQLite file",
    .least = 2,
    .most = 2,
    .run = run,
};
