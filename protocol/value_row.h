/* protocol/value_row.h: a row as DataRow and COPY's binary format have it: how many values, then
 * each behind its length; -1 stands for NULL. Pure; any thread. */
#pragma once

#include "protocol/value.h"

/* Appends to `out`, which each of `values` writes to. 0, FAILED (what the failure of `values`
 * says), BUF_FULL or -ENOMEM; then nothing is appended. */
must_check int value_row_put(const struct value_out *values, const struct cell *cells, size_t count,
                             struct buf *out);
