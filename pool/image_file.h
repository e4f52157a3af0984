/* pool/image_file.h: a database image as a file of SQLite's, in one folder. */
#pragma once

#include "base/failure.h"

struct image;

/* The longest name of such a file, in bytes. */
enum { image_name_most = 200 };

/* Is it a plain name: no folder, not hidden, nothing but what can be seen? 0 or FAILED (22004,
 * 42602, 42622). */
must_check int image_check_name(struct view name, struct failure *ret_failure);

/* Writes the image to folder/name, which must not be there: under another name first, so that it is
 * there as a whole or not at all, even after power loss. Blocks; any thread. 0 or FAILED (58P02: it
 * is there already, 53100, 58030). */
must_check int image_write_file(const struct image *image, const char *folder, const char *name,
                                int64_t *ret_bytes, struct failure *ret_failure);
