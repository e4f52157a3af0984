/* pool/durable_file.h: an SQLite file that a durable database is kept in, and its write-ahead log.
 *
 * SQLite's own library opens it, recovers it from what an earlier process left, locks it against
 * all others (locking_mode=EXCLUSIVE, for as long as it is open) and removes the log at the end.
 * What is committed meanwhile is an image in memory (pool/pagemap.h): the pages in which it differs
 * from the one before are written here, as frames of the log and later into the file itself,
 * through the library's own file handles. So at any moment the file and its log are what any SQLite
 * can recover.
 *
 * Everything here blocks: for helper threads, one at a time, but that append and backfill may run
 * beside each other. Answers are SQLite's result codes. */
#pragma once

#include "base/defs.h"
#include "base/failure.h"

#include <stdbool.h>

struct clone;
struct clone_limits;
struct durable_file;
struct pagemap;
struct template;

enum durable_sync {
    DURABLE_FULL,   /* a commit is on the disk when it is acknowledged */
    DURABLE_NORMAL, /* it outlives the process; power loss may take the last ones, whole */
    DURABLE_OFF,    /* nothing is synced: power loss may destroy the file */
};

/* Opens the file, or makes it, and keeps other processes out. `vfs` is the name of one of SQLite's
 * file systems; NULL: the platform's. 0 or FAILED (55006 when somebody else has it, 58030, 42501,
 * XX001). */
must_check int durable_file_open(const char *path, const char *vfs, enum durable_sync sync,
                                 struct durable_file **ret_file, struct failure *ret_failure);

/* Is there nothing in it yet? Then it may be filled with an image, at once or not at all. `stop`,
 * set by any thread, ends this and the loading (57P01); NULL: never. */
bool durable_file_is_new(const struct durable_file *file);
must_check int durable_file_fill(struct durable_file *file, struct template *image,
                                 const _Atomic bool *stop, struct failure *ret_failure);

/* Recovers what is in the log, and gives its image as a clone of an empty template. 0 or FAILED
 * (53200 when the clone may not have so much memory). */
must_check int durable_file_load(struct durable_file *file, const struct clone_limits *limits,
                                 const _Atomic bool *stop, struct clone **ret_clone,
                                 struct failure *ret_failure);

/* ---- after that ---- */

/* Three images, each younger than the one before. */
struct durable_step {
    const struct pagemap *backfilled; /* that in the file */
    const struct pagemap *logged;     /* that in file and log */
    const struct pagemap *target;     /* that is to be in the log, too */
};

/* Appends what has changed from logged to target, as one commit. When it fails, that commit is not
 * in the log (SQLITE_IOERR_TRUNCATE: it may be); before the next one all that was logged is written
 * into the file, and the log begun anew: what a disk has once failed to take is not asked of it any
 * more. */
must_check int durable_file_append(struct durable_file *file, const struct durable_step *step);

/* Writes what has changed into the file itself. Idempotent: after an error it may be tried again.
 */
must_check int durable_file_backfill(struct durable_file *file, const struct pagemap *from,
                                     const struct pagemap *to);

/* Begins the log anew, when the file has all that is in it. */
must_check int durable_file_restart(struct durable_file *file);

/* A write has failed, and the next append begins with a repair. Not beside an append. */
bool durable_file_is_broken(const struct durable_file *file);

/* The log's length, in bytes. */
uint64_t durable_file_log_bytes(const struct durable_file *file);

/* `keep_log`: it has what the file has not; the next to open it will see to that. NULL is fine. */
void durable_file_close(struct durable_file *file, bool keep_log);
