/* daemon/backup.c: pond_backup(): what the statement sees, as a file in backup_dir, while others go
 * on writing: a database image is there at no cost (pool/image.h), and a helper thread writes it.
 */
#include "daemon/host.h"

#include "async/await.h"
#include "pool/image.h"
#include "pool/image_file.h"

struct backup_job {
    struct image image;
    const char *folder;
    const char *name;
    int64_t bytes;
    struct failure *failure;
    int result;
};

static void run_backup(void *arg)
{
    struct backup_job *job = arg;

    job->result = image_write_file(&job->image, job->folder, job->name, &job->bytes, job->failure);
}

int host_backup(void *host, const char *name, int64_t *ret_bytes, struct failure *ret_failure)
{
    struct connection *conn = host;
    struct session *session = conn->lease.session;
    cleanup(mem_freep) char *folder = mem_strdup(conn->worker->conf->backup_dir);
    struct backup_job job = { .folder = folder, .name = name, .failure = ret_failure };

    if (folder == NULL) {
        return failure_set_nomem(ret_failure);
    }
    if (*folder == '\0') {
        failure_set(ret_failure, "55000", "there is no folder for backups");
        failure_add(ret_failure, FIELD_HINT, "Set backup_dir in pond.conf.");
        return FAILED;
    }
    if (image_check_name(view_of_str(name), ret_failure) != 0 ||
        image_take(session, session_sqlite(session), &job.image, ret_failure) != 0) {
        return FAILED;
    }
    if (await_offload(run_backup, &job) != 0) {
        job.result = failure_set_no_thread(ret_failure);
    }
    image_finish(&job.image);
    *ret_bytes = job.bytes;
    return job.result;
}
