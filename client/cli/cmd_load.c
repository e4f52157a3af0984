/* client/cli/cmd_load.c: scripts and CSV files into a database, in one transaction. */
#include "base/alloc.h"
#include "client/cli/cmd.h"
#include "client/cli/load.h"
#include "client/cli/progress.h"
#include "client/cli/shared.h"

#include <string.h>
#include <sys/stat.h>

enum load_format { LOAD_AUTO, LOAD_SQL, LOAD_CSV };

struct load_settings {
    int format;
    const char *table;
    bool no_header;
    bool no_transaction;
};

static const struct option_row options[] = {
    { "format", 'F', OPTION_CHOICE, offsetof(struct load_settings, format), "auto|sql|csv",
      "what the files are; auto: CSV when the name ends so" },
    { "table", 't', OPTION_TEXT, offsetof(struct load_settings, table), "NAME",
      "the table of a CSV file; else it is named as the file" },
    { "no-header", 0, OPTION_FLAG, offsetof(struct load_settings, no_header), NULL,
      "the first line of a CSV file is a row" },
    { "no-transaction", 0, OPTION_FLAG, offsetof(struct load_settings, no_transaction), NULL,
      "keep what was loaded before a failure" },
};

/* ---- which file is what ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);

    return len >= tail && strcmp(text + len - tail, end) == 0;
}

static bool is_csv(const struct load_settings *settings, const char *path)
{
    return settings->format == LOAD_AUTO ? ends_with(path, ".csv") : settings->format == LOAD_CSV;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits);
}

/* folder/NAME.csv, where `pond dump` wrote %2F for a slash. NULL: no memory. */
static char *table_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = mem_strdup(slash == NULL ? path : slash + 1);
    char *to = name;

    if (name == NULL) {
        return NULL;
    }
    if (ends_with(name, ".csv")) {
        name[strlen(name) - 4] = '\0';
    }
    for (const char *from = name; *from != '\0'; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high < 0 ? -1 : hex_digit(from[2]);

        *to++ = low < 0 ? *from : (char)(high * 16 + low);
        from += low < 0 ? 0 : 2;
    }
    *to = '\0';
    return name;
}

/* ---- one file ---- */

static int load_table(struct load *load, const struct load_settings *settings, const char *path)
{
    cleanup(mem_freep) char *named =
        settings->table != NULL ? mem_strdup(settings->table) : table_of(path);

    if (named == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    return load_csv(load, named, settings->no_header);
}

/* Skips a byte order mark, and refuses what is no text. */
static int check_beginning(struct load *load)
{
    static const char sqlite_magic[] = "SQLite format 3";
    struct view bytes;

    if (lines_peek(&load->lines, sizeof(sqlite_magic), &bytes) != 0) {
        return CLI_FAILED;
    }
    if (bytes.len == sizeof(sqlite_magic) &&
        memcmp(bytes.data, sqlite_magic, sizeof(sqlite_magic)) == 0) {
        cli_complain("%s is an SQLite database, which can only be a template: name it as seed = %s "
                     "in pondd's configuration",
                     load->lines.name, load->lines.name);
        return CLI_FAILED;
    }
    load->lines.start = bytes.len >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return 0;
}

static int load_file(struct load *load, const struct load_settings *settings, const char *path)
{
    int code = lines_open(&load->lines, path);

    code = code == 0 ? check_beginning(load) : code;
    if (code == 0) {
        code = is_csv(settings, path) ? load_table(load, settings, path) : load_sql(load);
    }
    lines_close(&load->lines);
    return code;
}

/* ---- all of them ---- */

/* 0 when one of them has no size. */
static uint64_t total_bytes(char **paths)
{
    uint64_t total = 0;

    for (; *paths != NULL; paths++) {
        struct stat status;

        if (stat(*paths, &status) != 0 || !S_ISREG(status.st_mode)) {
            return 0;
        }
        total += (uint64_t)status.st_size;
    }
    return total;
}

static int run_word(struct load *load, const char *sql)
{
    struct pond_error error = { 0 };

    return pond_exec(load->conn, sql, NULL, &error) == 0 ? 0 : cli_fail(&error);
}

static int load_all(struct load *load, const struct load_settings *settings, char **paths)
{
    int code = load->one_transaction ? run_word(load, "BEGIN") : 0;

    progress_begin(load->cli, PROGRESS_BYTES, total_bytes(paths));
    for (; *paths != NULL && code == 0; paths++) {
        code = load_file(load, settings, *paths);
    }
    progress_end();
    return code == 0 && load->one_transaction ? run_word(load, "COMMIT") : code;
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    const struct load_settings *settings = arg;
    struct load load = { .cli = cli, .one_transaction = !settings->no_transaction };

    if (settings->format != LOAD_CSV && strcmp(argv[argc - 1], "-") == 0 &&
        settings->table != NULL) {
        return cli_usage("standard input is an SQL script unless --format csv is given");
    }
    if (settings->format == LOAD_CSV && settings->table == NULL &&
        strcmp(argv[argc - 1], "-") == 0) {
        return cli_usage("CSV out of standard input needs --table NAME");
    }
    int code = cli_connect(cli, argv[0], &conn);
    code = code == 0 ? shared_check(conn) : code;
    load.conn = conn;
    return code == 0 ? load_all(&load, settings, argv + 1) : code;
}

const struct command cmd_load = {
    .name = "load",
    .arguments = "DB FILE...",
    .summary = "load SQL scripts and CSV files into a database",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct load_settings),
    .least = 2,
    .most = -1,
    .run = run,
};
