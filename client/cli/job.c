/* client/cli/job.c: see job.h. */
#include "client/cli/job.h"

#include "async/await.h"
#include "async/task.h"
#include "base/alloc.h"
#include "client/cli/signals.h"

#include <errno.h>
#include <string.h>

enum { grace_s = 10, stopped_reason = 3 };

static void fail(struct job *job, enum job_end end, const char *what, int error)
{
    job->end = end;
    snprintf(job->message, sizeof(job->message), "%s: %s", what, strerror(error));
}

/* ---- the program ---- */

/* 0 when it runs. */
static int start(struct job *job, struct clone *clone)
{
    extern char **environ;
    const struct job_options *o = job->options;
    const struct place place = clone_place(clone);
    cleanup(environment_finish) struct environment environment = { .count = 0 };

    if (environment_make(&place, &environment) != 0) {
        fail(job, JOB_FAILED, "could not set the environment", ENOMEM);
        return -ENOMEM;
    }
    cli_unset_defaults();
    cleanup(mem_freep) char **envp = environment_over(&environment, environ);
    if (envp == NULL) {
        fail(job, JOB_FAILED, "could not set the environment", ENOMEM);
        return -ENOMEM;
    }
    const struct child_options options = {
        .argv = o->argv,
        .envp = envp,
        .mask = o->mask,
        .own_group = o->own_group,
        .fd = { o->fd[0], o->fd[1], o->fd[2] },
    };
    int r = child_start(&options, &job->child);
    if (r > 0) {
        job->code = r;
        fail(job, JOB_RAN, o->argv[0], errno);
    } else if (r < 0) {
        fail(job, JOB_FAILED, "could not start the command", -r);
    }
    return r;
}

/* Whoever does not end when told to is killed. */
static void end_child(struct job *job)
{
    int64_t until_us = clock_after_us(&clock_system, grace_s * 1000000);

    child_signal(&job->child, SIGTERM);
    if (await_readable(job->child.pidfd, until_us) != 0) {
        child_signal(&job->child, SIGKILL);
    }
}

static void watch_child(struct job *job, struct clone *clone)
{
    int r = clone_await(clone, job->child.pidfd, &job->error);

    if (r != 0) {
        job->end = r == POND_NOMEM ? JOB_FAILED : JOB_LOST;
        end_child(job);
    }
    job->code = child_reap(&job->child);
}

/* ---- the clone ---- */

static int describe(struct buf *out, const struct place *place)
{
    cleanup(buf_finish) struct buf url = { 0 };
    int r = environment_url(&url, place);

    r = r != 0 ? r : buf_append_byte(&url, '\0');
    r = r != 0 ? r : buf_printf(out, "\"%s\" is kept: psql ", place->database);
    r = r != 0 ? r : environment_quote(out, (const char *)url.data);
    r = r != 0 ? r : buf_append_str(out, "; drop it by: pond release -h ");
    r = r != 0 ? r : environment_quote(out, place->host);
    r = r != 0 ? r : buf_printf(out, " -p %s ", place->port);
    return r != 0 ? r : environment_quote(out, place->database);
}

static void keep(struct job *job, struct clone *clone)
{
    const struct place place = clone_place(clone);
    cleanup(buf_finish) struct buf text = { 0 };

    if (clone_keep(clone, &job->error) != 0) {
        job->end = JOB_LOST;
    } else if (describe(&text, &place) == 0) {
        snprintf(job->kept, sizeof(job->kept), "%.*s", (int)text.len, (const char *)text.data);
    }
}

/* The last moment at which a signal still means that there is nothing to run. */
static bool is_stopped(const struct job *job)
{
    bool cancelled = task_cancel_reason(task_current()) != 0;

    task_uncancel(task_current());
    return cancelled || signals_pending(!job->options->outlives_news);
}

static void run_with(struct job *job, struct clone *clone)
{
    job->preparing = NULL;
    if (is_stopped(job)) {
        job->end = JOB_STOPPED;
        return;
    }
    if (start(job, clone) != 0) {
        return;
    }
    watch_child(job, clone);
    if (job->end == JOB_RAN && job->code != 0 && job->options->keep_on_failure) {
        keep(job, clone);
    }
}

int job_run(struct job *job)
{
    const struct job_options *o = job->options;
    struct clone clone = { 0 };

    job->end = JOB_RAN;
    job->preparing = task_current();
    int r = clone_open(o->cli, o->database, o->name, &clone, &job->error);
    if (r == POND_CANCELLED) {
        task_uncancel(task_current());
        job->end = JOB_STOPPED;
    } else if (r != 0) {
        job->end = JOB_FAILED;
    } else {
        run_with(job, &clone);
    }
    job->preparing = NULL;
    struct pond_error error = { 0 };
    if (clone_end(&clone, &error) != 0 && job->end == JOB_RAN && job->code == 0) {
        job->end = JOB_LOST; /* whether the clone is gone is not known */
        job->error = error;
    }
    return 0;
}

void job_signal(struct job *job, int number)
{
    bool stops = !job->options->outlives_news || !signals_is_news(number);

    if (job->preparing != NULL && stops) {
        task_cancel(job->preparing, stopped_reason);
    }
    child_signal(&job->child, number);
}
