/* pool/image.h: the database image that a connection sees, page by page: what an SQLite file of it
 * would hold.
 *
 * The image is that of one moment and stays what it was, whatever is written later: it shares the
 * tree of the root (pool/pagemap.h), and holds a reference on the clone. What the session's own
 * transaction has written is in it. Clone's loop. */
#pragma once

#include "base/failure.h"
#include "pool/pagemap.h"

struct clone;
struct session;
struct sqlite3;

/* Zero bytes are no image. */
struct image {
    struct clone *clone;
    struct pagemap map;
};

/* What `db` sees, the session's connection or one that its cursors have taken. Statements that only
 * read may be running. 0 or FAILED: 0A000 inside of one that writes, 23503 while the transaction
 * violates a deferred foreign key, and what a COMMIT may meet (53100, 53200; as there, the
 * transaction is lost then). Awaits nothing. */
must_check int image_take(struct session *session, struct sqlite3 *db, struct image *ret_image,
                          struct failure *ret_failure);
void image_finish(struct image *image);

uint32_t image_pages(const struct image *image);
uint32_t image_page_bytes(const struct image *image);
/* Lends the bytes of page 1 to image_pages(); NULL: they are all zeroes. */
const uint8_t *image_page(const struct image *image, uint32_t number);
