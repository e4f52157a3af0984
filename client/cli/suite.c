/* client/cli/suite.c: see suite.h.
 *
 * Each of the N places is a task that takes one item after the other. What a command writes goes
 * into a file without a name, of which a failed one is quoted. Its standard input is empty, and it
 * has a process group of its own: ^C comes to it through us. */
#include "client/cli/suite.h"

#include "async/await.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "client/cli/job.h"
#include "client/cli/signals.h"
#include "client/cli/slurp.h"
#include "client/cli/suite_item.h"
#include "client/cli/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { places_most = 1000 };

struct suite {
    const struct suite_options *options;
    char **items;
    size_t count;
    size_t next;
    size_t running;    /* tasks that may take an item */
    struct job **jobs; /* of each place; NULL: none at the moment */
    struct signals signals;
    int stopped_by; /* a signal */
    bool gives_up;  /* no more items: something of our own has failed */
    char why[128];
    struct tap tap;
    struct output out;
};

struct place_of_suite {
    struct suite *suite;
    size_t index;
};

static int64_t now_us(void)
{
    return clock_now_us(&clock_system);
}

/* ---- one item ---- */

/* Without a name from the beginning where the file system can; else it loses it at once. */
static int open_nameless(void)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];

    folder = folder == NULL || folder[0] == '\0' ? "/tmp" : folder;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        return fd;
    }
    snprintf(path, sizeof(path), "%s/pond.XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

/* It is told at the end: what runs already still has its say. */
static void give_up(struct suite *suite, const char *why)
{
    if (!suite->gives_up) {
        suite->gives_up = true;
        snprintf(suite->why, sizeof(suite->why), "%.120s", why);
    }
}

static void note_error(struct suite *suite, const struct pond_error *error)
{
    bool has_state = error->sqlstate[0] != '\0';

    tap_note(&suite->tap, "%s%s%s%s", error->message, has_state ? " (" : "", error->sqlstate,
             has_state ? ")" : "");
    if (error->detail[0] != '\0') {
        tap_note(&suite->tap, "DETAIL:  %s", error->detail);
    }
    if (error->hint[0] != '\0') {
        tap_note(&suite->tap, "HINT:  %s", error->hint);
    }
}

static void tell_failure(struct suite *suite, const struct job *job, int fd, int64_t took_us)
{
    const double took_ms = (double)took_us / 1000;
    const char *by = job->code > 128 ? sigabbrev_np(job->code - 128) : NULL;

    if (job->message[0] != '\0') {
        tap_note(&suite->tap, "%s", job->message);
    } else if (job->error.kind != 0) {
        note_error(suite, &job->error);
    } else if (by != NULL) {
        tap_note(&suite->tap, "ended by SIG%s after %.1f ms", by, took_ms);
    } else {
        tap_note(&suite->tap, "exit code %d after %.1f ms", job->code, took_ms);
    }
    if (job->kept[0] != '\0') {
        tap_note(&suite->tap, "%s", job->kept);
    }
    tap_file(&suite->tap, fd);
}

/* Nothing is told of what was stopped before it began. */
static void tell(struct suite *suite, const struct job *job, const char *item, int fd,
                 int64_t took_us)
{
    bool ok = job->end == JOB_RAN && job->code == 0;

    if (job->end == JOB_STOPPED) {
        return;
    }
    tap_test(&suite->tap, ok, item);
    if (!ok) {
        tell_failure(suite, job, fd, took_us);
    }
    if (job->end != JOB_RAN) {
        give_up(suite, job->message[0] != '\0' ? job->message : job->error.message);
    }
    output_flush(&suite->out);
    if (suite->out.error != 0) {
        give_up(suite, "could not write to standard output");
    }
}

static void run_words(struct suite *suite, size_t place, const char *item, char **words)
{
    const struct suite_options *o = suite->options;
    cleanup(fd_closep) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cleanup(fd_closep) int fd = open_nameless();

    if (nothing < 0 || fd < 0) {
        cli_complain("could not open a temporary file: %m");
        give_up(suite, "could not open a temporary file");
        return;
    }
    const struct job_options options = {
        .cli = o->cli,
        .database = o->database,
        .argv = words,
        .mask = &suite->signals.before,
        .fd = { nothing, fd, fd },
        .own_group = true,
        .outlives_news = true,
        .keep_on_failure = o->keep_on_failure,
    };
    struct job job = { .options = &options };
    int64_t begin_us = now_us();
    suite->jobs[place] = &job;
    (void)job_run(&job);
    suite->jobs[place] = NULL;
    tell(suite, &job, item, fd, now_us() - begin_us);
}

static void run_item(struct suite *suite, size_t place, const char *item)
{
    cleanup(mem_freep) char **words =
        suite_words(suite->options->command, item, suite->options->files[0] != NULL);

    if (words == NULL) {
        cli_complain("out of memory");
        give_up(suite, "out of memory");
        return;
    }
    run_words(suite, place, item, words);
}

/* ---- all of them ---- */

/* The last one's error ends the task of the signals. */
static int serve_place(void *arg, struct pond_error *error)
{
    const struct place_of_suite *place = arg;
    struct suite *suite = place->suite;

    while (suite->next < suite->count && suite->stopped_by == 0 && !suite->gives_up) {
        run_item(suite, place->index, suite->items[suite->next++]);
    }
    return --suite->running > 0 ? 0 : pond_error_set(error, POND_APP, "all have ended");
}

static int pass_signals(void *arg, struct pond_error *error)
{
    struct suite *suite = arg;
    struct signals_came came;

    (void)error;
    while (signals_await(&suite->signals, &came) == 0) {
        if (!signals_is_news(came.number)) {
            suite->stopped_by = came.number;
        }
        for (size_t i = 0; i < suite->options->jobs; i++) {
            if (suite->jobs[i] != NULL) {
                job_signal(suite->jobs[i], came.number);
            }
        }
    }
    return 0;
}

static int run_places(struct suite *suite)
{
    size_t count = suite->options->jobs;
    cleanup(mem_freep) struct pond_job *tasks = mem_zalloc((count + 1) * sizeof(*tasks));
    cleanup(mem_freep) struct place_of_suite *places = mem_zalloc(count * sizeof(*places));
    struct pond_error error = { 0 };

    suite->jobs = mem_zalloc(count * sizeof(struct job *));
    if (tasks == NULL || places == NULL || suite->jobs == NULL) {
        return -ENOMEM;
    }
    suite->running = count;
    for (size_t i = 0; i < count; i++) {
        places[i] = (struct place_of_suite){ .suite = suite, .index = i };
        tasks[i] = (struct pond_job){ .fn = serve_place, .arg = &places[i] };
    }
    tasks[count] = (struct pond_job){ .fn = pass_signals, .arg = suite };
    int r = pond_all(suite->options->cli->loop, tasks, count + 1, &error);
    mem_free(take_ptr(suite->jobs));
    return r == POND_APP ? 0 : -ENOMEM;
}

static int end(struct suite *suite, int64_t took_us)
{
    struct tap *tap = &suite->tap;

    if (suite->stopped_by != 0) {
        give_up(suite, sigdescr_np(suite->stopped_by));
    }
    if (suite->gives_up) {
        tap_bail_out(tap, suite->why);
    }
    tap_note(tap, "%zu commands: %zu passed, %zu failed, %zu not run; %.2f s", suite->count,
             tap->number - tap->failed, tap->failed, suite->count - tap->number,
             (double)took_us / 1e6);
    if (output_end(&suite->out) != 0) {
        return CLI_OWN;
    }
    return suite->stopped_by != 0 ? 128 + suite->stopped_by
           : suite->gives_up      ? CLI_OWN
           : tap->failed > 0      ? CLI_FAILED
                                  : CLI_OK;
}

static int run_items(struct suite *suite)
{
    int64_t begin_us = now_us();

    if (signals_take(&suite->signals) != 0) {
        cli_complain("could not take signals: %m");
        return CLI_OWN;
    }
    output_init(&suite->out, STDOUT_FILENO, "standard output");
    tap_begin(&suite->tap, &suite->out, suite->count);
    output_flush(&suite->out);
    int r = suite->count == 0 ? 0 : run_places(suite);
    if (r != 0) {
        cli_complain("%s", strerror(-r));
        give_up(suite, strerror(-r));
    }
    int code = end(suite, now_us() - begin_us);
    signals_give_back(&suite->signals);
    return code;
}

static int fail_memory(void)
{
    cli_complain("out of memory");
    return CLI_OWN;
}

int suite_run(const struct suite_options *given)
{
    struct suite_options options = *given;
    cleanup(mem_freep) struct suite *suite = mem_zalloc(sizeof(*suite));
    cleanup(buf_finish) struct buf text = { 0 };
    cleanup(mem_freep) char **lines = NULL;

    if (suite == NULL) {
        return fail_memory();
    }
    suite->options = &options;
    suite->signals.fd = -1;
    suite->items = options.files;
    while (options.files[suite->count] != NULL) {
        suite->count++;
    }
    if (suite->count == 0) {
        if (slurp_text("-", &text) != 0) {
            return CLI_OWN;
        }
        lines = suite_lines((char *)text.data, &suite->count);
        if (lines == NULL) {
            return fail_memory();
        }
        suite->items = lines;
    }
    size_t most = suite->count < places_most ? suite->count : places_most;
    options.jobs = options.jobs < most ? options.jobs : most;
    return run_items(suite);
}
