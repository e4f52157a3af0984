/* pool/durable_checkpoint.c: writes the file behind the log, so that the log can be begun anew.
 *
 * When the log is long, a task of its own writes what is in it into the file, while commits go on
 * behind. What they have added until then is little; the log's task writes that itself, between two
 * commits, and then nothing in the log is needed any more. */
#include "pool/durable_impl.h"

#include "async/task.h"
#include "pool/clone_impl.h"
#include "pool/sweep.h"

struct backfill_job {
    struct durable_file *file;
    const struct pagemap *from;
    struct pagemap to;
    bool restart; /* the log is begun anew after it */
    int rc;
};

struct closing_job {
    struct durable_file *file;
    bool keep_log;
};

static void run_backfill(void *arg)
{
    struct backfill_job *job = arg;

    job->rc = durable_file_backfill(job->file, job->from, &job->to);
    if (job->rc == SQLITE_OK && job->restart) {
        job->rc = durable_file_restart(job->file);
    }
}

/* Until the file has what is on the disk now. SQLite's code. */
static int backfill(struct durable *durable, bool restart)
{
    struct backfill_job job = { .file = durable->file,
                                .from = &durable->backfilled,
                                .to = pagemap_share(&durable->root),
                                .restart = restart };

    if (await_offload(run_backfill, &job) != 0) {
        job.rc = SQLITE_NOMEM;
    }
    if (job.rc == SQLITE_OK) {
        struct pagemap old = durable->backfilled;

        durable->backfilled = job.to;
        job.to = old;
    }
    sweep_map(&job.to, durable->clone->owner);
    return job.rc;
}

static void checkpoint_task(void *arg)
{
    struct durable *durable = arg;

    durable->written_behind = backfill(durable, false) == SQLITE_OK;
    durable->checkpointing = false;
    line_call_first(&durable->checkpoint);
    if (durable->closing && durable->task == NULL) {
        durable->closed(durable->closed_arg); /* there was no memory for who would have waited */
    }
}

void durable_checkpoint_hold(struct durable *durable)
{
    while (durable->checkpointing) {
        (void)!await_line(&durable->checkpoint, NULL, DEADLINE_NONE);
    }
}

/* The second round. Should it fail, the first is tried again when the log has grown some more. */
static void begin_log_anew(struct durable *durable)
{
    durable->written_behind = false;
    if (backfill(durable, true) == SQLITE_OK) {
        durable->stats.checkpoints++;
        durable->checkpoint_at = checkpoint_bytes;
    }
}

/* To replace a page is to keep two of them until the file has the new one. */
static bool is_due(const struct durable *durable, bool clone_is_full)
{
    bool some = durable->backfilled.root != durable->root.root;

    return durable_file_log_bytes(durable->file) >= durable->checkpoint_at ||
           (clone_is_full && some);
}

static void begin_checkpoint(struct durable *durable)
{
    durable->checkpoint_at = durable_file_log_bytes(durable->file) + checkpoint_bytes;
    durable->checkpointing =
        task_spawn(loop_current(), "checkpoint", checkpoint_task, durable, NULL) == 0;
}

/* A repair writes the file, too, so that a task beside it must not. */
void durable_checkpoint_step(struct durable *durable)
{
    bool clone_is_full = durable->clone_is_full;
    bool broken = durable_file_is_broken(durable->file);

    durable->clone_is_full = false;
    if (durable->checkpointing || durable->failing) {
        return;
    }
    if (durable->written_behind || (broken && clone_is_full)) {
        begin_log_anew(durable);
    } else if (!broken && is_due(durable, clone_is_full)) {
        begin_checkpoint(durable);
    }
}

static void close_file(void *arg)
{
    struct closing_job *job = arg;

    durable_file_close(job->file, job->keep_log);
}

void durable_checkpoint_last(struct durable *durable)
{
    durable_checkpoint_hold(durable);
    struct closing_job job = {
        .keep_log = durable->failing || backfill(durable, false) != SQLITE_OK,
    };
    job.file = take_ptr(durable->file);

    if (await_offload(close_file, &job) != 0) {
        close_file(&job);
    }
}
