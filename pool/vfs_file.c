/* pool/vfs_file.c: see vfs_file.h and vfs.h.
 *
 * There is one tree per connection. A reader shares the clone's newest root. A writer goes on with
 * the same tree: its first write copies what others see (pool/pagemap.h), so that the tree becomes
 * private bit by bit, and no allocation is left for the unlock, which may not fail. Publishing
 * shares the tree with the clone; throwing it away pins the clone's root again, which no one can
 * have replaced meanwhile.
 *
 * Whoever is lent a page counts it, unless it is borrowed from the template; so it outlives any
 * publishing, discarding and truncating, and is never written to. */
#include "pool/vfs_file.h"

#include "pool/clone_impl.h"
#include "pool/durable.h"
#include "pool/page.h"
#include "pool/sweep.h"
#include "pool/vfs.h"

#include <assert.h>
#include <string.h>

static struct vfs_file *file_of(sqlite3_file *base)
{
    return (struct vfs_file *)base;
}

static uint32_t page_bytes_of(const struct vfs_file *file)
{
    return file->clone->owner->page_bytes;
}

/* It stands on a root that is not the newest: what it writes would undo what others have. */
static bool is_stale(const struct vfs_file *file)
{
    return file->pinned && file->version != file->clone->version;
}

/* ---- locks ---- */

static int start_writing(struct vfs_file *file)
{
    struct clone *clone = file->clone;

    if (clone->writer != NULL && clone->writer != file) {
        return SQLITE_BUSY;
    }
    if (is_stale(file)) {
        return SQLITE_BUSY_SNAPSHOT;
    }
    clone->writer = file;
    file->dirty = false;
    file->committed = false;
    return SQLITE_OK;
}

/* Publishes what was committed and throws away what was not. */
static void stop_writing(struct vfs_file *file)
{
    struct clone *clone = file->clone;

    assert(clone->writer == file);
    clone->writer = NULL;
    if (file->dirty && file->committed) {
        struct pagemap map = pagemap_share(&file->pin);

        clone_publish(clone, &map);
        file->version = clone->version;
        file->published = clone->version;
    } else if (file->dirty) {
        vfs_file_pin(file);
    }
    file->dirty = false;
    file->committed = false;
}

static int file_lock(sqlite3_file *base, int lock)
{
    struct vfs_file *file = file_of(base);

    if (lock <= file->lock) {
        return SQLITE_OK;
    }
    if (file->lock == SQLITE_LOCK_NONE && !file->pinned) {
        vfs_file_pin(file);
    }
    if (lock >= SQLITE_LOCK_RESERVED && file->lock < SQLITE_LOCK_RESERVED) {
        int rc = start_writing(file);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    file->lock = (uint8_t)lock;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int lock)
{
    struct vfs_file *file = file_of(base);

    if (lock >= file->lock) {
        return SQLITE_OK;
    }
    if (file->lock >= SQLITE_LOCK_RESERVED) {
        stop_writing(file);
    }
    file->lock = (uint8_t)lock;
    if (lock == SQLITE_LOCK_NONE) {
        assert(file->lent == 0);
        if (!file->held) {
            vfs_file_unpin(file);
        }
    }
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
    *ret_reserved = file_of(base)->clone->writer != NULL;
    return SQLITE_OK;
}

/* ---- bytes ---- */

static int file_read(sqlite3_file *base, void *to, int amount, sqlite3_int64 offset)
{
    const struct vfs_file *file = file_of(base);
    const struct pagemap *map = vfs_file_view(file);
    uint64_t page_bytes = page_bytes_of(file);
    uint64_t end = map->pages * page_bytes;
    uint64_t at = (uint64_t)offset;
    uint8_t *out = to;
    size_t left = (size_t)amount;

    while (left > 0 && at < end) {
        const struct page *page = pagemap_get(map, (uint32_t)(at / page_bytes) + 1);
        size_t from = (size_t)(at % page_bytes);
        size_t n = page_bytes - from < left ? (size_t)page_bytes - from : left;

        if (page == NULL) {
            memset(out, 0, n);
        } else {
            memcpy(out, page->data + from, n);
        }
        out += n;
        at += n;
        left -= n;
    }
    memset(out, 0, left);
    return left > 0 ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

/* For one more page, when all that nobody needs is gone. */
static bool has_room(struct clone *clone)
{
    struct page_owner *owner = clone->owner;

    if (!page_owner_is_full(owner) || (sweep_now(owner) && !page_owner_is_full(owner))) {
        return true;
    }
    if (clone->durable != NULL) {
        durable_make_room(clone->durable);
    }
    return false;
}

static int write_new_page(struct vfs_file *file, uint32_t number, const void *from)
{
    struct page_owner *owner = file->clone->owner;

    if (!has_room(file->clone)) {
        return SQLITE_FULL;
    }
    struct page *page = page_create(owner);
    if (page == NULL && sweep_now(NULL)) {
        page = page_create(owner);
    }
    if (page == NULL) {
        return SQLITE_IOERR_NOMEM;
    }
    memcpy(page->data, from, owner->page_bytes);
    if (pagemap_put(&file->pin, owner, number, page) < 0) {
        page_unref(page);
        return SQLITE_IOERR_NOMEM;
    }
    return SQLITE_OK;
}

/* Page 1 may not say what a clone cannot be: pages of another size (VACUUM after PRAGMA page_size),
 * or WAL. The guard refuses the pragmas; this keeps the image whole whoever asks. */
static bool is_our_page1(const struct vfs_file *file, const uint8_t *page1)
{
    uint32_t said = (uint32_t)page1[page1_size] << 8 | page1[page1_size + 1];
    bool wal = page1[page1_versions] > 1 || page1[page1_versions + 1] > 1;

    said = said == 1 ? 65536 : said;
    return said == page_bytes_of(file) && (!wal || file->clone->loading);
}

/* SQLite writes whole pages only. */
static int file_write(sqlite3_file *base, const void *from, int amount, sqlite3_int64 offset)
{
    struct vfs_file *file = file_of(base);
    uint32_t page_bytes = page_bytes_of(file);
    uint64_t index = (uint64_t)offset / page_bytes;

    if (file->lock < SQLITE_LOCK_RESERVED || amount < 0 || (uint32_t)amount != page_bytes ||
        (uint64_t)offset % page_bytes != 0 || index >= PAGEMAP_MAX_PAGES) {
        return SQLITE_IOERR_WRITE;
    }
    uint32_t number = (uint32_t)index + 1;
    if (number == 1 && !is_our_page1(file, from)) {
        return SQLITE_IOERR_WRITE;
    }
    struct page *own = pagemap_get_private(&file->pin, number);

    file->dirty = true;
    if (own != NULL) {
        memcpy(own->data, from, page_bytes);
        return SQLITE_OK;
    }
    return write_new_page(file, number, from);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_file *file = file_of(base);
    uint32_t page_bytes = page_bytes_of(file);
    uint64_t pages = ((uint64_t)size + page_bytes - 1) / page_bytes;

    if (file->lock < SQLITE_LOCK_RESERVED || pages > PAGEMAP_MAX_PAGES) {
        return SQLITE_IOERR_TRUNCATE;
    }
    file->dirty = true;
    if (pagemap_truncate(&file->pin, file->clone->owner, (uint32_t)pages) < 0) {
        return SQLITE_IOERR_NOMEM;
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    const struct vfs_file *file = file_of(base);

    *ret_size = (sqlite3_int64)vfs_file_view(file)->pages * page_bytes_of(file);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base maybe_unused, int flags maybe_unused)
{
    return SQLITE_OK;
}

/* ---- lending ---- */

/* A page that is not ours is the template's, which lives as long as the clone. */
static bool is_counted(const struct vfs_file *file, const struct page *page)
{
    return page->owner == file->clone->owner;
}

static int file_fetch(sqlite3_file *base, sqlite3_int64 offset, int amount, void **ret_page)
{
    struct vfs_file *file = file_of(base);
    uint32_t page_bytes = page_bytes_of(file);
    uint64_t index = (uint64_t)offset / page_bytes;

    *ret_page = NULL;
    if (file->lock == SQLITE_LOCK_NONE || amount < 0 || (uint32_t)amount != page_bytes ||
        (uint64_t)offset % page_bytes != 0 || index >= file->pin.pages) {
        return SQLITE_OK;
    }
    struct page *page = pagemap_get(&file->pin, (uint32_t)index + 1);
    if (page == NULL) {
        return SQLITE_OK;
    }
    if (is_counted(file, page)) {
        page_ref(page);
    }
    file->lent++;
    *ret_page = page->data;
    return SQLITE_OK;
}

/* Without a pointer it means "drop mappings", of which there are none. */
static int file_unfetch(sqlite3_file *base, sqlite3_int64 offset maybe_unused, void *data)
{
    struct vfs_file *file = file_of(base);

    if (data == NULL) {
        return SQLITE_OK;
    }
    struct page *page = page_of_data(data);

    assert(file->lent > 0);
    file->lent--;
    if (is_counted(file, page)) {
        page_unref(page);
    }
    return SQLITE_OK;
}

/* ---- the rest ---- */

static int file_control(sqlite3_file *base, int op, void *arg maybe_unused)
{
    struct vfs_file *file = file_of(base);

    if (op == SQLITE_FCNTL_COMMIT_PHASETWO) {
        file->committed = file->lock >= SQLITE_LOCK_RESERVED;
        return SQLITE_OK;
    }
    if (op == SQLITE_FCNTL_SYNC && file->flushing) {
        file->flushing = false;
        return SQLITE_BUSY; /* all pages are written, nothing is committed */
    }
    return SQLITE_NOTFOUND;
}

/* Only what makes the journal's header small: there is no power to lose. */
static int file_sector_bytes(sqlite3_file *base maybe_unused)
{
    return 512;
}

static int file_characteristics(sqlite3_file *base maybe_unused)
{
    return SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_close(sqlite3_file *base)
{
    struct vfs_file *file = file_of(base);
    struct clone *clone = file->clone;

    assert(file->lent == 0);
    if (file->lock >= SQLITE_LOCK_RESERVED) {
        file->committed = false;
        stop_writing(file);
    }
    vfs_file_unpin(file);
    clone->files--;
    clone_unref(clone);
    *file = (struct vfs_file){ 0 };
    return SQLITE_OK;
}

/* No shared memory: so WAL is not possible. */
static const sqlite3_io_methods file_methods = {
    .iVersion = 3,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_bytes,
    .xDeviceCharacteristics = file_characteristics,
    .xFetch = file_fetch,
    .xUnfetch = file_unfetch,
};

void vfs_file_open(struct vfs_file *file, struct clone *clone)
{
    *file = (struct vfs_file){
        .base.pMethods = &file_methods,
        .clone = clone_ref(clone),
        .lock = SQLITE_LOCK_NONE,
    };
    clone->files++;
}

struct vfs_file *vfs_file_of(sqlite3 *db)
{
    sqlite3_file *base = NULL;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &base);
    assert(base != NULL && base->pMethods == &file_methods);
    return file_of(base);
}
