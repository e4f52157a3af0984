/* client/cli/cmd_lease.c: pond lease: a database for the rest of a shell's life.
 *
 * A process in the background, the holder, owns it: it waits for the end of the shell, or of the
 * database. It tells its beginner through a pipe how it went: an exit code, and what the shell is
 * to evaluate. */
#include "base/fd.h"
#include "client/cli/caller.h"
#include "client/cli/clone.h"
#include "client/cli/cmd.h"
#include "client/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct lease_settings {
    const char *name;
    long pid; /* 0: the calling shell */
};

static const struct option_row options[] = {
    { "name", 'n', OPTION_TEXT, offsetof(struct lease_settings, name), "NAME",
      "the copy is DB~NAME (a random name)" },
    { "pid", 0, OPTION_NUMBER, offsetof(struct lease_settings, pid), "PID",
      "the process with whose end the lease ends (the calling shell)" },
};

/* ---- the holder ---- */

enum { kept_report = 3, kept_process, kept_count };

/* What is left of the beginner's descriptors are these two, and until all is well stderr. */
static int keep_descriptors(int report, int process)
{
    int copies[] = { fcntl(report, F_DUPFD, kept_count), fcntl(process, F_DUPFD, kept_count) };

    for (int i = 0; i < 2; i++) {
        if (copies[i] < 0 || dup3(copies[i], kept_report + i, O_CLOEXEC) < 0) {
            return -errno;
        }
    }
    return close_range(kept_count, ~0U, 0) == 0 ? 0 : -errno;
}

static void let_go_of(int first, int last)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = first; fd <= last; fd++) {
        dup2(null, fd);
    }
    close(null);
}

static int write_exports(const struct clone *clone)
{
    const struct place place = clone_place(clone);
    cleanup(environment_finish) struct environment environment = { .count = 0 };
    cleanup(buf_finish) struct buf text = { 0 };
    int r = environment_make(&place, &environment);

    r = r != 0 ? r : environment_add(&environment, "POND_LEASE", place.database);
    r = r != 0 ? r : buf_append_byte(&text, CLI_OK);
    r = r != 0 ? r : environment_exports(&environment, &text);
    if (r != 0) {
        return r;
    }
    /* it fits into the pipe */
    return write(kept_report, text.data, text.len) == (ssize_t)text.len ? 0 : -EPIPE;
}

struct holder {
    struct cli *cli;
    const char *database;
    const char *name;
};

static int hold(void *arg, struct pond_error *error)
{
    const struct holder *h = arg;
    struct clone clone = { 0 };
    int r = clone_open(h->cli, h->database, h->name, &clone, error);

    if (r == 0 && write_exports(&clone) != 0) {
        r = pond_error_set(error, POND_NOMEM, "could not hand over the lease");
    }
    if (r == 0) {
        close(kept_report);
        let_go_of(STDERR_FILENO, STDERR_FILENO);
        (void)!clone_await(&clone, kept_process, error);
    }
    (void)clone_end(&clone, NULL);
    return r;
}

/* Its own loop: that of the beginner is the beginner's. */
static int run_holder(struct cli *cli, const struct lease_settings *settings, const char *database,
                      int report, int process)
{
    struct holder holder = { .cli = cli, .database = database, .name = settings->name };
    struct pond_job task = { .fn = hold, .arg = &holder };
    struct pond_error error = { 0 };
    int code = CLI_OK;

    setsid();
    pond_loop_destroy(take_ptr(cli->loop));
    let_go_of(STDIN_FILENO, STDOUT_FILENO);
    if (keep_descriptors(report, process) != 0 || chdir("/") != 0) {
        cli_complain("could not start in the background: %m");
        return CLI_FAILED;
    }
    if (pond_loop_create(&cli->loop, &error) != 0 || pond_all(cli->loop, &task, 1, &error) != 0) {
        code = cli_fail(&error);
    }
    if (code != CLI_OK) {
        const char byte = (char)code;
        maybe_unused ssize_t n = write(kept_report, &byte, 1);
    }
    return code;
}

/* ---- its beginner ---- */

/* All that it says; 0 or an exit code after its message. */
static int read_report(int report, struct output *out)
{
    char text[4096];
    char code = CLI_FAILED;
    bool begun = false;
    ssize_t n;

    while ((n = read(report, text, sizeof(text))) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0 && !begun) {
            code = text[0];
            begun = true;
            output_write(out, text + 1, (size_t)n - 1);
        } else if (n > 0) {
            output_write(out, text, (size_t)n);
        }
    }
    if (!begun) {
        cli_complain("the process that was to hold the lease has ended");
    }
    return code;
}

/* Whoever cannot be told of a lease has none. */
static int hand_over(pid_t holder, int report)
{
    struct output out;

    output_init(&out, STDOUT_FILENO, "standard output");
    int code = read_report(report, &out);
    if (code == CLI_OK) {
        code = output_end(&out);
    }
    if (code != CLI_OK) {
        kill(holder, SIGTERM);
        waitpid(holder, NULL, 0);
    }
    return code;
}

static int open_process(const struct lease_settings *settings)
{
    if (settings->pid > INT_MAX) {
        cli_complain("process %ld: %s", settings->pid, strerror(ESRCH));
        return -1;
    }
    pid_t pid = settings->pid > 0 ? (pid_t)settings->pid : caller_shell();
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0) {
        cli_complain("process %d: %m", (int)pid);
    }
    return fd;
}

static int begin(struct cli *cli, const struct lease_settings *settings, const char *database)
{
    cleanup(fd_closep) int process = open_process(settings);
    int report[2];

    if (process < 0) {
        return CLI_FAILED;
    }
    if (pipe2(report, O_CLOEXEC) != 0) {
        cli_complain("could not make a pipe: %m");
        return CLI_FAILED;
    }
    pid_t holder = fork();
    if (holder == 0) {
        return run_holder(cli, settings, database, report[1], process);
    }
    close(report[1]);
    int code = CLI_FAILED;
    if (holder < 0) {
        cli_complain("could not start a process: %m");
    } else {
        code = hand_over(holder, report[0]);
    }
    close(report[0]);
    return code;
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    int code = begin(cli, arg, argv[0]);

    (void)argc;
    if (code != CLI_OK) {
        puts("false"); /* eval "" would be fine, and the script go on, with another database */
    }
    return code;
}

const struct command cmd_lease = {
    .name = "lease",
    .arguments = "DB",
    .summary = "give the calling shell a database of its own: eval \"$(pond lease DB)\"",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct lease_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
