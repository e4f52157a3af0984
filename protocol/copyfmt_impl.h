/* protocol/copyfmt_impl.h: what the files behind copyfmt.h share: copyfmt.c cuts lines,
 * copyfmt_split.c a line into its fields, copyfmt_binary.c reads binary rows, copyfmt_write.c
 * writes all of them. */
#pragma once

#include "protocol/copyfmt.h"

static inline int copy_fail(struct failure *f, const char *message)
{
    return failure_set(f, "22P04", "%s", message);
}
