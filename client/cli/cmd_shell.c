/* client/cli/cmd_shell.c: statements from the terminal: psql, or where there is none a plain shell
 * that reads them line by line. On a private server psql is a child, for the server has to be ended
 * behind it. */
#include "base/alloc.h"
#include "client/cli/child.h"
#include "client/cli/cmd.h"
#include "client/cli/interrupt.h"
#include "client/cli/lines.h"
#include "client/cli/private_server.h"
#include "client/cli/script.h"
#include "client/cli/show.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

struct shell_settings {
    bool plain;
    const char *seed;
};

static const struct option_row options[] = {
    { "plain", 0, OPTION_FLAG, offsetof(struct shell_settings, plain), NULL,
      "not psql, also where that is installed" },
    { "seed", 's', OPTION_TEXT, offsetof(struct shell_settings, seed), "FILE",
      "start a private pondd, whose database this script or SQLite file makes" },
};

struct shell {
    struct pond_conn *conn;
    struct lines lines;
    struct script script;
    bool prompts;
};

/* ---- psql ---- */

enum { NO_PSQL = -1 };

static int fail_psql(void)
{
    cli_complain("could not run psql: %m");
    return CLI_FAILED;
}

/* Returns only when it cannot be run. */
static int become_psql(char *const argv[])
{
    execvp(argv[0], argv);
    return errno == ENOENT ? NO_PSQL : fail_psql();
}

/* ^C is psql's. */
static int await_psql(struct child *child)
{
    struct pollfd fds = { .fd = child->pidfd, .events = POLLIN };

    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    while (poll(&fds, 1, -1) < 0 && errno == EINTR) {
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    return child_reap(child);
}

static int call_psql(char *const argv[])
{
    struct child child = { 0 };
    int r = child_start(&(struct child_options){ .argv = argv, .fd = { 0, 1, 2 } }, &child);

    if (r == CHILD_NOT_FOUND) {
        return NO_PSQL;
    }
    errno = r < 0 ? -r : errno;
    return r != 0 ? fail_psql() : await_psql(&child);
}

/* Its exit code, or NO_PSQL. */
static int run_psql(const struct cli *cli, const char *database, bool as_child)
{
    cleanup(mem_freep) char *conninfo = cli_conninfo(cli, database);
    char psql[] = "psql";
    char *const argv[] = { psql, conninfo, NULL };

    if (conninfo == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    cli_set_defaults(cli);
    return as_child ? call_psql(argv) : become_psql(argv);
}

/* ---- the plain one ---- */

static void prompt(const struct shell *shell)
{
    if (shell->prompts) {
        bool inside = shell->script.text.len > 0 && !shell->script.complete;
        char transaction = pond_conn_status(shell->conn);

        printf("%s%c%s ", pond_conn_setting(shell->conn, "dbname"), inside ? '-' : '=',
               transaction == 'T'   ? "*>"
               : transaction == 'E' ? "!>"
                                    : ">");
        (void)fflush(stdout);
    }
}

/* What fails is told, and the shell goes on: unless there is nobody to talk to any more. */
static int run_statement(struct shell *shell)
{
    if (shell->script.copies) {
        cli_complain("rows cannot be typed in here; 'pond load' reads them from a file");
        return 0;
    }
    int code =
        show_answer(shell->conn, (const char *)shell->script.text.data, POND_NONE, FORMAT_TABLE);

    if (!pond_conn_is_open(shell->conn)) {
        return CLI_CONNECT;
    }
    return code == CLI_TIMEOUT || interrupt_seen() ? code : 0;
}

enum { SHELL_QUIT = -1 };

static int run_meta(struct view line)
{
    if (line.len >= 2 && line.data[1] == 'q') {
        return SHELL_QUIT;
    }
    cli_complain("the plain shell has no commands but \\q");
    return 0;
}

/* 0, SHELL_QUIT or an exit code. */
static int run_line(struct shell *shell, struct view line)
{
    int r;

    while ((r = script_read(&shell->script, shell->lines.number, &line)) == SCRIPT_STATEMENT) {
        int code = run_statement(shell);

        if (code != 0) {
            return code;
        }
    }
    if (r < 0) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    return r == SCRIPT_META ? run_meta(line) : 0;
}

static int run_rest(struct shell *shell)
{
    const char *open;

    return script_end(&shell->script, &open) == SCRIPT_STATEMENT && open == NULL
               ? run_statement(shell)
               : 0;
}

static int run_plain(struct shell *shell)
{
    struct view line;
    int code = 0;
    int more = LINES_LINE;

    while (code == 0 && more == LINES_LINE) {
        prompt(shell);
        more = lines_next(&shell->lines, &line);
        code = more == LINES_LINE ? run_line(shell, line) : more < 0 ? CLI_FAILED : 0;
    }
    if (shell->prompts && more == 0) {
        (void)putchar('\n');
    }
    return code == SHELL_QUIT ? 0 : code == 0 ? run_rest(shell) : code;
}

static int run_here(struct cli *cli, const char *database)
{
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    struct shell shell = { .prompts = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) };
    int code = cli_connect(cli, database, &conn);

    code = code == 0 ? lines_open(&shell.lines, "-") : code;
    if (code == 0) {
        shell.conn = conn;
        code = run_plain(&shell);
    }
    script_finish(&shell.script);
    lines_close(&shell.lines);
    return code;
}

static int run_on(struct cli *cli, const struct shell_settings *settings, const char *database)
{
    int code = settings->plain ? NO_PSQL : run_psql(cli, database, settings->seed != NULL);

    return code == NO_PSQL ? run_here(cli, database) : code;
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct shell_settings *settings = arg;
    cleanup(private_server_stop) struct private_server server = PRIVATE_SERVER_NONE;

    if (settings->seed == NULL) {
        return run_on(cli, settings, argc > 0 ? argv[0] : NULL);
    }
    if (argc > 0) {
        return cli_usage("the database of --seed has no name: there is no argument DB");
    }
    return private_server_start(cli, settings->seed, &server) == 0
               ? run_on(cli, settings, server.database)
               : CLI_FAILED;
}

const struct command cmd_shell = {
    .name = "shell",
    .arguments = "[DB]",
    .summary = "read statements from the terminal, by psql where it is installed",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct shell_settings),
    .most = 1,
    .run = run,
};
