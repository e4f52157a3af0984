/* pool/vfs.c: see vfs.h. The VFS itself: which file is what. A clone comes to xOpen by a
 * thread-local pointer, which is set only while its connection is being opened. */
#include "pool/vfs.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "pool/vfs_file.h"
#include "pool/vfs_impl.h"
#include "pool/vfs_memfile.h"

#include <sqlite3.h>
#include <string.h>

/* The name under which a clone is opened; it means nothing. */
static const char main_name[] = "clone";

enum {
    temporary_files = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_TRANSIENT_DB |
                      SQLITE_OPEN_SUBJOURNAL | SQLITE_OPEN_MAIN_JOURNAL,
    longest_name_bytes = 64,
};

static _Thread_local struct clone *opening;

/* SQLite's own VFS, for what does not concern files. */
static sqlite3_vfs *platform(void)
{
    static sqlite3_vfs *found;
    sqlite3_vfs *vfs = __atomic_load_n(&found, __ATOMIC_RELAXED);

    if (vfs == NULL) {
        vfs = sqlite3_vfs_find(NULL);
        __atomic_store_n(&found, vfs, __ATOMIC_RELAXED);
    }
    return vfs;
}

static int pond_open(sqlite3_vfs *vfs maybe_unused, sqlite3_filename name maybe_unused,
                     sqlite3_file *file, int flags, int *ret_flags)
{
    file->pMethods = NULL;
    if ((flags & temporary_files) != 0) {
        vfs_memfile_open((struct vfs_memfile *)file,
                         (flags & (SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_MAIN_JOURNAL)) == 0);
    } else if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && opening != NULL) {
        vfs_file_open((struct vfs_file *)file, opening);
        opening = NULL;
    } else {
        return SQLITE_CANTOPEN;
    }
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

/* Only journals have a name, and they are gone once they are closed. */
static int pond_delete(sqlite3_vfs *vfs maybe_unused, const char *name maybe_unused,
                       int sync maybe_unused)
{
    return SQLITE_OK;
}

/* None is found by its name: a journal is its connection's alone. */
static int pond_access(sqlite3_vfs *vfs maybe_unused, const char *name maybe_unused,
                       int flags maybe_unused, int *ret_found)
{
    *ret_found = 0;
    return SQLITE_OK;
}

static int pond_full_path(sqlite3_vfs *vfs maybe_unused, const char *name, int cap, char *ret_path)
{
    size_t len = strlen(name);

    if (cap <= 0 || len >= (size_t)cap) {
        return SQLITE_CANTOPEN;
    }
    memcpy(ret_path, name, len + 1);
    return SQLITE_OK;
}

static int pond_randomness(sqlite3_vfs *vfs maybe_unused, int count, char *ret_bytes)
{
    return platform()->xRandomness(platform(), count, ret_bytes);
}

/* A task gives up its turn instead of stopping its loop. */
static int pond_sleep(sqlite3_vfs *vfs maybe_unused, int us)
{
    struct loop *loop = loop_current();

    if (task_current() == NULL || loop == NULL) {
        return platform()->xSleep(platform(), us);
    }
    /* Cancelled: SQLite asks the progress handler next. */
    int rc maybe_unused = await_until(clock_after_us(loop_clock(loop), us));
    return us;
}

static int pond_time(sqlite3_vfs *vfs maybe_unused, sqlite3_int64 *ret_ms)
{
    return platform()->xCurrentTimeInt64(platform(), ret_ms);
}

static int pond_time_days(sqlite3_vfs *vfs maybe_unused, double *ret_days)
{
    return platform()->xCurrentTime(platform(), ret_days);
}

static int pond_last_error(sqlite3_vfs *vfs maybe_unused, int cap maybe_unused,
                           char *text maybe_unused)
{
    return 0;
}

static sqlite3_vfs pond_vfs = {
    .iVersion = 2,
    .szOsFile = sizeof(struct vfs_file) > sizeof(struct vfs_memfile) ? sizeof(struct vfs_file)
                                                                     : sizeof(struct vfs_memfile),
    .mxPathname = longest_name_bytes,
    .zName = "pond",
    .xOpen = pond_open,
    .xDelete = pond_delete,
    .xAccess = pond_access,
    .xFullPathname = pond_full_path,
    .xRandomness = pond_randomness,
    .xSleep = pond_sleep,
    .xCurrentTime = pond_time_days,
    .xGetLastError = pond_last_error,
    .xCurrentTimeInt64 = pond_time,
};

int vfs_register(void)
{
    return sqlite3_vfs_register(&pond_vfs, 0);
}

/* What happens at power loss is of no interest. (`journal_mode=MEMORY` would be a journal in chunks
 * of 1 KiB: to free those of a large transaction at its COMMIT held the loop for 7 ms in 40 MB.) */
static int settle(sqlite3 *db)
{
    return sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
}

int vfs_open_clone(struct clone *clone, sqlite3 **ret_db)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    sqlite3 *db = NULL;

    opening = clone;
    int rc = sqlite3_open_v2(main_name, &db, flags, pond_vfs.zName);
    opening = NULL;
    if (rc == SQLITE_OK) {
        rc = settle(db);
    }
    if (rc != SQLITE_OK) {
        sqlite3_close(db);
        return rc;
    }
    *ret_db = db;
    return SQLITE_OK;
}
