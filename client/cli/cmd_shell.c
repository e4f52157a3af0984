/* client/cli/cmd_shell.c: statements from the terminal: psql, or where there is none a plain shell
 * that reads them line by line. */
#include "base/alloc.h"
#include "client/cli/cmd.h"
#include "client/cli/interrupt.h"
#include "client/cli/lines.h"
#include "client/cli/script.h"
#include "client/cli/show.h"

#include <errno.h>
#include <unistd.h>

struct shell_settings {
    bool plain;
};

static const struct option_row options[] = {
    { "plain", 0, OPTION_FLAG, offsetof(struct shell_settings, plain), NULL,
      "not psql, also where that is installed" },
};

struct shell {
    struct pond_conn *conn;
    struct lines lines;
    struct script script;
    bool prompts;
};

/* ---- psql ---- */

/* Returns only when it cannot be run: 0 when there is none, else an exit code after a message. */
static int become_psql(const struct cli *cli, const char *database)
{
    cleanup(mem_freep) char *conninfo = cli_conninfo(cli, database);

    if (conninfo == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    cli_set_defaults(cli);
    execlp("psql", "psql", conninfo, (char *)NULL);
    if (errno == ENOENT) {
        return 0;
    }
    cli_complain("could not run psql: %m");
    return CLI_FAILED;
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

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct shell_settings *settings = arg;
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    struct shell shell = { .prompts = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) };
    const char *database = argc > 0 ? argv[0] : NULL;
    int code = settings->plain ? 0 : become_psql(cli, database);

    code = code == 0 ? cli_connect(cli, database, &conn) : code;
    code = code == 0 ? lines_open(&shell.lines, "-") : code;
    if (code == 0) {
        shell.conn = conn;
        code = run_plain(&shell);
    }
    script_finish(&shell.script);
    lines_close(&shell.lines);
    return code;
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
