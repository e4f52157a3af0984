/* client/cli/main.c: pond, the client's command. Finds the subcommand, reads the options, runs it.
 */
#include "base/alloc.h"
#include "client/cli/cmd.h"
#include "client/cli/interrupt.h"
#include "client/cli/output.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* One row each, in the order of --help. */
static const struct command *const commands[] = {
    &cmd_query,   &cmd_ping, &cmd_status, &cmd_run,   &cmd_lease,
    &cmd_release, &cmd_mark, &cmd_rewind, &cmd_reset, &cmd_clones,
    &cmd_load,    &cmd_dump, &cmd_save,   &cmd_shell, &cmd_passwd,
};

static const struct option_row common_options[] = {
    { "host", 'h', OPTION_TEXT, offsetof(struct cli_common, host), "HOST",
      "server's host, or the folder of its socket (PGHOST)" },
    { "port", 'p', OPTION_TEXT, offsetof(struct cli_common, port), "PORT",
      "server's port (PGPORT, 7432)" },
    { "user", 'U', OPTION_TEXT, offsetof(struct cli_common, user), "USER", "user (PGUSER)" },
    { "dbname", 'd', OPTION_TEXT, offsetof(struct cli_common, dbname), "DB",
      "database, connection string or URI (PGDATABASE)" },
    { "connect-timeout", 0, OPTION_SECONDS, offsetof(struct cli_common, connect_timeout_ms),
      "SECONDS", "how long to try to connect (10)" },
    { "timeout", 0, OPTION_SECONDS, offsetof(struct cli_common, timeout_ms), "SECONDS",
      "how long all statements may take together" },
    { "quiet", 'q', OPTION_FLAG, offsetof(struct cli_common, quiet), NULL,
      "nothing on stderr but errors" },
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

/* ---- help ---- */

static int end_stdout(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_complain("could not write to standard output: %m");
        return CLI_FAILED;
    }
    return CLI_OK;
}

static void print_common_options(void)
{
    printf("\nOptions of all commands:\n");
    options_print(stdout, common_options, ARRAY_LEN(common_options));
    printf("      --help\n      --version\n");
}

static int help(void)
{
    printf("usage: pond [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    print_common_options();
    printf("\n'pond COMMAND --help' says more about one; pond(1) all.\n"
           "Exit codes: 0 fine, 1 the SQL failed, 2 usage, 3 could not connect, 4 time-out.\n");
    return end_stdout();
}

static int help_with(const struct command *command)
{
    printf("usage: pond %s [OPTION]...%s%s\n\n%c%s.\n", command->name,
           command->arguments[0] == '\0' ? "" : " ", command->arguments,
           command->summary[0] - 'a' + 'A', command->summary + 1);
    if (command->option_count > 0) {
        printf("\nOptions:\n");
        options_print(stdout, command->options, command->option_count);
    }
    print_common_options();
    return end_stdout();
}

static int version(void)
{
    printf("pond " POND_VERSION "\n");
    return end_stdout();
}

/* ---- running ---- */

static int check_count(const struct command *command, int argc)
{
    if (argc < command->least) {
        return cli_usage("expected %s", command->arguments);
    }
    if (command->most >= 0 && argc > command->most) {
        return cli_usage("expected %s: there are %d arguments",
                         command->most == 0 ? "no arguments" : command->arguments, argc);
    }
    return CLI_OK;
}

static int run_on_loop(struct cli *cli, void *settings, int argc, char **argv)
{
    struct pond_error error = { 0 };

    if (pond_loop_create(&cli->loop, &error) != 0) {
        return cli_fail(&error);
    }
    int code = cli->command->run(cli, settings, argc, argv);
    pond_loop_destroy(take_ptr(cli->loop));
    return code;
}

/* Takes off what begins with the first --: an option cannot have it as its value. */
static int cut_words(int argc, char **argv, char ***ret_words)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            *ret_words = argv + i + 1;
            return i;
        }
    }
    return argc;
}

static int run_with(struct cli *cli, void *settings, int argc, char **argv)
{
    const struct command *command = cli->command;
    const struct option_set sets[] = {
        { command->options, command->option_count, settings },
        { common_options, ARRAY_LEN(common_options), &cli->common },
    };
    int first;

    if (command->runs_command) {
        argc = cut_words(argc, argv, &cli->words);
    }
    int r = options_read(argc, argv, sets, ARRAY_LEN(sets), false, &first);
    if (r == OPTIONS_HELP) {
        return help_with(command);
    } else if (r == OPTIONS_VERSION) {
        return version();
    } else if (r == 0) {
        r = check_count(command, argc - first);
    }
    if (r != 0) {
        return command->usage_code != 0 ? command->usage_code : CLI_USAGE;
    }
    return run_on_loop(cli, settings, argc - first, argv + first);
}

static int run_command(struct cli *cli, int argc, char **argv)
{
    cli->command = find_command(argv[0]);
    if (cli->command == NULL) {
        return cli_usage("%s: no such command", argv[0]);
    }
    cli_set_command(cli->command->name);
    cleanup(mem_freep) void *settings = mem_zalloc(cli->command->settings_bytes + 1);
    if (settings == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    int code = run_with(cli, settings, argc, argv);
    options_finish(
        &(struct option_set){ cli->command->options, cli->command->option_count, settings });
    return code;
}

/* Else a socket would get the number of an output that is closed, and be written to. Reading and
 * writing still fail. */
static void keep_standard_numbers(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            maybe_unused int got = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

int main(int argc, char *argv[])
{
    struct cli cli = { .common = { .connect_timeout_ms = -1 } };
    const struct option_set common = { common_options, ARRAY_LEN(common_options), &cli.common };
    int first;
    int r = options_read(argc, argv, &common, 1, true, &first);
    int code;

    keep_standard_numbers();
    if (r == OPTIONS_HELP) {
        code = help();
    } else if (r == OPTIONS_VERSION) {
        code = version();
    } else if (r < 0) {
        code = CLI_USAGE;
    } else if (first == argc) {
        code = cli_usage("expected a command");
    } else {
        code = run_command(&cli, argc - first, argv + first);
    }
    interrupt_end();
    return code;
}
