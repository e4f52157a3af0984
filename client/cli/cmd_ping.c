/* client/cli/cmd_ping.c: is the server there? Ready means that a query was answered. */
#include "client/cli/cmd.h"
#include "client/cli/output.h"

#include <time.h>
#include <unistd.h>

enum {
    attempt_ms = 3000,   /* one of several: a server that has just come up is asked anew */
    patience_ms = 10000, /* for the answer, when nothing else was said */
};

struct ping_settings {
    int64_t wait_ms; /* 0: one attempt */
};

static const struct option_row options[] = {
    { "wait", 'w', OPTION_SECONDS, offsetof(struct ping_settings, wait_ms), "SECONDS",
      "try again until it is ready, so long at most" },
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int ask(struct cli *cli, const char *database, struct pond_error *error)
{
    cleanup(cli_disconnectp) struct pond_conn *conn = NULL;
    int r = cli_open(cli, database, &conn, error);

    return r == 0 ? pond_exec(conn, "SELECT 1", NULL, error) : r;
}

/* Neither the connecting nor the query may take longer than what is left. */
static void limit_attempt(struct cli_common *common, const struct cli_common *given,
                          int64_t left_ms)
{
    *common = *given;
    if (common->timeout_ms == 0 || common->timeout_ms > left_ms) {
        common->timeout_ms = left_ms;
    }
    if (common->connect_timeout_ms < 0) {
        common->connect_timeout_ms = attempt_ms;
    }
    if (common->connect_timeout_ms == 0 || common->connect_timeout_ms > left_ms) {
        common->connect_timeout_ms = left_ms;
    }
}

static void pause_ms(int64_t ms)
{
    const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&t, NULL);
}

static int wait_until_ready(struct cli *cli, const char *database, int64_t wait_ms,
                            struct pond_error *error)
{
    enum { first_pause_ms = 20, longest_pause_ms = 500 };
    const struct cli_common given = cli->common;
    int64_t end = now_ms() + wait_ms, pause = first_pause_ms;
    int r;

    for (;;) {
        int64_t left = end - now_ms();

        limit_attempt(&cli->common, &given, left > 1 ? left : 1);
        r = ask(cli, database, error);
        left = end - now_ms();
        if (r == 0 || r == POND_USAGE || r == POND_NOMEM || left <= 0) {
            break;
        }
        pause_ms(pause < left ? pause : left);
        pause = pause * 2 < longest_pause_ms ? pause * 2 : longest_pause_ms;
    }
    cli->common = given;
    return r;
}

static int say_ready(int64_t ms)
{
    struct output out;

    output_init(&out, STDOUT_FILENO, "standard output");
    output_printf(&out, "ready after %lld ms\n", (long long)ms);
    return output_end(&out);
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct ping_settings *settings = arg;
    const char *database = argc > 0 ? argv[0] : cli_any_database(cli);
    struct pond_error error = { 0 };
    int64_t begin = now_ms();

    if (cli->common.timeout_ms == 0) {
        cli->common.timeout_ms = patience_ms;
    }
    int r = settings->wait_ms > 0 ? wait_until_ready(cli, database, settings->wait_ms, &error)
                                  : ask(cli, database, &error);

    if (cli->common.quiet) {
        return r == 0 ? CLI_OK : cli_exit_code(&error);
    }
    return r == 0 ? say_ready(now_ms() - begin) : cli_fail(&error);
}

const struct command cmd_ping = {
    .name = "ping",
    .arguments = "[DB]",
    .summary = "tell whether the server answers queries",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct ping_settings),
    .most = 1,
    .run = run,
};
