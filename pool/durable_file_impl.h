/* pool/durable_file_impl.h: what durable_open.c opens and durable_file.c writes. */
#pragma once

#include "pool/durable_file.h"
#include "pool/pagemap.h"
#include "pool/wal.h"

#include <sqlite3.h>
#include <stdatomic.h>

/* So much of frames is written at once. One frame is smaller; and SQLite's xWrite() for unix looks
 * at the lowest 17 bits of a length only. */
enum { durable_chunk_bytes = (128 << 10) - 1 };

struct durable_file {
    char *path;
    const char *log_path; /* the keeper's: it has followed the links in path */
    enum durable_sync sync;
    sqlite3 *keeper; /* has the file open and locked; it knows nothing of what we write */
    sqlite3_vfs *vfs;
    sqlite3_file *db; /* the keeper's */
    sqlite3_file *log;
    bool is_new; /* it was empty */
    uint32_t page_bytes;
    struct wal wal;
    _Atomic uint64_t log_end; /* where the next frame goes; 0: the log has no header yet */
    bool broken;              /* a write has failed: repair before the next */
    uint8_t *chunk;           /* frames on their way to the log */
    uint8_t *page;            /* one on its way to the file */
};
