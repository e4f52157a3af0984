/* pool/vfs_file.h: a clone as SQLite's main database file: pins, the dirty tree, publishing,
 * lending. See pool/vfs.h. */
#pragma once

#include "pool/pagemap.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdbool.h>

struct clone;

/* SQLite allocates three of these per connection: keep it small. */
struct vfs_file {
    sqlite3_file base;
    struct clone *clone; /* counted */
    struct pagemap pin;  /* what this connection sees; its write's own tree from RESERVED on */
    uint64_t version;    /* of the clone's root when it was pinned */
    const void *user;    /* who has the writer's place when this connection writes */
    uint64_t published;  /* the clone's version that it made last */
    uint32_t lent;       /* pages between xFetch and xUnfetch */
    uint8_t lock;        /* SQLITE_LOCK_NONE ... SQLITE_LOCK_EXCLUSIVE */
    bool pinned;         /* pin is valid */
    bool held;           /* the pin outlives the read transaction */
    bool dirty;          /* the pin is a tree of our own that differs from the clone's root */
    bool committed;      /* SQLite said that the commit is done */
    bool flushing;       /* the COMMIT that comes shall be turned away at its end (image.c) */
};
static_assert(sizeof(struct vfs_file) < 200, "SQLite allocates it three times");

/* Makes `file` (zeroed or not) an open file on the clone. */
void vfs_file_open(struct vfs_file *file, struct clone *clone);
/* The main file of a connection that vfs_open_clone() made. */
struct vfs_file *vfs_file_of(sqlite3 *db);

/* ---- vfs_root.c ---- */

/* What the connection sees now. Without a lock SQLite only looks at the header, when it opens. */
const struct pagemap *vfs_file_view(const struct vfs_file *file);
/* Sees the newest root from now on, whatever it saw; and none. */
void vfs_file_pin(struct vfs_file *file);
void vfs_file_unpin(struct vfs_file *file);
