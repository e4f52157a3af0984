/* pool/durable_file.c: the log and the file, once they are open. durable_open.c opens them. */
#include "pool/durable_file_impl.h"

#include "pool/clone_impl.h"
#include "pool/page.h"

#include <string.h>

/* So much of the log is kept when it is begun anew: to write over what is there is faster than to
 * make the file grow, whose size must reach the disk, too. */
static const uint64_t log_keep_bytes = 16 << 20;

/* ---- pages on their way out ---- */

/* On disk page 1 says that there is a log (2); the image in memory has none (1). */
static void copy_out(const struct durable_file *file, uint32_t number, const struct page *page,
                     uint8_t *to)
{
    if (page == NULL) {
        memset(to, 0, file->page_bytes);
    } else {
        memcpy(to, page->data, file->page_bytes);
    }
    if (number == 1) {
        to[page1_versions] = to[page1_versions + 1] = 2;
    }
}

static int sync_file(const struct durable_file *file, sqlite3_file *which)
{
    return file->sync == DURABLE_OFF ? SQLITE_OK
                                     : which->pMethods->xSync(which, SQLITE_SYNC_NORMAL);
}

/* Who goes on writing to a file that is not there any more would lose it all at the end. */
static int check_db_is_there(const struct durable_file *file)
{
    int moved = 0;
    int rc = file->db->pMethods->xFileControl(file->db, SQLITE_FCNTL_HAS_MOVED, &moved);

    if (rc != SQLITE_OK && rc != SQLITE_NOTFOUND) {
        return rc;
    }
    return moved != 0 ? SQLITE_READONLY_DBMOVED : SQLITE_OK;
}

static int check_is_there(const struct durable_file *file)
{
    int log_exists = 0;
    int rc = check_db_is_there(file);

    if (rc == SQLITE_OK) {
        /* (SQLITE_ACCESS_EXISTS does not see a file of no bytes.) */
        rc = file->vfs->xAccess(file->vfs, file->log_path, SQLITE_ACCESS_READWRITE, &log_exists);
    }
    return rc == SQLITE_OK && log_exists == 0 ? SQLITE_READONLY_DBMOVED : rc;
}

/* ---- the log ---- */

/* Frames on their way to the log. The last of a commit must say so, and is known only when no other
 * one follows. */
struct appending {
    struct durable_file *file;
    uint64_t at;     /* where the chunk goes */
    size_t used;     /* of the chunk */
    uint32_t number; /* of the page that is held back; 0: none */
    const struct page *page;
    int rc;
};

static int flush(struct appending *a)
{
    struct durable_file *file = a->file;

    if (a->used > 0) {
        a->rc =
            file->log->pMethods->xWrite(file->log, file->chunk, (int)a->used, (sqlite3_int64)a->at);
        a->at += a->used;
        a->used = 0;
    }
    return a->rc;
}

/* `pages`: the commit ends with it; 0: it does not. */
static int put_frame(struct appending *a, uint32_t pages)
{
    struct durable_file *file = a->file;
    size_t frame_bytes = wal_frame_bytes + file->page_bytes;
    uint8_t *to = file->chunk + a->used;

    copy_out(file, a->number, a->page, to + wal_frame_bytes);
    wal_frame(&file->wal, a->number, pages, to + wal_frame_bytes, to);
    a->used += frame_bytes;
    return a->used + frame_bytes > durable_chunk_bytes ? flush(a) : a->rc;
}

static int hold_frame(void *arg, uint32_t number, const struct page *page)
{
    struct appending *a = arg;
    int rc = a->number == 0 ? SQLITE_OK : put_frame(a, 0);

    a->number = number;
    a->page = page;
    return rc;
}

static int write_header(struct durable_file *file)
{
    uint8_t header[wal_header_bytes];
    uint32_t salt;

    sqlite3_randomness(sizeof(salt), &salt);
    wal_begin(&file->wal, file->page_bytes, salt, header);
    int rc = file->log->pMethods->xWrite(file->log, header, sizeof(header), 0);
    rc = rc == SQLITE_OK ? sync_file(file, file->log) : rc; /* before any frame: see docs */
    atomic_store(&file->log_end, rc == SQLITE_OK ? sizeof(header) : 0);
    return rc;
}

int durable_file_restart(struct durable_file *file)
{
    sqlite3_int64 size = 0;
    int rc = write_header(file);

    if (rc == SQLITE_OK) {
        rc = file->log->pMethods->xFileSize(file->log, &size);
    }
    if (rc == SQLITE_OK && (uint64_t)size > log_keep_bytes) {
        rc = file->log->pMethods->xTruncate(file->log, (sqlite3_int64)log_keep_bytes);
    }
    file->broken = rc != SQLITE_OK;
    return rc;
}

static int append_frames(struct durable_file *file, const struct durable_step *step)
{
    struct appending a = { .file = file, .at = atomic_load(&file->log_end) };
    int rc = pagemap_each_change(step->logged, step->target, hold_frame, &a);

    if (rc == SQLITE_OK && a.number != 0) {
        rc = put_frame(&a, step->target->pages);
    }
    rc = rc == SQLITE_OK ? flush(&a) : rc;
    if (rc == SQLITE_OK && a.number != 0 && file->sync == DURABLE_FULL) {
        rc = sync_file(file, file->log);
    }
    if (rc == SQLITE_OK) {
        atomic_store(&file->log_end, a.at);
    }
    return rc;
}

/* After an error nobody knows which of the log's pages the disk has taken. */
static int repair(struct durable_file *file, const struct durable_step *step)
{
    int rc = durable_file_backfill(file, step->backfilled, step->logged);

    return rc == SQLITE_OK ? durable_file_restart(file) : rc;
}

/* The log can take a commit. */
static int prepare_log(struct durable_file *file, const struct durable_step *step)
{
    int rc = check_is_there(file);

    if (rc == SQLITE_OK && file->broken) {
        rc = repair(file, step);
    }
    return rc == SQLITE_OK && atomic_load(&file->log_end) == 0 ? write_header(file) : rc;
}

/* What was written of a commit shall not be found by who recovers the log, after power loss
 * neither: its frames may all have got to the disk. */
static int take_back(struct durable_file *file, const struct wal *before)
{
    file->wal = *before;
    int rc = file->log->pMethods->xTruncate(file->log, (sqlite3_int64)atomic_load(&file->log_end));

    return rc == SQLITE_OK ? sync_file(file, file->log) : rc;
}

int durable_file_append(struct durable_file *file, const struct durable_step *step)
{
    int rc = prepare_log(file, step);
    struct wal before = file->wal;

    if (rc == SQLITE_OK) {
        rc = append_frames(file, step);
        if (rc != SQLITE_OK && take_back(file, &before) != SQLITE_OK) {
            rc = SQLITE_IOERR_TRUNCATE;
        }
    }
    file->broken = file->broken || rc != SQLITE_OK;
    return rc;
}

bool durable_file_is_broken(const struct durable_file *file)
{
    return file->broken;
}

uint64_t durable_file_log_bytes(const struct durable_file *file)
{
    return atomic_load(&file->log_end);
}

/* ---- the file ---- */

static int backfill_page(void *arg, uint32_t number, const struct page *page)
{
    struct durable_file *file = arg;
    sqlite3_int64 at = (sqlite3_int64)(number - 1) * file->page_bytes;

    copy_out(file, number, page, file->page);
    return file->db->pMethods->xWrite(file->db, file->page, (int)file->page_bytes, at);
}

int durable_file_backfill(struct durable_file *file, const struct pagemap *from,
                          const struct pagemap *to)
{
    int rc = check_db_is_there(file); /* without a log it is the only place for what was in there */

    /* The log first: a crash in the middle of the following is mended by it. */
    if (rc == SQLITE_OK && file->sync == DURABLE_NORMAL) {
        rc = sync_file(file, file->log);
    }
    if (rc == SQLITE_OK) {
        rc = pagemap_each_change(from, to, backfill_page, file);
    }
    if (rc == SQLITE_OK) {
        rc = file->db->pMethods->xTruncate(file->db, (sqlite3_int64)to->pages * file->page_bytes);
    }
    return rc == SQLITE_OK ? sync_file(file, file->db) : rc;
}
