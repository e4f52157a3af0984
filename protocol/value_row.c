/* protocol/value_row.c: the values go straight into the buffer, their lengths are filled in
 * afterwards. */
#include "protocol/value_row.h"

enum { count_bytes = 2, length_bytes = 4 };

static void store_length(struct buf *out, size_t at, uint32_t length)
{
    length = __builtin_bswap32(length);
    memcpy(out->data + at, &length, length_bytes);
}

static int put_value(const struct value_out *value, const struct cell *cell, struct buf *out)
{
    size_t at = out->len;
    int r = buf_reserve(out, length_bytes);

    if (r != 0) {
        return r;
    }
    out->len += length_bytes;
    if (cell->kind == CELL_NULL) {
        store_length(out, at, UINT32_MAX);
        return 0;
    }
    r = value_out_put(value, cell);
    size_t length = out->len - at - length_bytes;

    store_length(out, at, (uint32_t)length);
    return r == 0 && length > INT32_MAX ? BUF_FULL : r;
}

int value_row_put(const struct value_out *values, const struct cell *cells, size_t count,
                  struct buf *out)
{
    size_t start = out->len;
    uint16_t word = __builtin_bswap16((uint16_t)count);
    int r = buf_append(out, &word, count_bytes);

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = put_value(&values[i], &cells[i], out);
    }
    if (r != 0) {
        out->len = start;
    }
    return r;
}
