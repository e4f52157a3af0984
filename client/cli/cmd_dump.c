/* client/cli/cmd_dump.c: a database as an SQL script, or its tables as CSV files.
 *
 * The server says what the statements are (pond_schema(), docs/databases.md); the rows come by COPY
 * and are passed on as they are. All in one transaction, so that it is one moment's. */
#include "base/alloc.h"
#include "base/buf.h"
#include "client/cli/cmd.h"
#include "client/cli/new_file.h"
#include "client/cli/progress.h"

#include <errno.h>
#include <sys/stat.h>

enum dump_format { DUMP_SQL, DUMP_CSV };

struct dump_settings {
    int format;
    struct option_list tables;
    const char *output;
};

static const struct option_row options[] = {
    { "format", 'F', OPTION_CHOICE, offsetof(struct dump_settings, format), "sql|csv",
      "a script (sql), or a file per table (csv)" },
    { "table", 't', OPTION_LIST, offsetof(struct dump_settings, tables), "NAME",
      "only this table; may be given several times" },
    { "output", 'o', OPTION_TEXT, offsetof(struct dump_settings, output), "FILE|DIR",
      "where to; the folder of CSV files is made" },
};

struct dump {
    struct cli *cli;
    const struct dump_settings *settings;
    struct pond_conn *conn;
    struct pond_result *schema;
    struct new_file file;
    bool incomplete;
};

enum { column_name, column_table, column_definition, column_known };

static const char schema_query[] = "SELECT name, table_name, definition, known FROM pond_schema()";

static int fail_memory(void)
{
    cli_complain("out of memory");
    return CLI_FAILED;
}

/* ---- what is wanted ---- */

static const char *text_of(struct pond_row row, size_t column)
{
    const char *text = "";

    return pond_row_text(row, column, &text, NULL) == 0 ? text : "";
}

static bool concerns(struct pond_row row, const char *table)
{
    return strcmp(text_of(row, column_name), table) == 0 ||
           strcmp(text_of(row, column_table), table) == 0;
}

static bool is_wanted(const struct dump *d, struct pond_row row)
{
    const struct option_list *tables = &d->settings->tables;

    for (size_t i = 0; i < tables->count; i++) {
        if (concerns(row, tables->items[i])) {
            return true;
        }
    }
    return tables->count == 0;
}

static int check_tables(const struct dump *d)
{
    const struct option_list *tables = &d->settings->tables;

    for (size_t i = 0; i < tables->count; i++) {
        bool found = false;

        for (size_t at = 0; at < pond_result_rows(d->schema) && !found; at++) {
            found = concerns(pond_result_row(d->schema, at), tables->items[i]);
        }
        if (!found) {
            cli_complain("there is no table \"%s\"", tables->items[i]);
            return CLI_FAILED;
        }
    }
    return 0;
}

/* ---- rows ---- */

static const char copy_from[] = " FROM stdin;";

/* Is it COPY t (a, b) FROM stdin; ? */
static bool is_rows(const char *definition)
{
    size_t len = strlen(definition);
    size_t tail = sizeof(copy_from) - 1;

    return len > tail && strncmp(definition, "COPY ", 5) == 0 &&
           strcmp(definition + len - tail, copy_from) == 0;
}

static int pass_on(void *arg, const char *data, size_t len, struct pond_error *error)
{
    struct dump *d = arg;

    output_write(&d->file.out, data, len);
    progress_add(len);
    return output_is_fine(&d->file.out)
               ? 0
               : pond_error_set(error, POND_APP, "the file could not be written");
}

/* COPY t (a, b) TO STDOUT with these options. 0 or an exit code; a file that could not be written
 * tells it later. */
static int copy_rows(struct dump *d, const char *definition, const char *with)
{
    static const struct pond_sink sink = { .copy = pass_on };
    cleanup(buf_finish) struct buf sql = { 0 };
    struct pond_error error = { 0 };

    if (buf_append(&sql, definition, strlen(definition) - (sizeof(copy_from) - 1)) != 0 ||
        buf_printf(&sql, " TO STDOUT%s", with) != 0 || buf_append_byte(&sql, 0) != 0) {
        return fail_memory();
    }
    int r = pond_stream(d->conn, (const char *)sql.data, POND_NONE, &sink, d, &error);
    return r == 0 || r == POND_APP ? 0 : cli_fail(&error);
}

/* ---- a script ---- */

static void note_unknown(struct dump *d, struct pond_row row)
{
    bool known = true;

    if (pond_row_bool(row, column_known, &known) == 0 && !known) {
        progress_hide();
        cli_complain("\"%s\" cannot be given in PostgreSQL's words; see the script",
                     text_of(row, column_name));
        d->incomplete = true;
    }
}

static int dump_statement(struct dump *d, struct pond_row row)
{
    const char *definition = text_of(row, column_definition);
    int code = 0;

    note_unknown(d, row);
    output_printf(&d->file.out, "%s\n", definition);
    if (is_rows(definition)) {
        code = copy_rows(d, definition, "");
        output_str(&d->file.out, "\\.\n");
    }
    output_str(&d->file.out, "\n");
    return code;
}

/* A comment is one line, and what follows it psql obeys. */
static void put_heading(struct output *out, const char *database)
{
    output_str(out, "-- pond dump of \"");
    for (; *database != '\0'; database++) {
        output_byte(out, *database == '\n' || *database == '\r' ? ' ' : *database);
    }
    output_str(out, "\"\n\nSET client_encoding = 'UTF8';\n"
                    "SET standard_conforming_strings = on;\n\n");
}

static int dump_sql(struct dump *d)
{
    const char *path = d->settings->output == NULL ? "-" : d->settings->output;
    int code = new_file_open(&d->file, path);

    if (code != 0) {
        return code;
    }
    put_heading(&d->file.out, pond_conn_setting(d->conn, "dbname"));
    for (size_t at = 0; at < pond_result_rows(d->schema) && code == 0; at++) {
        struct pond_row row = pond_result_row(d->schema, at);

        code = is_wanted(d, row) ? dump_statement(d, row) : 0;
        code = code == 0 && !output_is_fine(&d->file.out) ? output_end(&d->file.out) : code;
    }
    return code == 0 ? new_file_commit(&d->file) : code;
}

/* ---- CSV ---- */

/* DIR/NAME.csv, without what a file's name cannot have, and what would hide it. */
static char *csv_path(const char *folder, const char *table)
{
    struct buf path = { 0 };
    int r = buf_printf(&path, "%s/", folder);

    for (const char *c = table; *c != '\0' && r == 0; c++) {
        bool plain = *c != '/' && *c != '%' && (unsigned char)*c >= ' ' && (*c != '.' || c > table);
        r = plain ? buf_append_byte(&path, (uint8_t)*c)
                  : buf_printf(&path, "%%%02X", (unsigned char)*c);
    }
    r = r == 0 ? buf_append_str(&path, ".csv") : r;
    if (r != 0) {
        buf_finish(&path);
        return NULL;
    }
    return buf_take_str(&path);
}

static int dump_table(struct dump *d, struct pond_row row, const char *path)
{
    int code = new_file_open(&d->file, path);

    code =
        code == 0 ? copy_rows(d, text_of(row, column_definition), " (FORMAT csv, HEADER)") : code;
    code = code == 0 ? new_file_commit(&d->file) : code;
    new_file_finish(&d->file);
    return code;
}

static int dump_csv(struct dump *d)
{
    const char *folder = d->settings->output;
    int code = 0;

    if (folder != NULL && mkdir(folder, 0777) != 0 && errno != EEXIST) {
        cli_complain("could not make the folder \"%s\": %s", folder, strerror(errno));
        return CLI_FAILED;
    }
    for (size_t at = 0; at < pond_result_rows(d->schema) && code == 0; at++) {
        struct pond_row row = pond_result_row(d->schema, at);

        if (!is_wanted(d, row) || !is_rows(text_of(row, column_definition))) {
            continue;
        }
        cleanup(mem_freep) char *path =
            folder == NULL ? mem_strdup("-") : csv_path(folder, text_of(row, column_name));
        code = path == NULL ? fail_memory() : dump_table(d, row, path);
    }
    return code;
}

/* ---- the command ---- */

/* The values' texts do not depend on who asks. */
static const char session_settings[] =
    "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'";

static int read_schema(struct dump *d, struct pond_error *error)
{
    int r = pond_exec(d->conn, session_settings, NULL, error);

    r = r == 0 ? pond_exec(d->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, error)
               : r;
    return r == 0 ? pond_query(d->conn, schema_query, POND_NONE, &d->schema, error) : r;
}

static int dump(struct dump *d)
{
    struct pond_error error = { 0 };

    if (read_schema(d, &error) != 0) {
        return cli_fail(&error);
    }
    int code = check_tables(d);
    progress_begin(d->cli, PROGRESS_BYTES, 0);
    if (code == 0) {
        code = d->settings->format == DUMP_CSV ? dump_csv(d) : dump_sql(d);
    }
    progress_end();
    return code == 0 && d->incomplete ? CLI_FAILED : code;
}

static int run(struct cli *cli, void *settings, int argc, char **argv)
{
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    cleanup(mem_freep) struct dump *d = mem_zalloc(sizeof(*d));

    (void)argc;
    if (d == NULL) {
        return fail_memory();
    }
    d->cli = cli;
    d->settings = settings;
    if (d->settings->format == DUMP_CSV && d->settings->output == NULL &&
        d->settings->tables.count != 1) {
        return cli_usage("CSV of several tables needs a folder: --output DIR");
    }
    int code = cli_connect(cli, argv[0], &conn);
    d->conn = conn;
    code = code == 0 ? dump(d) : code;
    pond_result_destroy(d->schema);
    new_file_finish(&d->file);
    return code;
}

const struct command cmd_dump = {
    .name = "dump",
    .arguments = "DB",
    .summary = "write a database as an SQL script, or its tables as CSV",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct dump_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
