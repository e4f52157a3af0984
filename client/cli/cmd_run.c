/* client/cli/cmd_run.c: pond run: a command, or each of many, with a database of its own. */
#include "client/cli/cmd.h"
#include "client/cli/job.h"
#include "client/cli/private_server.h"
#include "client/cli/signals.h"
#include "client/cli/suite.h"

#include <string.h>

struct run_settings {
    const char *name;
    bool keep_on_failure;
    long jobs; /* 0: one command */
    const char *seed;
};

static const struct option_row options[] = {
    { "name", 'n', OPTION_TEXT, offsetof(struct run_settings, name), "NAME",
      "the copy is DB~NAME (a random name)" },
    { "keep-on-failure", 'k', OPTION_FLAG, offsetof(struct run_settings, keep_on_failure), NULL,
      "the copy stays when the command fails" },
    { "jobs", 'j', OPTION_NUMBER, offsetof(struct run_settings, jobs), "N",
      "run a command for each FILE, or line of standard input, N at a time" },
    { "seed", 's', OPTION_TEXT, offsetof(struct run_settings, seed), "FILE",
      "start a private pondd, whose database this script or SQLite file makes" },
};

/* ---- one command ---- */

struct single {
    struct job job;
    struct signals *signals;
    int stopped_by;
};

/* The error ends the other task. */
static int run_job(void *arg, struct pond_error *error)
{
    struct single *single = arg;

    (void)job_run(&single->job);
    return pond_error_set(error, POND_APP, "the command has ended");
}

static int pass_signals(void *arg, struct pond_error *error)
{
    struct single *single = arg;
    struct signals_came came;

    (void)error;
    while (signals_await(single->signals, &came) == 0) {
        single->stopped_by = came.number;
        if (!came.by_terminal || single->job.child.pid == 0) {
            job_signal(&single->job, came.number);
        }
    }
    return 0;
}

static int tell(const struct single *single)
{
    const struct job *job = &single->job;

    if (job->end == JOB_STOPPED) {
        return 128 + single->stopped_by;
    }
    if (job->message[0] != '\0') {
        cli_complain("%s", job->message);
    } else if (job->end != JOB_RAN) {
        (void)cli_fail(&job->error);
    }
    if (job->kept[0] != '\0') {
        cli_complain("%s", job->kept);
    }
    return job->end == JOB_RAN ? job->code : CLI_OWN;
}

static int run_single(struct cli *cli, const struct run_settings *settings, const char *database)
{
    struct signals signals = { .fd = -1 };
    const struct job_options job_options = {
        .cli = cli,
        .database = database,
        .name = settings->name,
        .argv = cli->words,
        .mask = &signals.before,
        .fd = { 0, 1, 2 },
        .keep_on_failure = settings->keep_on_failure,
    };
    struct single single = { .job.options = &job_options, .signals = &signals };
    struct pond_job tasks[] = { { .fn = run_job, .arg = &single },
                                { .fn = pass_signals, .arg = &single } };
    struct pond_error ended = { 0 };

    if (signals_take(&signals) != 0) {
        cli_complain("could not take signals: %m");
        return CLI_OWN;
    }
    if (pond_all(cli->loop, tasks, ARRAY_LEN(tasks), &ended) != POND_APP) {
        single.job.end = JOB_FAILED;
        single.job.error = ended;
    }
    if (single.job.end == JOB_STOPPED && single.stopped_by == 0) {
        struct signals_came came;
        single.stopped_by = signals_read(&signals, &came) ? came.number : SIGTERM;
    }
    signals_give_back(&signals);
    return tell(&single);
}

/* ---- the command line ---- */

static int check(const struct cli *cli, const struct run_settings *settings, int argc)
{
    const char *wrong = NULL;
    int least = settings->seed == NULL;

    if (argc < least) {
        wrong = "expected DB";
    } else if (settings->jobs == 0 && (cli->words == NULL || cli->words[0] == NULL)) {
        wrong = "expected -- and a command";
    } else if (settings->jobs == 0 && argc > least) {
        wrong = "there are arguments behind DB; the command stands behind a --, and many files "
                "need --jobs";
    } else if (settings->jobs > 0 && settings->name != NULL) {
        wrong = "--name is for one copy, and --jobs makes many";
    } else if (settings->seed != NULL && settings->keep_on_failure) {
        wrong = "--keep-on-failure needs a pondd that stays; that of --seed ends with the command";
    }
    if (wrong != NULL) {
        (void)cli_usage("%s", wrong);
    }
    return wrong == NULL ? 0 : CLI_OWN;
}

static int run_on(struct cli *cli, const struct run_settings *settings, const char *database,
                  char **files)
{
    if (settings->jobs == 0) {
        return run_single(cli, settings, database);
    }
    return suite_run(&(struct suite_options){
        .cli = cli,
        .database = database,
        .jobs = (size_t)settings->jobs,
        .files = files,
        .command = cli->words,
        .keep_on_failure = settings->keep_on_failure,
    });
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct run_settings *settings = arg;
    cleanup(private_server_stop) struct private_server server = PRIVATE_SERVER_NONE;

    if (check(cli, settings, argc) != 0) {
        return CLI_OWN;
    }
    if (settings->seed == NULL) {
        return run_on(cli, settings, argv[0], argv + 1);
    }
    if (private_server_start(cli, settings->seed, &server) != 0) {
        return CLI_OWN;
    }
    return run_on(cli, settings, server.database, argv);
}

const struct command cmd_run = {
    .name = "run",
    .arguments = "DB [FILE]... -- COMMAND...",
    .summary = "run a command with a database of its own",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct run_settings),
    .runs_command = true,
    .usage_code = CLI_OWN,
    .most = -1,
    .run = run,
};
