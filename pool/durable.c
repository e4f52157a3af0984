/* pool/durable.c: see durable.h.
 *
 * One task per durable database takes roots to the log, another writes the file behind it
 * (durable_checkpoint.c). Each has at most one job on a helper thread. Versions are the clone's:
 * they grow by one with each root. */
#include "pool/durable_impl.h"

#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/sqlite_error.h"
#include "pool/sweep.h"
#include "pool/template.h"

#include <assert.h>
#include <errno.h>

/* One who has committed, in the stack of his task. */
struct commit_wait {
    uint64_t version;
    bool failed;
    struct failure *failure;
};

/* ---- what readers see ---- */

const struct pagemap *durable_root(const struct durable *durable)
{
    return &durable->root;
}

uint32_t durable_page_count(const struct durable *durable)
{
    return durable->root.pages;
}

uint64_t durable_version(const struct durable *durable)
{
    return durable->version;
}

void durable_set_root(struct durable *durable, struct pagemap *map, uint64_t version)
{
    struct pagemap old = durable->root;

    durable->root = *map;
    durable->version = version;
    sweep_map(&old, durable->clone->owner);
}

/* ---- those who wait ---- */

static struct commit_wait *first_wait(const struct durable *durable)
{
    return line_is_empty(&durable->commits) ? NULL : TAILQ_FIRST(&durable->commits.places)->item;
}

/* They stand in the order of their versions. */
static void tell_committed(struct durable *durable)
{
    const struct commit_wait *wait;

    while ((wait = first_wait(durable)) != NULL && wait->version <= durable->version) {
        line_call_first(&durable->commits);
    }
}

/* One who was slow to come may wait behind a younger version for one that is on the disk. */
static void tell_failed(struct durable *durable)
{
    struct commit_wait *wait;

    while ((wait = first_wait(durable)) != NULL) {
        wait->failed = wait->version > durable->version;
        if (wait->failed) {
            *wait->failure = durable->failure;
        }
        line_call_first(&durable->commits);
    }
}

int durable_await(struct durable *durable, uint64_t version, struct failure *ret_failure)
{
    struct failure ignored;
    struct commit_wait wait = { .version = version,
                                .failure = ret_failure == NULL ? &ignored : ret_failure };

    if (version > durable->lost_from && version <= durable->lost_to) {
        *wait.failure = durable->failure;
        return FAILED;
    }
    if (version <= durable->version) {
        return 0;
    }
    durable->stats.commits++;
    int r = await_line(&durable->commits, &wait, DEADLINE_NONE);
    return wait.failed ? FAILED : r;
}

/* ---- failure ---- */

static void set_failure(struct durable *durable, int rc)
{
    struct failure *f = &durable->failure;
    bool full = (rc & 0xff) == SQLITE_FULL;

    if (rc == SQLITE_READONLY_DBMOVED) {
        failure_set(f, "58030", "database file \"%s\" was moved or removed", durable->path);
        failure_add(f, FIELD_HINT, "Put it back where it was, or restart pondd.");
        return;
    }
    failure_set(f, full ? "53100" : sqlite_error_sqlstate(rc),
                "could not write to database file \"%s\": %s", durable->path, sqlite3_errstr(rc));
    failure_add(f, FIELD_DETAIL, "%s",
                rc == SQLITE_IOERR_TRUNCATE
                    ? "Nobody knows whether the transaction will be there at the next start."
                    : "The transaction was not committed.");
    if (full) {
        failure_add(f, FIELD_HINT, "Make room on its disk.");
    }
}

/* The clone is again what is on the disk. Nobody stands on a newer root: who writes has the place,
 * and who reads began with this one; so for them it is no rewind. The version is new, and has
 * nothing that would have to be written. */
static bool go_back(struct durable *durable)
{
    struct clone *clone = durable->clone;
    uint64_t lost = clone->version;

    if (clone_install(clone, &durable->root) != 0) {
        return false; /* no memory: at the next chance, then */
    }
    struct pagemap map = pagemap_share(&clone->root);

    durable->lost_from = durable->version;
    durable->lost_to = lost;
    durable_set_root(durable, &map, clone->version);
    durable->failing = false;
    return true;
}

void durable_place_is_free(struct durable *durable)
{
    if (durable->failing && durable->clone->writer == NULL) {
        (void)go_back(durable);
    }
}

/* Who writes now goes on, and is told at his COMMIT. */
static void fail(struct durable *durable, int rc)
{
    set_failure(durable, rc);
    durable->stats.failures++;
    durable->failing = true;
    durable->lost_from = durable->version;
    durable->lost_to = UINT64_MAX;
    tell_failed(durable);
    if (clone_holder(durable->clone) == NULL) {
        durable_place_is_free(durable);
    }
}

/* ---- the log's task ---- */

struct log_job {
    struct durable_file *file;
    struct pagemap backfilled; /* shared: the other task goes on */
    struct pagemap target;
    const struct pagemap *logged;
    int rc;
};

static void run_log_job(void *arg)
{
    struct log_job *job = arg;
    const struct durable_step step = { &job->backfilled, job->logged, &job->target };

    job->rc = durable_file_append(job->file, &step);
}

/* Everything that was committed since, at once. */
static void write_log(struct durable *durable)
{
    struct clone *clone = durable->clone;
    struct log_job job = { .file = durable->file,
                           .backfilled = pagemap_share(&durable->backfilled),
                           .target = pagemap_share(&clone->root),
                           .logged = &durable->root };
    uint64_t version = clone->version;

    if (await_offload(run_log_job, &job) != 0) {
        job.rc = SQLITE_NOMEM;
    }
    durable->stats.writes++;
    if (job.rc == SQLITE_OK) {
        durable_set_root(durable, &job.target, version);
        tell_committed(durable);
    } else {
        sweep_map(&job.target, clone->owner);
        fail(durable, job.rc);
        durable_checkpoint_hold(durable); /* the repair writes the file itself */
    }
    sweep_map(&job.backfilled, clone->owner);
}

static bool has_commits(const struct durable *durable)
{
    return !durable->failing && durable->clone->version > durable->version;
}

/* It ends when there is nothing to write: an idle database keeps no stack. */
static void log_task(void *arg)
{
    struct durable *durable = arg;

    while (has_commits(durable) || durable->clone_is_full) {
        if (has_commits(durable)) {
            write_log(durable);
        }
        durable_checkpoint_step(durable);
    }
    if (durable->closing) {
        durable_checkpoint_last(durable);
    }
    durable->task = NULL;
    if (durable->closing) {
        durable->closed(durable->closed_arg); /* from here on it is its clone's */
    }
}

/* A session's commit, perhaps, starts it; it is none of the session's. */
static int start_task(struct durable *durable)
{
    struct account *was = account_swap(durable->parent);
    int r = durable->task == NULL
                ? task_spawn(loop_current(), "log", log_task, durable, &durable->task)
                : 0;

    account_swap(was);
    return r;
}

void durable_published(struct durable *durable)
{
    if (has_commits(durable) && start_task(durable) != 0) {
        fail(durable, SQLITE_NOMEM);
    }
}

void durable_make_room(struct durable *durable)
{
    durable->clone_is_full = true;
    (void)start_task(durable);
}

/* ---- life ---- */

static int open_file(struct durable *durable, const struct durable_options *options,
                     struct failure *ret_failure)
{
    const struct clone_limits limits = { .memory = options->memory, .parent = options->parent };
    struct template *image = NULL;
    int r =
        durable_file_open(options->path, options->vfs, options->sync, &durable->file, ret_failure);

    if (r == 0 && durable_file_is_new(durable->file) && options->fill != NULL) {
        r = options->fill(options->arg, &image, ret_failure);
        if (r == 0) {
            r = durable_file_fill(durable->file, image, options->stop, ret_failure);
        }
        template_unref(image);
    }
    return r == 0 ? durable_file_load(durable->file, &limits, options->stop, &durable->clone,
                                      ret_failure)
                  : r;
}

int durable_open(const struct durable_options *options, struct durable **ret_durable,
                 struct failure *ret_failure)
{
    struct durable *durable = mem_zalloc(sizeof(*durable));

    if (durable == NULL) {
        return failure_set_nomem(ret_failure);
    }
    durable->parent = options->parent;
    durable->path = mem_strdup(options->path);
    int r = durable->path == NULL ? failure_set_nomem(ret_failure)
                                  : open_file(durable, options, ret_failure);
    if (r != 0) {
        durable_destroy(durable);
        return r;
    }
    durable->root = pagemap_share(&durable->clone->root);
    durable->backfilled = pagemap_share(&durable->clone->root);
    durable->version = durable->clone->version;
    durable->checkpoint_at = checkpoint_bytes;
    *ret_durable = durable;
    return 0;
}

void durable_start(struct durable *durable)
{
    durable->loop = loop_current();
    durable->clone->durable = durable;
}

struct clone *durable_clone(const struct durable *durable)
{
    return durable->clone;
}

bool durable_has_started(const struct durable *durable)
{
    return durable->loop != NULL;
}

static void begin_close(struct loop *loop, struct loop_message *message)
{
    struct durable *durable = container_of(message, struct durable, message);

    (void)loop;
    durable->closing = true;
    if (start_task(durable) != 0 && !durable->checkpointing) {
        durable->closed(durable->closed_arg); /* the log has it all, for the next to open it */
    }
}

void durable_close(struct durable *durable, void (*closed)(void *arg), void *arg)
{
    durable->closed = closed;
    durable->closed_arg = arg;
    durable->message.run = begin_close;
    loop_send(durable->loop, &durable->message);
}

/* The clone is going, and with it what it has of a root; or it was never given to anybody. */
void durable_destroy(struct durable *durable)
{
    if (durable == NULL) {
        return;
    }
    assert(durable->task == NULL && line_is_empty(&durable->commits));
    durable_file_close(durable->file, true);
    pagemap_finish(&durable->root);
    pagemap_finish(&durable->backfilled);
    if (durable->clone != NULL && durable->clone->durable == NULL) {
        clone_unref(durable->clone);
    }
    mem_free(durable->path);
    mem_free(durable);
}

void durable_stats(const struct durable *durable, struct durable_stats *ret_stats)
{
    *ret_stats = durable->stats;
    ret_stats->log_bytes = durable_file_log_bytes(durable->file);
}
