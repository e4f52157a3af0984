/* pool/spool.h: rows kept in memory, in the order in which they came, up to a cap. Zero bytes are
 * an empty spool. One that is seekable notes where each row begins. */
#pragma once

#include "base/buf.h"
#include "base/cell.h"

struct spool {
    struct buf rows;
    size_t read; /* bytes that were given out */
    bool seekable;
    struct buf starts; /* uint64_t for each row, when seekable */
};

void spool_init(struct spool *spool, size_t max_bytes);
void spool_set_seekable(struct spool *spool); /* while it is empty */
void spool_finish(struct spool *spool);

/* Copies a row. 0, BUF_FULL or -ENOMEM; then the spool is as before. */
must_check int spool_put(struct spool *spool, const struct cell *cells, size_t count);

/* Fills cells with the next row, whose bytes live as long as the spool is not put to. False: there
 * is none. */
bool spool_get(struct spool *spool, struct cell *cells, size_t count);

/* Of a seekable one: how many rows it has, and which spool_get() gives next (at most all). */
size_t spool_rows(const struct spool *spool);
void spool_seek(struct spool *spool, size_t row);
