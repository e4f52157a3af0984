/* pool/tempfile.h: nameless files for rows that do not fit in memory, and the room that one session
 * has for them.
 *
 * A file has no name, so nothing is left of it whatever becomes of the daemon. What blocks goes
 * through the room's `run`, which lets other tasks run meanwhile: creating, appending and reading
 * may await. Loop's thread. */
#pragma once

#include "base/failure.h"

#include <stdint.h>

struct tempfile;

/* Embedded by the session; zero bytes are a room without files. Outlives its files. */
struct tempfile_room {
    const char *dir; /* borrowed; NULL or empty: $TMPDIR, else /tmp */
    uint64_t limit;  /* bytes of all its files together; 0: it may have none */
    uint64_t used;
    unsigned files;
    void (*run)(void *owner, void (*fn)(void *arg), void *arg); /* NULL: at once */
    void *owner;
};

enum { tempfile_most = 64 }; /* of one room: each is a descriptor */

/* Answers beside 0 and -errno. */
enum {
    TEMPFILE_FULL = 20, /* the room's limit would be passed: nothing was written */
    TEMPFILE_MANY = 21, /* it has tempfile_most files already */
};

must_check int tempfile_create(struct tempfile_room *room, struct tempfile **ret_file);
void tempfile_destroy(struct tempfile *file); /* NULL is fine */

/* All bytes or none of them. */
must_check int tempfile_append(struct tempfile *file, const void *data, size_t len);
/* The bytes must have been appended. */
must_check int tempfile_read(struct tempfile *file, uint64_t offset, void *to, size_t len);
uint64_t tempfile_bytes(const struct tempfile *file); /* NULL is fine */

/* What a client is told of an answer that is not 0. Returns FAILED. */
int tempfile_fail(const struct tempfile_room *room, int answer, struct failure *ret_failure);

/* Test hook of the whole process: the n-th thing that blocks from now (1: the next) fails with
 * -error, 0 switches it off. Gives whether the one before did happen. */
bool tempfile_fail_at(unsigned n, int error);
