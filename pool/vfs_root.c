/* pool/vfs_root.c: which root of its clone a connection sees: a transaction pins one, and it can be
 * held for longer. See vfs_file.h and vfs.h. */
#include "pool/vfs_file.h"

#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/sweep.h"
#include "pool/vfs.h"

#include <assert.h>

/* The root that the next transaction of this connection begins with. Who writes begins with the
 * newest; and nobody goes back behind what he has written himself. */
static const struct pagemap *next_root(const struct vfs_file *file, uint64_t *ret_version)
{
    const struct clone *clone = file->clone;
    const struct pagemap *shown = clone_shown(clone, ret_version);

    if (*ret_version < file->published || clone_has_writer(clone, file->user)) {
        *ret_version = clone->version;
        return &clone->root;
    }
    return shown;
}

const struct pagemap *vfs_file_view(const struct vfs_file *file)
{
    uint64_t version;

    return file->pinned ? &file->pin : next_root(file, &version);
}

void vfs_file_pin(struct vfs_file *file)
{
    struct pagemap old = file->pinned ? file->pin : (struct pagemap){ 0 };

    file->pin = pagemap_share(next_root(file, &file->version));
    file->pinned = true;
    sweep_map(&old, file->clone->owner);
}

void vfs_file_unpin(struct vfs_file *file)
{
    if (file->pinned) {
        sweep_map(&file->pin, file->clone->owner);
        file->pinned = false;
    }
}

/* ---- held ---- */

void vfs_hold_root(sqlite3 *db)
{
    struct vfs_file *file = vfs_file_of(db);

    if (!file->pinned) {
        vfs_file_pin(file);
    }
    file->held = true;
}

void vfs_drop_root(sqlite3 *db)
{
    struct vfs_file *file = vfs_file_of(db);

    file->held = false;
    if (file->lock == SQLITE_LOCK_NONE) {
        vfs_file_unpin(file);
    }
}

void vfs_share_root(sqlite3 *from, sqlite3 *to)
{
    const struct vfs_file *source = vfs_file_of(from);
    struct vfs_file *file = vfs_file_of(to);

    assert(source->clone == file->clone && source->lock <= SQLITE_LOCK_SHARED && !file->pinned);
    if (source->pinned) {
        file->pin = pagemap_share(&source->pin);
        file->version = source->version;
        file->pinned = true;
        file->held = true;
    }
}

bool vfs_root_is_newest(sqlite3 *db)
{
    const struct vfs_file *file = vfs_file_of(db);
    uint64_t next;

    (void)next_root(file, &next);
    return !file->pinned || file->version == next;
}

uint32_t vfs_schema_version(sqlite3 *db)
{
    uint64_t version;
    const struct page *page1 = pagemap_get(next_root(vfs_file_of(db), &version), 1);

    return page1 == NULL ? 0 : page1_get(page1->data, page1_cookie);
}

void vfs_set_user(sqlite3 *db, const void *user)
{
    vfs_file_of(db)->user = user;
}

bool vfs_sees_newest(sqlite3 *db, uint64_t *ret_version)
{
    const struct vfs_file *file = vfs_file_of(db);
    uint64_t version = file->version;

    if (!file->pinned) {
        (void)next_root(file, &version);
    }
    *ret_version = version;
    return version == file->clone->version;
}

uint64_t vfs_published(sqlite3 *db)
{
    return vfs_file_of(db)->published;
}

void vfs_forget_published(sqlite3 *db)
{
    vfs_file_of(db)->published = 0;
}
