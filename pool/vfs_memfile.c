/* pool/vfs_memfile.c: see vfs_memfile.h. A table of chunks, so that growing never moves what is
 * there. The first ones are small, as most files are; the others large, so that there are few of
 * them to free. */
#include "pool/vfs_memfile.h"

#include "async/await.h"
#include "async/task.h"
#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    small_bytes = 4 * 1024,
    small_count = 8,
    chunk_bytes = 32 * 1024,
    first_cap = small_count,
};
static_assert(small_bytes * small_count == chunk_bytes, "the small ones are one large one");

/* Where a byte of the file is. */
struct spot {
    size_t index; /* of the chunk */
    size_t offset;
    size_t room; /* from there to the chunk's end */
};

static struct spot spot_of(uint64_t at)
{
    size_t bytes = at < chunk_bytes ? small_bytes : chunk_bytes;
    size_t offset = (size_t)(at % bytes);
    size_t before = at < chunk_bytes ? 0 : small_count - 1;

    return (struct spot){ (size_t)(at / bytes) + before, offset, bytes - offset };
}

/* How many chunks so many bytes take. */
static size_t chunks_of(uint64_t bytes)
{
    return bytes == 0 ? 0 : spot_of(bytes - 1).index + 1;
}

static struct vfs_memfile *memfile_of(sqlite3_file *base)
{
    return (struct vfs_memfile *)base;
}

static int reserve_table(struct vfs_memfile *file, size_t count)
{
    size_t cap = file->chunk_cap == 0 ? first_cap : file->chunk_cap;

    if (count <= file->chunk_cap) {
        return 0;
    }
    while (cap < count) {
        cap *= 2;
    }
    uint8_t **chunks = mem_realloc(file->chunks, cap * sizeof(*chunks));
    if (chunks == NULL) {
        return -ENOMEM;
    }
    file->chunks = chunks;
    file->chunk_cap = cap;
    return 0;
}

/* Chunks up to byte `end`; new ones are zeroes. */
static int reserve(struct vfs_memfile *file, uint64_t end)
{
    size_t count = chunks_of(end);

    if (reserve_table(file, count) < 0) {
        return -ENOMEM;
    }
    while (file->chunk_count < count) {
        uint8_t *chunk = mem_zalloc(file->chunk_count < small_count ? small_bytes : chunk_bytes);

        if (chunk == NULL) {
            return -ENOMEM;
        }
        file->chunks[file->chunk_count++] = chunk;
    }
    return 0;
}

/* No mutex of SQLite's is held in here, and each task has its own account. A task that is to end
 * goes on: its statement is stopped by the progress handler. */
static void give_turn(const struct vfs_memfile *file)
{
    struct task *task = file->gives_turn ? task_current() : NULL;

    /* on the loop's own stack nobody may await */
    if (task != NULL && task_stack_used() > 0 && task_slice_over(task)) {
        int r maybe_unused = await_turn();
    }
}

static int memfile_read(sqlite3_file *base, void *to, int amount, sqlite3_int64 offset)
{
    const struct vfs_memfile *file = memfile_of(base);
    uint64_t at = (uint64_t)offset;
    size_t left = (size_t)amount;
    uint8_t *out = to;

    give_turn(file);
    while (left > 0 && at < file->size) {
        struct spot spot = spot_of(at);
        uint64_t there = file->size - at;
        size_t most = there < left ? (size_t)there : left;
        size_t n = spot.room < most ? spot.room : most;

        memcpy(out, file->chunks[spot.index] + spot.offset, n);
        out += n;
        at += n;
        left -= n;
    }
    memset(out, 0, left);
    return left > 0 ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int memfile_write(sqlite3_file *base, const void *from, int amount, sqlite3_int64 offset)
{
    struct vfs_memfile *file = memfile_of(base);
    uint64_t at = (uint64_t)offset;
    size_t left = (size_t)amount;
    const uint8_t *in = from;

    give_turn(file);
    if (left == 0) {
        return SQLITE_OK;
    }
    if (reserve(file, at + left) < 0) {
        return SQLITE_IOERR_NOMEM;
    }
    file->size = at + left > file->size ? at + left : file->size;
    while (left > 0) {
        struct spot spot = spot_of(at);
        size_t n = spot.room < left ? spot.room : left;

        memcpy(file->chunks[spot.index] + spot.offset, in, n);
        in += n;
        at += n;
        left -= n;
    }
    return SQLITE_OK;
}

/* What is behind the end must read as zeroes when the file grows again. */
static int memfile_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_memfile *file = memfile_of(base);
    struct spot end = spot_of((uint64_t)size);
    size_t keep = chunks_of((uint64_t)size);

    if ((uint64_t)size >= file->size) {
        return SQLITE_OK;
    }
    while (file->chunk_count > keep) {
        mem_free(file->chunks[--file->chunk_count]);
    }
    if (end.offset != 0) {
        memset(file->chunks[end.index] + end.offset, 0, end.room);
    }
    file->size = (uint64_t)size;
    return SQLITE_OK;
}

static int memfile_close(sqlite3_file *base)
{
    struct vfs_memfile *file = memfile_of(base);

    for (size_t i = 0; i < file->chunk_count; i++) {
        mem_free(file->chunks[i]);
    }
    mem_free(file->chunks);
    *file = (struct vfs_memfile){ 0 };
    return SQLITE_OK;
}

static int memfile_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    *ret_size = (sqlite3_int64)memfile_of(base)->size;
    return SQLITE_OK;
}

static int memfile_sync(sqlite3_file *base maybe_unused, int flags maybe_unused)
{
    return SQLITE_OK;
}

/* Nobody else can name it. */
static int memfile_lock(sqlite3_file *base maybe_unused, int lock maybe_unused)
{
    return SQLITE_OK;
}

static int memfile_check_reserved(sqlite3_file *base maybe_unused, int *ret_reserved)
{
    *ret_reserved = 0;
    return SQLITE_OK;
}

static int memfile_control(sqlite3_file *base maybe_unused, int op maybe_unused,
                           void *arg maybe_unused)
{
    return SQLITE_NOTFOUND;
}

static int memfile_sector_bytes(sqlite3_file *base maybe_unused)
{
    return 512;
}

static int memfile_characteristics(sqlite3_file *base maybe_unused)
{
    return SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Version 1: temporary files are not lent. */
static const sqlite3_io_methods memfile_methods = {
    .iVersion = 1,
    .xClose = memfile_close,
    .xRead = memfile_read,
    .xWrite = memfile_write,
    .xTruncate = memfile_truncate,
    .xSync = memfile_sync,
    .xFileSize = memfile_size,
    .xLock = memfile_lock,
    .xUnlock = memfile_lock,
    .xCheckReservedLock = memfile_check_reserved,
    .xFileControl = memfile_control,
    .xSectorSize = memfile_sector_bytes,
    .xDeviceCharacteristics = memfile_characteristics,
};

void vfs_memfile_open(struct vfs_memfile *file, bool gives_turn)
{
    *file = (struct vfs_memfile){ .base.pMethods = &memfile_methods, .gives_turn = gives_turn };
}
