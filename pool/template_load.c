/* pool/template_load.c: an SQLite file, copied by SQLite's backup API into a clone of an empty
 * image; template_load_file() seals that. Blocks. */
#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/sqlite_call.h"
#include "pool/template_impl.h"
#include "pool/vfs.h"

#include <errno.h>
#include <sqlite3.h>

static int say(struct failure *ret_failure, const char *path, sqlite3 *db, int rc)
{
    const char *cause = db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db);

    if (rc == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) {
        return -ENOMEM;
    }
    if (rc == SQLITE_INTERRUPT) {
        return failure_set(ret_failure, "57P01",
                           "loading of database file \"%s\" was cut short: the daemon stops", path);
    }
    return failure_set(ret_failure, "58030", "could not load database file \"%s\": %s", path,
                       cause);
}

static int ask_page_bytes(sqlite3 *db, uint32_t *ret_bytes)
{
    int64_t bytes = 0;
    int rc = sqlite_ask(db, "PRAGMA page_size", &bytes);

    *ret_bytes = (uint32_t)bytes;
    return rc;
}

static int open_source(const char *path, sqlite3 **ret_db, uint32_t *ret_page_bytes)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, ret_db, flags, NULL);

    if (rc == SQLITE_OK) {
        /* The first thing that reads the file: finds out that it is none of SQLite's. */
        rc = sqlite3_exec(*ret_db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? ask_page_bytes(*ret_db, ret_page_bytes) : rc;
}

/* The clone's own page 1, seen by nobody else: says that there is no WAL, whatever the source was.
 */
static void forget_wal(struct clone *clone)
{
    struct page *page1 = pagemap_get_private(&clone->root, 1);

    if (page1 != NULL) {
        page1->data[page1_versions] = page1->data[page1_versions + 1] = 1;
    }
}

/* Copies into the clone; its connection is closed again at the end. */
static int copy_into(struct clone *clone, const struct image_source *source,
                     struct failure *ret_failure)
{
    cleanup(sqlite_closep) sqlite3 *db = NULL;
    int rc = vfs_open_clone(clone, &db);

    if (rc == SQLITE_OK) {
        rc = sqlite_copy(db, source->db, source->stop);
    }
    return rc == SQLITE_OK ? 0 : say(ret_failure, source->path, NULL, rc);
}

int template_copy_image(struct template *empty, const struct clone_limits *limits,
                        const struct image_source *source, struct clone **ret_clone,
                        struct failure *ret_failure)
{
    cleanup(clone_unrefp) struct clone *clone = NULL;

    if (clone_create(empty, limits, &clone) < 0) {
        return -ENOMEM;
    }
    clone->loading = true;
    int r = copy_into(clone, source, ret_failure);
    if (r == 0) {
        forget_wal(clone);
        clone->loading = false;
        *ret_clone = take_ptr(clone);
    }
    return r;
}

int template_load_file(const char *path, const _Atomic bool *stop, struct template **ret_template,
                       struct failure *ret_failure)
{
    cleanup(sqlite_closep) sqlite3 *db = NULL;
    cleanup(template_unrefp) struct template *empty = NULL;
    cleanup(clone_unrefp) struct clone *clone = NULL;
    uint32_t page_bytes = 0;
    int rc = open_source(path, &db, &page_bytes);

    if (rc != SQLITE_OK) {
        return say(ret_failure, path, db, rc);
    }
    if (template_create_sized(page_bytes, &empty) < 0) {
        return -ENOMEM;
    }
    const struct image_source source = { .db = db, .path = path, .stop = stop };
    int r = template_copy_image(empty, NULL, &source, &clone, ret_failure);
    if (r != 0) {
        return r;
    }
    return template_seal(clone, ret_template);
}
