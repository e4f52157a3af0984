/* pool/wal.h: SQLite's write-ahead log as bytes: its header, the headers of its frames, and their
 * checksums (https://sqlite.org/fileformat2.html, section 4). Pure: writes to memory only. */
#pragma once

#include "base/defs.h"

enum { wal_header_bytes = 32, wal_frame_bytes = 24 };

/* Where a log has got to: each checksum goes on from the one before. */
struct wal {
    uint32_t page_bytes;
    uint32_t sequence; /* how often it was begun anew */
    uint32_t salt[2];  /* frames with other ones are of an older log, and do not count */
    uint32_t sum[2];
};

/* Begins the log anew. `salt` is random the first time; later ones may repeat it. */
void wal_begin(struct wal *wal, uint32_t page_bytes, uint32_t salt,
               uint8_t header[wal_header_bytes]);

/* The header of the next frame, which holds page `number`. `pages` is the size of the image after
 * the commit that this frame ends; 0: it ends none. */
void wal_frame(struct wal *wal, uint32_t number, uint32_t pages, const uint8_t *page,
               uint8_t header[wal_frame_bytes]);
