#include "support_disk.h"

#include "support_vfs.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char disk_vfs[] = "disk";

enum { files_most = 4, sector_bytes = 512 };

struct bytes {
    uint8_t *data;
    size_t size;
    size_t cap;
};

/* A write or, without bytes, a truncation that was not synced yet. */
struct change {
    struct change *next;
    size_t at;
    size_t size;
    uint8_t data[];
};

struct disk_inode {
    char name[64];
    bool hidden;
    struct bytes now;
    struct bytes synced;
    struct change *changes;
    struct change **last;
};

struct disk_file {
    sqlite3_file base;
    struct disk_inode *inode;
    int keep_log;
};

static struct {
    struct disk_inode inodes[files_most];
    size_t count;
    uint64_t calls;
    uint64_t fail_at;
    int code;
    bool lasting;
    uint64_t cut_at;
    sqlite3_mutex *lock;
    atomic_bool held;
} disk;

static void lock(void)
{
    sqlite3_mutex_enter(disk.lock);
}

static int unlock(int rc)
{
    sqlite3_mutex_leave(disk.lock);
    return rc;
}

/* ---- bytes ---- */

static void reserve(struct bytes *b, size_t size)
{
    if (size > b->cap) {
        size_t cap = size * 2;

        b->data = realloc(b->data, cap);
        assert_non_null(b->data);
        memset(b->data + b->cap, 0, cap - b->cap);
        b->cap = cap;
    }
}

static void set_size(struct bytes *b, size_t size)
{
    reserve(b, size);
    if (size < b->size) {
        memset(b->data + size, 0, b->size - size);
    }
    b->size = size;
}

static void put(struct bytes *b, size_t at, const void *data, size_t size)
{
    if (at + size > b->size) {
        set_size(b, at + size);
    }
    if (size > 0) {
        memcpy(b->data + at, data, size);
    }
}

static void copy(struct bytes *to, const struct bytes *from)
{
    set_size(to, 0);
    put(to, 0, from->data, from->size);
}

static void forget_changes(struct disk_inode *inode)
{
    while (inode->changes != NULL) {
        struct change *next = inode->changes->next;

        free(inode->changes);
        inode->changes = next;
    }
    inode->last = &inode->changes;
}

static void note(struct disk_inode *inode, size_t at, const void *data, size_t size)
{
    struct change *change = malloc(sizeof(*change) + size);

    assert_non_null(change);
    *change = (struct change){ .at = at, .size = size };
    if (size > 0) {
        memcpy(change->data, data, size);
    }
    *inode->last = change;
    inode->last = &change->next;
}

/* ---- control ---- */

static void wipe(void)
{
    for (size_t i = 0; i < disk.count; i++) {
        forget_changes(&disk.inodes[i]);
        free(disk.inodes[i].now.data);
        free(disk.inodes[i].synced.data);
    }
    memset(disk.inodes, 0, sizeof(disk.inodes));
    disk.count = 0;
    disk.calls = disk.fail_at = disk.cut_at = 0;
}

uint64_t disk_calls(void)
{
    lock();
    uint64_t calls = disk.calls;
    (void)unlock(0);
    return calls;
}

void disk_fail_at(uint64_t call, int code, bool lasting)
{
    lock();
    disk.fail_at = call;
    disk.code = code;
    disk.lasting = lasting;
    (void)unlock(0);
}

void disk_cut_at(uint64_t call)
{
    lock();
    disk.cut_at = call;
    (void)unlock(0);
}

/* What of a change reaches the disk: who only threw dice for its sectors would never see all of a
 * large one, nor only its end. */
enum survivors { NOTHING, EVERYTHING, SOME_SECTORS, BEGINNING, END, SURVIVORS };

static bool survives(enum survivors which, size_t at, size_t border, uint64_t *random)
{
    switch (which) {
    case EVERYTHING:
        return true;
    case SOME_SECTORS:
        return rnd_below(random, 2) == 0;
    case BEGINNING:
        return at < border;
    case END:
        return at >= border;
    default:
        return false;
    }
}

static void apply(struct bytes *to, const struct change *change, uint64_t *random)
{
    enum survivors which = rnd_below(random, SURVIVORS);
    size_t border = rnd_below(random, (uint32_t)change->size + 1);
    size_t done = 0;

    if (change->size == 0 && rnd_below(random, 2) == 0) {
        set_size(to, change->at);
    }
    while (done < change->size) {
        size_t left = sector_bytes - (change->at + done) % sector_bytes;
        size_t n = left < change->size - done ? left : change->size - done;

        if (survives(which, done, border, random)) {
            put(to, change->at + done, change->data + done, n);
        }
        done += n;
    }
}

void disk_restart(uint64_t *random)
{
    lock();
    for (size_t i = 0; i < disk.count; i++) {
        struct disk_inode *inode = &disk.inodes[i];

        for (struct change *c = inode->changes; random != NULL && c != NULL; c = c->next) {
            apply(&inode->synced, c, random);
        }
        if (random == NULL) {
            copy(&inode->synced, &inode->now);
        } else {
            copy(&inode->now, &inode->synced);
        }
        forget_changes(inode);
    }
    disk.cut_at = disk.fail_at = 0;
    (void)unlock(0);
}

/* True when this call fails; *ret_code is what it answers. Under the lock. */
static bool fails_now(int *ret_code)
{
    uint64_t call = ++disk.calls;

    *ret_code = disk.code;
    if (disk.cut_at != 0 && call >= disk.cut_at) {
        *ret_code = SQLITE_IOERR;
        return true;
    }
    return disk.fail_at != 0 && (call == disk.fail_at || (disk.lasting && call > disk.fail_at));
}

static bool is_dead(void)
{
    return disk.cut_at != 0 && disk.calls >= disk.cut_at;
}

static struct disk_inode *find(const char *name)
{
    for (size_t i = 0; i < disk.count; i++) {
        if (strcmp(disk.inodes[i].name, name) == 0) {
            return &disk.inodes[i];
        }
    }
    return NULL;
}

void disk_hold_syncs(bool held)
{
    atomic_store(&disk.held, held);
}

void disk_hide(const char *name, bool hidden)
{
    lock();
    find(name)->hidden = hidden;
    (void)unlock(0);
}

size_t disk_read(const char *name, void *to, size_t size)
{
    lock();
    const struct disk_inode *inode = find(name);
    size_t n = inode == NULL ? 0 : inode->now.size < size ? inode->now.size : size;

    if (n > 0) {
        memcpy(to, inode->now.data, n);
    }
    (void)unlock(0);
    return n;
}

/* ---- files ---- */

static struct disk_inode *inode_of(sqlite3_file *base)
{
    return ((struct disk_file *)base)->inode;
}

static int file_close(sqlite3_file *base)
{
    base->pMethods = NULL;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *to, int amount, sqlite3_int64 offset)
{
    const struct bytes *b = &inode_of(base)->now;
    size_t at = (size_t)offset;
    size_t n = (size_t)amount;
    int rc;

    lock();
    if (fails_now(&rc)) {
        return unlock(rc);
    }
    size_t there = at >= b->size ? 0 : b->size - at < n ? b->size - at : n;
    if (there > 0) {
        memcpy(to, b->data + at, there);
    }
    memset((uint8_t *)to + there, 0, n - there);
    return unlock(there < n ? SQLITE_IOERR_SHORT_READ : SQLITE_OK);
}

static int file_write(sqlite3_file *base, const void *from, int amount, sqlite3_int64 offset)
{
    struct disk_inode *inode = inode_of(base);
    size_t n = (size_t)amount;
    int rc = SQLITE_OK;

    lock();
    if (fails_now(&rc)) {
        n /= 2;
    } else {
        rc = SQLITE_OK;
    }
    if (!is_dead() && n > 0) {
        put(&inode->now, (size_t)offset, from, n);
        note(inode, (size_t)offset, from, n);
    }
    return unlock(rc);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct disk_inode *inode = inode_of(base);
    int rc;

    lock();
    if (fails_now(&rc)) {
        return unlock(rc);
    }
    set_size(&inode->now, (size_t)size);
    note(inode, (size_t)size, NULL, 0);
    return unlock(SQLITE_OK);
}

static int file_sync(sqlite3_file *base, int flags maybe_unused)
{
    struct disk_inode *inode = inode_of(base);
    int rc;

    while (atomic_load(&disk.held)) {
        sched_yield();
    }
    lock();
    if (fails_now(&rc)) {
        return unlock(rc);
    }
    copy(&inode->synced, &inode->now);
    forget_changes(inode);
    return unlock(SQLITE_OK);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    int rc;

    lock();
    *ret_size = (sqlite3_int64)inode_of(base)->now.size;
    return unlock(fails_now(&rc) ? rc : SQLITE_OK);
}

static int file_lock(sqlite3_file *base maybe_unused, int level maybe_unused)
{
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base maybe_unused, int *ret_reserved)
{
    *ret_reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    struct disk_file *file = (struct disk_file *)base;
    int *number = arg;
    int rc;

    if (op == SQLITE_FCNTL_PERSIST_WAL) {
        file->keep_log = *number < 0 ? file->keep_log : *number;
        *number = file->keep_log;
        return SQLITE_OK;
    }
    if (op != SQLITE_FCNTL_HAS_MOVED) {
        return SQLITE_NOTFOUND;
    }
    lock();
    *number = file->inode->hidden;
    return unlock(fails_now(&rc) ? rc : SQLITE_OK);
}

static int file_sector_bytes(sqlite3_file *base maybe_unused)
{
    return sector_bytes;
}

static int file_characteristics(sqlite3_file *base maybe_unused)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Without shared memory: for connections in exclusive mode only. */
static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_bytes,
    .xDeviceCharacteristics = file_characteristics,
};

/* ---- the file system ---- */

static int disk_open(sqlite3_vfs *vfs maybe_unused, sqlite3_filename name, sqlite3_file *base,
                     int flags, int *ret_flags)
{
    struct disk_file *file = (struct disk_file *)base;
    int rc;

    *file = (struct disk_file){ .inode = NULL };
    lock();
    if (fails_now(&rc)) {
        return unlock(rc == SQLITE_FULL ? SQLITE_CANTOPEN : rc);
    }
    struct disk_inode *inode = name == NULL ? NULL : find(name);
    if (inode == NULL) {
        if (name == NULL || disk.count == files_most || strlen(name) >= sizeof(inode->name)) {
            return unlock(SQLITE_CANTOPEN);
        }
        inode = &disk.inodes[disk.count++];
        strcpy(inode->name, name);
        inode->last = &inode->changes;
    }
    file->inode = inode;
    file->base.pMethods = &file_methods;
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return unlock(SQLITE_OK);
}

/* The name stays, with nothing in it: as good as gone for who looks whether a log is there. */
static int disk_delete(sqlite3_vfs *vfs maybe_unused, const char *name, int sync maybe_unused)
{
    int rc;

    lock();
    struct disk_inode *inode = find(name);
    if (fails_now(&rc)) {
        return unlock(rc);
    }
    if (inode == NULL) {
        return unlock(SQLITE_IOERR_DELETE_NOENT);
    }
    forget_changes(inode);
    set_size(&inode->now, 0);
    set_size(&inode->synced, 0);
    return unlock(SQLITE_OK);
}

static int disk_access(sqlite3_vfs *vfs maybe_unused, const char *name, int flags, int *ret_found)
{
    int rc;

    lock();
    const struct disk_inode *inode = find(name);
    *ret_found =
        inode != NULL && !inode->hidden && (flags != SQLITE_ACCESS_EXISTS || inode->now.size > 0);
    return unlock(fails_now(&rc) ? rc : SQLITE_OK);
}

static int disk_full_path(sqlite3_vfs *vfs maybe_unused, const char *name, int cap, char *ret_path)
{
    sqlite3_snprintf(cap, ret_path, "%s", name);
    return SQLITE_OK;
}

static int disk_randomness(sqlite3_vfs *vfs maybe_unused, int count, char *ret_bytes)
{
    memset(ret_bytes, 7, (size_t)count);
    return count;
}

static int disk_sleep(sqlite3_vfs *vfs maybe_unused, int us)
{
    return us;
}

static int disk_time(sqlite3_vfs *vfs maybe_unused, double *ret_days)
{
    *ret_days = 2460000;
    return SQLITE_OK;
}

static int disk_last_error(sqlite3_vfs *vfs maybe_unused, int cap maybe_unused,
                           char *text maybe_unused)
{
    return 0;
}

static sqlite3_vfs the_vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(struct disk_file),
    .mxPathname = 64,
    .zName = disk_vfs,
    .xOpen = disk_open,
    .xDelete = disk_delete,
    .xAccess = disk_access,
    .xFullPathname = disk_full_path,
    .xRandomness = disk_randomness,
    .xSleep = disk_sleep,
    .xCurrentTime = disk_time,
    .xGetLastError = disk_last_error,
};

void disk_begin(void)
{
    if (disk.lock == NULL) {
        disk.lock = sqlite3_mutex_alloc(SQLITE_MUTEX_FAST);
        assert_int_equal(sqlite3_vfs_register(&the_vfs, 0), SQLITE_OK);
    }
    wipe();
}

void disk_end(void)
{
    wipe();
}

sqlite3 *disk_connect(const char *name)
{
    sqlite3 *db = NULL;

    assert_int_equal(
        sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        disk_vfs),
        SQLITE_OK);
    db_exec(db, "PRAGMA mmap_size=0; PRAGMA locking_mode=EXCLUSIVE"); /* no shared memory there */
    return db;
}
