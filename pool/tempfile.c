/* pool/tempfile.c: see tempfile.h. What blocks is a job that may run on a helper thread: it
 * allocates nothing and touches nothing but itself. */
#include "pool/tempfile.h"

#include "async/offload.h"
#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* To close one of a gigabyte takes a tenth of a second or more; a smaller one than this is not
 * worth a helper thread. */
static const uint64_t slow_close_bytes = 1 << 20;

struct tempfile {
    struct tempfile_room *room;
    int fd;
    uint64_t bytes;
};

struct job {
    const char *dir;
    int fd;
    uint64_t offset;
    uint8_t *to;
    const uint8_t *from;
    size_t len;
    int result;
};

/* ---- injected failures ---- */

static _Atomic unsigned fail_in;
static _Atomic int fail_error;

bool tempfile_fail_at(unsigned n, int error)
{
    bool hit = atomic_load(&fail_error) != 0 && atomic_load(&fail_in) == 0;

    atomic_store(&fail_error, n == 0 ? 0 : error);
    atomic_store(&fail_in, n);
    return hit;
}

/* 0 or the error that this job is to fail with. */
static int injected(void)
{
    unsigned left = atomic_load(&fail_in);

    return left != 0 && atomic_fetch_sub(&fail_in, 1) == 1 ? -atomic_load(&fail_error) : 0;
}

/* ---- what blocks ---- */

static const char *dir_of(const struct tempfile_room *room)
{
    const char *dir = room->dir == NULL ? "" : room->dir;

    if (dir[0] == '\0') {
        dir = secure_getenv("TMPDIR");
    }
    return dir == NULL || dir[0] == '\0' ? "/tmp" : dir;
}

/* A file system that knows no nameless files has one with a name for a moment. */
static int open_named(const char *dir)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/pondd.XXXXXX", dir);

    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

static void run_open(void *arg)
{
    struct job *job = arg;

    job->result = injected();
    if (job->result != 0) {
        return;
    }
    job->fd = open(job->dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (job->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        job->fd = open_named(job->dir);
    }
    job->result = job->fd < 0 ? -errno : 0;
}

static void run_write(void *arg)
{
    struct job *job = arg;

    job->result = injected();
    while (job->result == 0 && job->len > 0) {
        ssize_t n = pwrite(job->fd, job->from, job->len, (off_t)job->offset);

        if (n < 0 && errno != EINTR) {
            job->result = -errno;
        } else if (n > 0) {
            job->from += n;
            job->offset += (uint64_t)n;
            job->len -= (size_t)n;
        }
    }
}

static void run_read(void *arg)
{
    struct job *job = arg;

    job->result = injected();
    while (job->result == 0 && job->len > 0) {
        ssize_t n = pread(job->fd, job->to, job->len, (off_t)job->offset);

        if (n == 0 || (n < 0 && errno != EINTR)) {
            job->result = n == 0 ? -EIO : -errno; /* it had these bytes */
        } else if (n > 0) {
            job->to += n;
            job->offset += (uint64_t)n;
            job->len -= (size_t)n;
        }
    }
}

static void run_close(void *arg)
{
    close((int)(intptr_t)arg);
}

static int run(struct tempfile_room *room, void (*fn)(void *arg), struct job *job)
{
    if (room->run == NULL) {
        fn(job);
    } else {
        room->run(room->owner, fn, job);
    }
    return job->result;
}

/* ---- files ---- */

int tempfile_create(struct tempfile_room *room, struct tempfile **ret_file)
{
    cleanup(mem_freep) struct tempfile *file = NULL;
    struct job job = { .dir = dir_of(room), .fd = -1 };

    if (room->files >= tempfile_most) {
        return TEMPFILE_MANY;
    }
    file = mem_alloc(sizeof(*file));
    if (file == NULL) {
        return -ENOMEM;
    }
    int r = run(room, run_open, &job);
    if (r != 0) {
        return r;
    }
    *file = (struct tempfile){ .room = room, .fd = job.fd };
    room->files++;
    *ret_file = take_ptr(file);
    return 0;
}

void tempfile_destroy(struct tempfile *file)
{
    if (file == NULL) {
        return;
    }
    void *fd = (void *)(intptr_t)file->fd;

    if (file->bytes < slow_close_bytes || offload_later(run_close, fd) != 0) {
        run_close(fd);
    }
    file->room->used -= file->bytes;
    file->room->files--;
    mem_free(file);
}

int tempfile_append(struct tempfile *file, const void *data, size_t len)
{
    struct tempfile_room *room = file->room;
    struct job job = { .fd = file->fd, .offset = file->bytes, .from = data, .len = len };

    if (room->used > room->limit || len > room->limit - room->used) {
        return TEMPFILE_FULL;
    }
    room->used += len; /* taken before others may run */
    int r = run(room, run_write, &job);
    if (r != 0) {
        room->used -= len; /* what a part of it left behind is written over */
        return r;
    }
    file->bytes += len;
    return 0;
}

int tempfile_read(struct tempfile *file, uint64_t offset, void *to, size_t len)
{
    struct job job = { .fd = file->fd, .offset = offset, .to = to, .len = len };

    assert(offset <= file->bytes && len <= file->bytes - offset);
    return run(file->room, run_read, &job);
}

uint64_t tempfile_bytes(const struct tempfile *file)
{
    return file == NULL ? 0 : file->bytes;
}

/* ---- failures ---- */

int tempfile_fail(const struct tempfile_room *room, int answer, struct failure *ret_failure)
{
    switch (answer) {
    case -ENOMEM:
        return failure_set_nomem(ret_failure);
    case TEMPFILE_FULL:
        failure_set(ret_failure, "53100", "temporary file size exceeds temp_file_limit (%llukB)",
                    (unsigned long long)room->limit / 1024);
        failure_add(ret_failure, FIELD_DETAIL,
                    "The session's temporary files have %llu bytes already.",
                    (unsigned long long)room->used);
        failure_add(ret_failure, FIELD_HINT, "Raise temp_file_limit of this database.");
        return FAILED;
    case TEMPFILE_MANY:
        failure_set(ret_failure, "53000", "too many temporary files");
        failure_add(ret_failure, FIELD_DETAIL, "A session may have %d.", (int)tempfile_most);
        failure_add(ret_failure, FIELD_HINT, "Raise work_mem of this database, or close cursors.");
        return FAILED;
    default:
        break;
    }
    failure_set(ret_failure, failure_errno_sqlstate(-answer),
                "could not use a temporary file in \"%s\": %s", dir_of(room), strerror(-answer));
    failure_add(ret_failure, FIELD_HINT,
                "temp_dir says where they are made, work_mem from what size on.");
    return FAILED;
}
