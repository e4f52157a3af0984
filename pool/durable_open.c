/* pool/durable_open.c: how a durable database's file is opened, filled, recovered and closed. All
 * of it is SQLite's own doing. */
#include "pool/durable_file_impl.h"

#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/sqlite_call.h"
#include "pool/template_impl.h"
#include "pool/vfs.h"

#include <errno.h>
#include <string.h>

/* ---- failures ---- */

/* SQLite's code says that it could not be opened; the system's, why. */
static int fail_to_open(const struct durable_file *file, int rc, struct failure *ret_failure)
{
    int error = file->keeper == NULL ? 0 : sqlite3_system_errno(file->keeper);

    return failure_set(ret_failure, failure_errno_sqlstate(error),
                       "could not open database file \"%s\": %s", file->path,
                       error == 0 ? sqlite3_errstr(rc) : strerror(error));
}

static int fail(const struct durable_file *file, int rc, struct failure *ret_failure)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return failure_set_nomem(ret_failure);
    case SQLITE_INTERRUPT:
        return failure_set(ret_failure, "57P01",
                           "opening of database file \"%s\" was cut short: the daemon stops",
                           file->path);
    case SQLITE_BUSY:
        failure_set(ret_failure, "55006", "database file \"%s\" is being used by another process",
                    file->path);
        failure_add(ret_failure, FIELD_HINT, "A durable database is one pondd's alone.");
        return FAILED;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return failure_set(ret_failure, "XX001", "database file \"%s\": %s", file->path,
                           sqlite3_errstr(rc));
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return failure_set(ret_failure, "42501", "database file \"%s\" may not be written to",
                           file->path);
    case SQLITE_FULL:
        failure_set(ret_failure, "53100", "could not write to database file \"%s\": %s", file->path,
                    sqlite3_errstr(rc));
        failure_add(ret_failure, FIELD_HINT, "Make room on its disk.");
        return FAILED;
    case SQLITE_CANTOPEN:
        return fail_to_open(file, rc, ret_failure);
    default:
        return failure_set(ret_failure, "58030", "could not read database file \"%s\": %s",
                           file->path, sqlite3_errstr(rc));
    }
}

static int run(struct durable_file *file, const char *sql)
{
    return sqlite3_exec(file->keeper, sql, NULL, NULL, NULL);
}

/* ---- open ---- */

/* The lock stays when the transaction is over. In the transaction SQLite has a first page for a
 * file that is empty; the file itself has none. */
static int lock_file(struct durable_file *file)
{
    sqlite3_int64 bytes = 0;
    int rc = run(file, "PRAGMA mmap_size=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; "
                       "SELECT count(*) FROM sqlite_schema");

    if (rc == SQLITE_OK) {
        rc = sqlite3_file_control(file->keeper, "main", SQLITE_FCNTL_FILE_POINTER, &file->db);
    }
    if (rc == SQLITE_OK) {
        rc = file->db->pMethods->xFileSize(file->db, &bytes);
        file->is_new = bytes == 0;
    }
    return rc == SQLITE_OK ? run(file, "ROLLBACK") : rc;
}

static int open_keeper(struct durable_file *file, const char *vfs)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(file->path, &file->keeper, flags, vfs);

    if (rc == SQLITE_OK && sqlite3_db_readonly(file->keeper, "main") != 0) {
        rc = SQLITE_READONLY; /* the lock of one in WAL mode would fail, and say less */
    }
    return rc == SQLITE_OK ? lock_file(file) : rc;
}

static struct durable_file *file_new(const char *path, const char *vfs, enum durable_sync sync)
{
    struct durable_file *file = mem_zalloc(sizeof(*file));

    if (file == NULL) {
        return NULL;
    }
    file->sync = sync;
    file->vfs = sqlite3_vfs_find(vfs);
    file->path = mem_strdup(path);
    if (file->path == NULL) {
        durable_file_close(file, true);
        return NULL;
    }
    return file;
}

int durable_file_open(const char *path, const char *vfs, enum durable_sync sync,
                      struct durable_file **ret_file, struct failure *ret_failure)
{
    struct durable_file *file = file_new(path, vfs, sync);

    if (file == NULL) {
        return failure_set_nomem(ret_failure);
    }
    int rc = open_keeper(file, vfs);
    if (rc == SQLITE_OK) {
        *ret_file = file;
        return 0;
    }
    (void)fail(file, rc, ret_failure);
    durable_file_close(file, true);
    return FAILED;
}

/* ---- fill ---- */

bool durable_file_is_new(const struct durable_file *file)
{
    return file->is_new;
}

/* In one transaction, by a rollback journal: should it not come to its end, the file is new again.
 * Only settle() gives it a log. */
static int copy_image(struct durable_file *file, struct template *image, const _Atomic bool *stop)
{
    cleanup(clone_unrefp) struct clone *clone = NULL;
    cleanup(sqlite_closep) sqlite3 *source = NULL;

    if (clone_create(image, NULL, &clone) != 0) {
        return SQLITE_NOMEM;
    }
    int rc = vfs_open_clone(clone, &source);
    return rc == SQLITE_OK ? sqlite_copy(file->keeper, source, stop) : rc;
}

int durable_file_fill(struct durable_file *file, struct template *image, const _Atomic bool *stop,
                      struct failure *ret_failure)
{
    int rc = template_page_count(image) > 0 ? copy_image(file, image, stop) : SQLITE_OK;

    return rc == SQLITE_OK ? 0 : fail(file, rc, ret_failure);
}

/* ---- load ---- */

/* From here on the log is empty, and open. */
static int settle(struct durable_file *file)
{
    int64_t page_bytes = 0;
    int64_t busy = 1;
    int rc = run(file, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; "
                       "PRAGMA journal_mode=WAL");

    if (rc == SQLITE_OK) {
        rc = sqlite_ask(file->keeper, "PRAGMA wal_checkpoint(TRUNCATE)", &busy);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_ask(file->keeper, "PRAGMA page_size", &page_bytes);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_file_control(file->keeper, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file->log);
        file->log_path = sqlite3_filename_wal(sqlite3_db_filename(file->keeper, "main"));
    }
    if (rc == SQLITE_OK && (busy != 0 || file->log->pMethods == NULL)) {
        rc = SQLITE_CANTOPEN; /* there is no log: where the folder may not be written to */
    }
    file->page_bytes = (uint32_t)page_bytes;
    return rc;
}

/* SQLite takes a last page that is cut off as it is. */
static int check_whole(struct durable_file *file)
{
    sqlite3_int64 bytes = 0;
    int rc = file->db->pMethods->xFileSize(file->db, &bytes);

    return rc == SQLITE_OK && bytes % file->page_bytes != 0 ? SQLITE_CORRUPT : rc;
}

static int check_size(struct durable_file *file, size_t memory, struct failure *ret_failure)
{
    int64_t pages = 0;
    int rc = check_whole(file);

    if (rc == SQLITE_OK) {
        rc = sqlite_ask(file->keeper, "PRAGMA page_count", &pages);
    }
    if (rc != SQLITE_OK) {
        return fail(file, rc, ret_failure);
    }
    if (memory == 0 || (uint64_t)pages * file->page_bytes <= memory) {
        return 0;
    }
    failure_set(ret_failure, "53200", "database file \"%s\" has %lld bytes", file->path,
                (long long)pages * file->page_bytes);
    failure_add(ret_failure, FIELD_HINT,
                "A durable database is kept in memory, too: raise its clone_memory.");
    return FAILED;
}

int durable_file_load(struct durable_file *file, const struct clone_limits *limits,
                      const _Atomic bool *stop, struct clone **ret_clone,
                      struct failure *ret_failure)
{
    const struct image_source source = { .db = file->keeper, .path = file->path, .stop = stop };
    cleanup(template_unrefp) struct template *empty = NULL;
    int rc = settle(file);

    if (rc != SQLITE_OK) {
        return fail(file, rc, ret_failure);
    }
    if (check_size(file, limits->memory, ret_failure) != 0) {
        return FAILED;
    }
    file->chunk = mem_alloc(durable_chunk_bytes);
    file->page = mem_alloc(file->page_bytes);
    if (file->chunk == NULL || file->page == NULL ||
        template_create_sized(file->page_bytes, &empty) != 0) {
        return failure_set_nomem(ret_failure);
    }
    int r = template_copy_image(empty, limits, &source, ret_clone, ret_failure);
    return r == -ENOMEM ? failure_set_nomem(ret_failure) : r;
}

/* ---- close ---- */

void durable_file_close(struct durable_file *file, bool keep_log)
{
    int keep = keep_log;

    if (file == NULL) {
        return;
    }
    if (file->keeper != NULL) {
        (void)sqlite3_file_control(file->keeper, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
        sqlite3_close(file->keeper);
    }
    mem_free(file->chunk);
    mem_free(file->page);
    mem_free(file->path);
    mem_free(file);
}
