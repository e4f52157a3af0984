/* conf/file.h: a whole file of the configuration as one text. */
#pragma once

#include "base/buf.h"
#include "base/failure.h"

/* Appends it to `text`, whose max is the most that it may be long. 0, FAILED (names the file) or
 * -ENOMEM. */
must_check int conf_file_read(const char *path, struct buf *text, struct failure *ret_failure);
