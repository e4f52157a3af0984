/* pool/vfs_memfile.h: SQLite's temporary files (sorter runs, temporary tables, VACUUM's copy) and
 * its journals, in memory, charged to the account that is current when they grow. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfs_memfile {
    sqlite3_file base;
    uint8_t **chunks; /* of two sizes */
    size_t chunk_count;
    size_t chunk_cap;
    uint64_t size; /* bytes */
    bool gives_turn;
};

/* gives_turn: reading and writing give up the task's turn at the end of its slice. A sorter merges
 * its runs without ever asking the progress handler; this is where others get in between. Not for
 * files that a COMMIT may write. */
void vfs_memfile_open(struct vfs_memfile *file, bool gives_turn);
