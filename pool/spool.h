/* pool/spool.h: rows kept in the order in which they came: in memory up to a cap, behind it in a
 * temporary file. Zero bytes are an empty spool without cap or file.
 *
 * It has one place in front of a row that is read next. A seekable one goes to any row; another
 * forgets the rows that were read once it has given all. Putting and getting may await when there
 * is a file (pool/tempfile.h). Belongs to one task. */
#pragma once

#include "base/buf.h"
#include "base/cell.h"
#include "base/failure.h"

#include <stdbool.h>

struct tempfile;
struct tempfile_room;

struct spool {
    struct tempfile_room *room; /* for its file; NULL, or a limit of 0: it may have none */
    size_t memory;              /* bytes of rows kept in memory before they go there; 0: no cap */
    struct buf tail;            /* the rows behind those of the file */
    struct tempfile *file;      /* NULL: none yet */
    struct buf window;          /* a part of the file */
    uint64_t window_at;
    uint64_t rows;       /* all that were put */
    uint32_t last_bytes; /* of the last of them */
    uint64_t row;        /* the place: in front of this row, */
    uint64_t at;         /* which begins here */
    uint64_t wanted;     /* where spool_get() goes first */
    bool seekable;
    struct buf starts; /* uint64_t: where each stride-th row begins, when seekable */
    uint64_t stride;
};

void spool_init(struct spool *spool, size_t memory, struct tempfile_room *room);
void spool_set_seekable(struct spool *spool); /* while it is empty */
void spool_finish(struct spool *spool);       /* what is left is an empty one */

/* Answers beside 0 and -errno: BUF_FULL (no file, and no more memory) and those of tempfile.h. */
enum { SPOOL_END = 22 };

/* Copies a row. When the answer is not 0 the spool is as before. */
must_check int spool_put(struct spool *spool, const struct cell *cells, size_t count);

/* Fills cells with the next row, whose bytes live as long as the spool is not put to or got from.
 * SPOOL_END: there is none. */
must_check int spool_get(struct spool *spool, struct cell *cells, size_t count);

/* Has it rows that were not read? */
static inline bool spool_has_more(const struct spool *spool)
{
    return spool->wanted < spool->rows;
}

/* Where the next row that is put will begin. */
uint64_t spool_bytes(const struct spool *spool);

/* Of a seekable one: how many rows it has, and which spool_get() gives next (at most all). */
uint64_t spool_rows(const struct spool *spool);
void spool_seek(struct spool *spool, uint64_t row);

/* What a client is told of an answer that is not 0. Returns FAILED. */
int spool_fail(const struct spool *spool, int answer, struct failure *ret_failure);
