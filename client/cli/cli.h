/* client/cli/cli.h: what the subcommands of `pond` share.
 *
 * A subcommand is a file cmd_NAME.c that shows one struct command, and a row for it in main.c. Its
 * run() gives the exit code, after a message on stderr when that is not 0. A command is
 * straight-line code of blocking calls on cli->loop. */
#pragma once

#include "client/cli/option.h"
#include "client/pond.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* the SQL failed, or a file */
    CLI_USAGE = 2,
    CLI_CONNECT = 3, /* no connection, it was lost, or it speaks no PostgreSQL */
    CLI_TIMEOUT = 4,
    CLI_OWN = 125, /* pond run: its own failure, not that of the command that it runs */
};

/* The options that all commands have. */
struct cli_common {
    const char *host;
    const char *port;
    const char *user;
    const char *dbname;
    int64_t connect_timeout_ms; /* -1: not given */
    int64_t timeout_ms;         /* 0: none */
    bool quiet;
};

struct command;

struct cli {
    const struct command *command;
    struct cli_common common;
    struct pond_loop *loop;
    char **words; /* of the command to be run, and NULL; NULL: there was no -- */
};

struct command {
    const char *name;
    const char *arguments; /* as --help shows them after the options */
    const char *summary;   /* one line, no full stop */
    const struct option_row *options;
    size_t option_count;
    size_t settings_bytes; /* the object that the options fill; it starts as zero bytes */
    bool runs_command;     /* what follows a -- is cli->words, a command to be run */
    int usage_code;        /* of a wrong command line; 0: CLI_USAGE */
    int least;             /* how many arguments there must be */
    int most;              /* -1: any number */
    /* settings is the object of settings_bytes; argv[argc] is NULL. */
    int (*run)(struct cli *cli, void *settings, int argc, char **argv);
};

/* ---- connect.c ---- */

/* The connection string for `database`, which is a name, a connection string or a URI; NULL: as
 * --dbname and the environment say. Options of the command line win over what is in it. The
 * caller's own (mem_free); NULL: no memory. */
must_check char *cli_conninfo(const struct cli *cli, const char *database);

/* The same with more words, which win over all others; one without a value is skipped. */
struct cli_word {
    const char *name;
    const char *value;
};
must_check char *cli_conninfo_with(const struct cli *cli, const char *database,
                                   const struct cli_word *words, size_t count);

/* For commands that any database will do: one that every server has, unless somebody has said which
 * (then NULL), and not one with the user's name. */
const char *cli_any_database(const struct cli *cli);

/* Whether `database` is right by itself. 0 or a kind. */
must_check int cli_check(const struct cli *cli, const char *database, struct pond_error *error);

/* Puts the command's own defaults into the environment, where a connection string looks last. */
void cli_set_defaults(const struct cli *cli);
/* Takes them out again, for a program that is to be started. */
void cli_unset_defaults(void);

/* As cli_open() does, by a whole connection string and without the watch for ^C: for who takes
 * signals himself. */
must_check int cli_dial(struct cli *cli, const char *conninfo, struct pond_conn **ret_conn,
                        struct pond_error *error);

/* Opens a connection on cli->loop with the deadline of --timeout. Notices go to stderr unless
 * --quiet. Until cli_disconnect() ^C cancels what it runs: see interrupt.h. 0 or a kind, without a
 * message. */
must_check int cli_open(struct cli *cli, const char *database, struct pond_conn **ret_conn,
                        struct pond_error *error);

/* The same with a message: 0 or an exit code. */
must_check int cli_connect(struct cli *cli, const char *database, struct pond_conn **ret_conn);

/* NULL is fine. */
void cli_disconnect(struct pond_conn *conn);

/* For cleanup(). */
static inline void cli_disconnectp(struct pond_conn **conn)
{
    cli_disconnect(*conn);
}
static inline void cli_result_destroyp(struct pond_result **result)
{
    pond_result_destroy(*result);
}

/* ---- fail.c ---- */

/* Whose messages they are; NULL: pond's own. */
void cli_set_command(const char *name);

/* One line on stderr that begins with "pond COMMAND: ". */
void cli_complain(const char *format, ...) printf_like(1, 2);

/* The same, with a hint at --help; gives CLI_USAGE. */
int cli_usage(const char *format, ...) printf_like(1, 2);

/* Says what has failed, with SQLSTATE, detail and hint, and gives the exit code for it. */
int cli_fail(const struct pond_error *error);
/* The same with the line of `sql` (may be NULL) that error->position is in. */
int cli_fail_in(const struct pond_error *error, const char *sql);
/* A server's text on stderr: what a terminal would obey is escaped. */
void cli_put_text(const char *text);
/* Only the exit code. */
int cli_exit_code(const struct pond_error *error);
