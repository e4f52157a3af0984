/* pool/image.c: shares the tree that the connection reads.
 *
 * What a transaction has written lies in SQLite's page cache until it commits, and SQLite offers no
 * way to have all of it written earlier (sqlite3_db_cacheflush() leaves out pages in use, page 1
 * always). But a COMMIT that meets SQLITE_BUSY leaves its transaction open, to be tried again
 * later. So SQLite is told to commit, writes every page into the connection's private tree, and is
 * turned away at its last step, where it would have the file synced (vfs_file.c). The tree is then
 * the image; the transaction goes on, and can be committed and rolled back as before. */
#include "pool/image.h"

#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/session_state.h"
#include "pool/sqlite_call.h"
#include "pool/sqlite_error.h"
#include "pool/sweep.h"
#include "pool/vfs_file.h"

#include <assert.h>
#include <stdio.h>

/* ---- a transaction that has written ---- */

/* A transaction without a changed page would be committed at once, without asking for a sync: this
 * writes page 1 as it is. */
static int touch(struct session *session)
{
    char text[48];
    int64_t version = 0;
    int rc = sqlite_ask(session->db, "PRAGMA user_version", &version);

    snprintf(text, sizeof(text), "PRAGMA user_version=%d", (int)version);
    return rc == SQLITE_OK ? session_run_internal(session, text) : rc;
}

static int fail(sqlite3 *db, int rc, struct failure *ret_failure)
{
    if ((rc & 0xff) == SQLITE_CONSTRAINT) {
        return failure_set(ret_failure, "23503",
                           "the transaction violates a deferred foreign key constraint");
    }
    const struct sqlite_error error = {
        .db = db, .code = rc, .message = sqlite3_errmsg(db), .offset = -1
    };
    return sqlite_error_translate(&error, ret_failure);
}

/* A COMMIT beside a statement that writes is SQLITE_BUSY, too, but before it has written a page. */
static int flush(struct session *session, struct failure *ret_failure)
{
    struct vfs_file *file = vfs_file_of(session->db);
    bool by_itself = sqlite3_get_autocommit(session->db) != 0; /* a statement in no transaction */
    int rc = by_itself ? SQLITE_BUSY : touch(session);

    if (rc == SQLITE_OK) {
        file->flushing = true;
        rc = session_run_internal(session, "COMMIT");
        assert(rc != SQLITE_OK);
    }
    if (rc == SQLITE_BUSY && (by_itself || file->flushing)) {
        file->flushing = false;
        return failure_set(ret_failure, "0A000",
                           "the database image cannot be read by a statement that writes");
    }
    file->flushing = false;
    return rc == SQLITE_BUSY ? 0 : fail(session->db, rc, ret_failure);
}

/* ---- the image ---- */

int image_take(struct session *session, sqlite3 *db, struct image *ret_image,
               struct failure *ret_failure)
{
    const struct vfs_file *file = vfs_file_of(db);

    if (sqlite3_txn_state(db, "main") == SQLITE_TXN_WRITE) {
        assert(db == session->db);
        if (flush(session, ret_failure) != 0) {
            return FAILED;
        }
    }
    *ret_image = (struct image){
        .clone = clone_ref(file->clone),
        .map = pagemap_share(vfs_file_view(file)),
    };
    return 0;
}

void image_finish(struct image *image)
{
    if (image->clone != NULL) {
        sweep_map(&image->map, image->clone->owner);
        clone_unref(image->clone);
    }
    *image = (struct image){ 0 };
}

uint32_t image_pages(const struct image *image)
{
    return image->map.pages;
}

uint32_t image_page_bytes(const struct image *image)
{
    return image->clone->owner->page_bytes;
}

const uint8_t *image_page(const struct image *image, uint32_t number)
{
    const struct page *page = pagemap_get(&image->map, number);

    return page == NULL ? NULL : page->data;
}
