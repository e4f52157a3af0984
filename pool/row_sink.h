/* pool/row_sink.h: where a statement's rows go. The daemon's encodes DataRow messages; seeding's
 * drops them. */
#pragma once

#include "base/cell.h"
#include "base/failure.h"

struct row_sink {
    /* One row. The cells live for the call only. May await (a full output buffer awaits the
     * client). 0, FAILED, or -errno when nobody is there to take rows any more. */
    int (*row)(struct row_sink *sink, const struct cell *cells, size_t count,
               struct failure *ret_failure);
};
