/* pool/vfs_memfile.h: SQLite's temporary files (sorter runs, temporary tables, VACUUM's copy), in
 * memory, charged to the account that is current when they grow. */
#pragma once

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct vfs_memfile {
    sqlite3_file base;
    uint8_t **chunks; /* each memfile_chunk_bytes long */
    size_t chunk_count;
    size_t chunk_cap;
    uint64_t size; /* bytes */
};

void vfs_memfile_open(struct vfs_memfile *file);
