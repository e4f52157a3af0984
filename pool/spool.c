/* pool/spool.c: each cell is a kind byte and eight bytes of number or length, the bytes of texts
 * and blobs behind. */
#include "pool/spool.h"

#include <assert.h>

enum { cell_head_bytes = 9 };

void spool_init(struct spool *spool, size_t max_bytes)
{
    buf_init(&spool->rows, max_bytes);
    buf_init(&spool->starts, max_bytes);
    spool->read = 0;
    spool->seekable = false;
}

void spool_set_seekable(struct spool *spool)
{
    spool->seekable = true;
}

void spool_finish(struct spool *spool)
{
    buf_finish(&spool->rows);
    buf_finish(&spool->starts);
    spool->read = 0;
}

static bool has_bytes(const struct cell *cell)
{
    return cell->kind == CELL_TEXT || cell->kind == CELL_BLOB;
}

static size_t row_bytes(const struct cell *cells, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += cell_head_bytes + (has_bytes(&cells[i]) ? cells[i].bytes.len : 0);
    }
    return bytes;
}

static uint8_t *put_cell(uint8_t *at, const struct cell *cell)
{
    uint64_t number = 0;

    if (has_bytes(cell)) {
        number = cell->bytes.len;
    } else if (cell->kind == CELL_REAL) {
        memcpy(&number, &cell->r, sizeof(number));
    } else if (cell->kind == CELL_INT) {
        number = (uint64_t)cell->i;
    }
    *at++ = (uint8_t)cell->kind;
    memcpy(at, &number, sizeof(number));
    at += sizeof(number);
    if (has_bytes(cell) && number > 0) {
        memcpy(at, cell->bytes.data, number);
        at += number;
    }
    return at;
}

int spool_put(struct spool *spool, const struct cell *cells, size_t count)
{
    size_t bytes = row_bytes(cells, count);
    int r = buf_reserve(&spool->rows, bytes);

    if (r == 0 && spool->seekable) {
        uint64_t start = spool->rows.len;

        r = buf_append(&spool->starts, &start, sizeof(start));
    }
    if (r != 0) {
        return r;
    }
    uint8_t *at = spool->rows.data + spool->rows.len;
    for (size_t i = 0; i < count; i++) {
        at = put_cell(at, &cells[i]);
    }
    spool->rows.len += bytes;
    return 0;
}

static const uint8_t *get_cell(const uint8_t *at, struct cell *cell)
{
    uint64_t number;

    cell->kind = (enum cell_kind) * at++;
    memcpy(&number, at, sizeof(number));
    at += sizeof(number);
    if (has_bytes(cell)) {
        cell->bytes = view_of(at, number);
        return at + number;
    }
    if (cell->kind == CELL_REAL) {
        memcpy(&cell->r, &number, sizeof(number));
    } else {
        cell->i = (int64_t)number;
    }
    return at;
}

bool spool_get(struct spool *spool, struct cell *cells, size_t count)
{
    assert(spool->read <= spool->rows.len);
    if (spool->read == spool->rows.len) {
        return false;
    }
    const uint8_t *at = spool->rows.data + spool->read;
    for (size_t i = 0; i < count; i++) {
        at = get_cell(at, &cells[i]);
    }
    spool->read = (size_t)(at - spool->rows.data);
    return true;
}

size_t spool_rows(const struct spool *spool)
{
    return spool->starts.len / sizeof(uint64_t);
}

void spool_seek(struct spool *spool, size_t row)
{
    uint64_t start = spool->rows.len;

    assert(spool->seekable && row <= spool_rows(spool));
    if (row < spool_rows(spool)) {
        memcpy(&start, spool->starts.data + row * sizeof(start), sizeof(start));
    }
    spool->read = start;
}
