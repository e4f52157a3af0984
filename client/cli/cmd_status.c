/* client/cli/cmd_status.c: what a pondd does now: pools, named clones, connections. */
#include "base/buf.h"
#include "client/cli/cmd.h"
#include "client/cli/format.h"
#include "client/cli/interrupt.h"
#include "client/cli/screen.h"
#include "client/cli/terminal.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* A database that every pondd has, so that nobody who waits for one of his own is in the way. */
#define USUAL_DATABASE "postgres"

enum {
    usual_interval_ms = 2000,
    patience_ms = 10000, /* for one answer */
};

struct status_settings {
    bool watch;
    int64_t interval_ms; /* 0: the usual one */
};

static const struct option_row options[] = {
    { "watch", 'w', OPTION_FLAG, offsetof(struct status_settings, watch), NULL,
      "draw it again and again, until q or ^C" },
    { "interval", 'i', OPTION_SECONDS, offsetof(struct status_settings, interval_ms), "SECONDS",
      "how often (2)" },
};

/* A statement for the first line, then one for each table. */
static const char *const titles[] = { "Databases", "Named clones", "Connections" };
static const char statements[] =
    "SELECT pg_size_pretty(pond_memory()) AS memory, count(*) - 1 AS connections,"
    " coalesce(sum(CASE WHEN wait_event = 'session' THEN 1 END), 0) AS waiting"
    " FROM pg_stat_activity;"
    "SELECT datname AS database, in_use AS \"in use\", idle, waiting,"
    " longest_wait_ms AS \"longest wait, ms\", nullif(pool_size, 0) AS \"limit\", leases, created,"
    " timed_out AS \"timed out\", clones, pg_size_pretty(clone_bytes) AS \"their memory\""
    " FROM pond_pools WHERE leases > 0 OR in_use > 0 OR idle > 0 OR waiting > 0 OR clones > 0"
    " OR datname NOT IN ('postgres', 'template0', 'template1') ORDER BY datname;"
    "SELECT d.datname AS clone, r.rolname AS owner, count(s.pid) AS connections,"
    " pg_size_pretty(pg_database_size(d.oid)) AS memory FROM pg_database d"
    " LEFT JOIN pg_roles r ON r.oid = d.datdba LEFT JOIN pg_stat_activity s ON s.datid = d.oid"
    " WHERE d.oid NOT IN (SELECT datid FROM pond_pools)"
    " GROUP BY d.oid, d.datname, r.rolname ORDER BY d.datname;"
    "SELECT pid, datname AS database, usename AS \"user\", application_name AS application,"
    " coalesce(wait_event, state) AS state,"
    " extract(epoch FROM now() - state_change)::int8 AS seconds, query FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() ORDER BY coalesce(wait_event = 'session', false) DESC,"
    " coalesce(state = 'active', false) DESC, pid";

/* ---- one block ---- */

static int put_table(struct format *format, const char *title, const struct pond_result *result,
                     struct pond_error *error)
{
    size_t count = pond_result_rows(result);
    int r = 0;

    output_printf(format->out, "\n%s: %zu\n", title, count);
    if (count == 0) {
        return 0;
    }
    r = format_begin(format, pond_result_row(result, 0), error);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = format_row(format, pond_result_row(result, i), error);
    }
    return r != 0 ? r : format_end(format, error);
}

static const char *text_of(struct pond_row row, size_t column)
{
    const char *text;

    return pond_row_text(row, column, &text, NULL) == 0 ? text : "";
}

static void put_first_line(struct output *out, const struct pond_conn *conn,
                           const struct pond_result *result)
{
    const struct pond_row row = pond_result_row(result, 0);
    char clock[16] = "";
    struct tm now;
    time_t t = time(NULL);

    if (localtime_r(&t, &now) != NULL) {
        strftime(clock, sizeof(clock), "%H:%M:%S", &now);
    }
    output_printf(out, "%s  pondd at %s, port %s: %s in use, connections: %s, waiting: %s\n", clock,
                  pond_conn_setting(conn, "host"), pond_conn_setting(conn, "port"), text_of(row, 0),
                  text_of(row, 1), text_of(row, 2));
}

static int put_results(struct output *out, int width, const struct pond_conn *conn,
                       const struct pond_result *result, struct pond_error *error)
{
    struct format format;
    int r = 0;

    format_init(&format, FORMAT_TABLE, out, NULL);
    format.terminal_width = width;
    format.bare = true;
    put_first_line(out, conn, result);
    result = pond_result_next(result);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(titles) && result != NULL; i++) {
        r = put_table(&format, titles[i], result, error);
        result = pond_result_next(result);
    }
    format_finish(&format);
    return r;
}

static int put_block(struct output *out, int width, struct pond_conn *conn,
                     struct pond_error *error)
{
    cleanup(cli_result_destroyp) struct pond_result *result = NULL;
    int r = pond_exec(conn, statements, &result, error);

    return r != 0 ? r : put_results(out, width, conn, result, error);
}

static int fail(const struct pond_error *error)
{
    if (interrupt_seen()) {
        return CLI_FAILED;
    }
    if (strcmp(error->sqlstate, "42883") == 0 || strcmp(error->sqlstate, "42P01") == 0) {
        cli_complain("the server is no pondd, or an older one: %s", error->message);
        return CLI_FAILED;
    }
    return cli_fail(error);
}

static int show_once(struct pond_conn *conn)
{
    static struct output out;
    struct pond_error error = { 0 };

    output_init(&out, STDOUT_FILENO, "standard output");
    int r = put_block(&out, terminal_width(), conn, &error);
    int code = output_end(&out);
    return r != 0 ? fail(&error) : code;
}

/* ---- again and again ---- */

static int draw(struct pond_conn *conn)
{
    static struct output out;
    cleanup(buf_finish) struct buf text = { 0 };
    struct pond_error error = { 0 };

    output_init_memory(&out, &text);
    if (put_block(&out, terminal_width(), conn, &error) != 0) {
        screen_close();
        return fail(&error);
    }
    output_flush(&out);
    int r = screen_draw(buf_view(&text));
    if (r < 0) {
        screen_close();
        cli_complain("could not write to standard output: %s", strerror(-r));
    }
    return r == 0 ? CLI_OK : CLI_FAILED;
}

static int watch_screen(struct pond_conn *conn, int64_t interval_ms)
{
    int code, key = 0;

    screen_open();
    do {
        code = draw(conn);
        if (code == CLI_OK) {
            key = screen_wait_key(interval_ms);
        }
    } while (code == CLI_OK && key != 'q' && key != SCREEN_END && !interrupt_seen());
    screen_close();
    return code;
}

static int watch_blocks(struct pond_conn *conn, int64_t interval_ms)
{
    int code;

    while ((code = show_once(conn)) == CLI_OK && !interrupt_seen()) {
        interrupt_wait(interval_ms);
        if (interrupt_seen()) {
            break;
        }
        maybe_unused ssize_t n = write(STDOUT_FILENO, "\n", 1); /* a failure tells itself next */
    }
    return code;
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct status_settings *settings = arg;
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    int64_t interval_ms = settings->interval_ms > 0 ? settings->interval_ms : usual_interval_ms;
    const char *database = argc > 0                     ? argv[0]
                           : cli->common.dbname != NULL ? cli->common.dbname
                                                        : USUAL_DATABASE;
    int code = cli_connect(cli, database, &conn);

    if (code != CLI_OK) {
        return code;
    }
    pond_conn_set_timeout(conn, patience_ms);
    if (!settings->watch) {
        return show_once(conn);
    }
    return isatty(STDOUT_FILENO) ? watch_screen(conn, interval_ms)
                                 : watch_blocks(conn, interval_ms);
}

const struct command cmd_status = {
    .name = "status",
    .arguments = "[DB]",
    .summary = "show pools, named clones and connections",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct status_settings),
    .most = 1,
    .run = run,
};
