/* pool/spool.c: rows as bytes, in memory and in a file behind it.
 *
 * A row is its length and that of the row before it, so that one steps both ways, and its cells: a
 * kind byte and eight bytes of number or length each, the bytes of texts and blobs behind. Rows go
 * to the file whole, the oldest first: the file has the first rows, `tail` the others. The file is
 * read through a window of one block. For far jumps each stride-th row's place is noted; when there
 * are too many notes every other one goes. */
#include "pool/spool.h"

#include "base/alloc.h"
#include "pool/tempfile.h"

#include <assert.h>
#include <errno.h>

enum { cell_head_bytes = 9, block_bytes = 256 << 10, starts_most = 4096 };

struct row_head {
    uint32_t bytes;  /* of this row, head included */
    uint32_t before; /* of the row before it */
};

/* ---- life ---- */

void spool_init(struct spool *spool, size_t memory, struct tempfile_room *room)
{
    *spool = (struct spool){ .memory = memory, .room = room };
}

void spool_set_seekable(struct spool *spool)
{
    assert(spool->rows == 0);
    spool->seekable = true;
    spool->stride = 1;
}

void spool_finish(struct spool *spool)
{
    struct tempfile *file = take_ptr(spool->file);
    bool seekable = spool->seekable;

    buf_finish(&spool->tail);
    buf_finish(&spool->window);
    buf_finish(&spool->starts);
    spool_init(spool, spool->memory, spool->room);
    if (seekable) {
        spool_set_seekable(spool);
    }
    tempfile_destroy(file);
}

uint64_t spool_bytes(const struct spool *spool)
{
    return tempfile_bytes(spool->file) + spool->tail.len;
}

/* ---- cells ---- */

static bool has_bytes(const struct cell *cell)
{
    return cell->kind == CELL_TEXT || cell->kind == CELL_BLOB;
}

static size_t row_bytes(const struct cell *cells, size_t count)
{
    size_t bytes = sizeof(struct row_head);

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

/* ---- putting ---- */

static bool may_have_file(const struct spool *spool)
{
    return spool->room != NULL && spool->room->limit > 0;
}

/* The rows in memory go to the file. */
static int spill(struct spool *spool)
{
    int r = spool->file == NULL ? tempfile_create(spool->room, &spool->file) : 0;

    if (r == 0) {
        r = tempfile_append(spool->file, spool->tail.data, spool->tail.len);
    }
    if (r == 0) {
        buf_clear(&spool->tail);
        if (spool->tail.cap > block_bytes) {
            buf_finish(&spool->tail);
        }
    }
    return r;
}

/* Once there is a file, memory is for blocks on their way there. */
static size_t memory_of(const struct spool *spool)
{
    size_t most = spool->memory == 0 ? SIZE_MAX : spool->memory;

    return spool->file != NULL && most > block_bytes ? block_bytes : most;
}

/* A row that is larger than the cap stays in memory until the next one comes. */
static int reserve(struct spool *spool, size_t bytes)
{
    size_t most = memory_of(spool);
    bool fits = spool->tail.len <= most && bytes <= most - spool->tail.len;

    if (!fits && !may_have_file(spool)) {
        return BUF_FULL;
    }
    if (!fits && spool->tail.len > 0) {
        int r = spill(spool);

        if (r != 0) {
            return r;
        }
        most = memory_of(spool);
    }
    spool->tail.max = bytes > most ? bytes : most;
    return buf_reserve(&spool->tail, bytes);
}

/* Where memory ends before the cap, the file begins there. */
static int make_room(struct spool *spool, size_t bytes)
{
    int r = reserve(spool, bytes);

    if (r == -ENOMEM && spool->tail.len > 0 && may_have_file(spool)) {
        r = spill(spool);
        if (r == 0) {
            r = reserve(spool, bytes);
        }
    }
    return r;
}

static void thin_out_starts(struct spool *spool)
{
    size_t count = spool->starts.len / sizeof(uint64_t) / 2;

    for (size_t i = 0; i < count; i++) {
        memcpy(spool->starts.data + i * sizeof(uint64_t),
               spool->starts.data + 2 * i * sizeof(uint64_t), sizeof(uint64_t));
    }
    spool->starts.len = count * sizeof(uint64_t);
    spool->stride *= 2;
}

static int note_start(struct spool *spool)
{
    uint64_t start = spool_bytes(spool);

    if (!spool->seekable || spool->rows % spool->stride != 0) {
        return 0;
    }
    if (spool->starts.len == starts_most * sizeof(start)) {
        thin_out_starts(spool);
    }
    return buf_append(&spool->starts, &start, sizeof(start));
}

int spool_put(struct spool *spool, const struct cell *cells, size_t count)
{
    size_t bytes = row_bytes(cells, count);
    struct row_head head = { .bytes = (uint32_t)bytes, .before = spool->last_bytes };
    int r = bytes > UINT32_MAX ? -ENOMEM : make_room(spool, bytes);

    if (r == 0) {
        r = note_start(spool);
    }
    if (r != 0) {
        return r;
    }
    uint8_t *at = spool->tail.data + spool->tail.len;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    for (size_t i = 0; i < count; i++) {
        at = put_cell(at, &cells[i]);
    }
    spool->tail.len += bytes;
    spool->last_bytes = head.bytes;
    spool->rows++;
    return 0;
}

/* ---- getting ---- */

/* The window is put so that it has these bytes. Who goes backward finds most of it in front of
 * him. */
static int move_window(struct spool *spool, uint64_t at, size_t bytes)
{
    uint64_t file_bytes = tempfile_bytes(spool->file);
    uint64_t ahead = bytes < block_bytes / 4 ? 3 * (block_bytes / 4) : 0;
    uint64_t from = at;

    if (spool->window.len > 0 && at < spool->window_at) {
        from = at > ahead ? at - ahead : 0;
    }
    uint64_t len = block_bytes < file_bytes - from ? block_bytes : file_bytes - from;
    if (len < at - from + bytes) {
        len = at - from + bytes;
    }
    buf_clear(&spool->window);
    int r = buf_reserve(&spool->window, (size_t)len);
    if (r == 0) {
        r = tempfile_read(spool->file, from, spool->window.data, (size_t)len);
    }
    if (r == 0) {
        spool->window.len = (size_t)len;
        spool->window_at = from;
    }
    return r;
}

static int look(struct spool *spool, uint64_t at, size_t bytes, const uint8_t **ret_bytes)
{
    uint64_t file_bytes = tempfile_bytes(spool->file);
    int r = 0;

    if (at >= file_bytes) {
        assert(bytes <= spool_bytes(spool) - at);
        *ret_bytes = spool->tail.data + (at - file_bytes);
        return 0;
    }
    if (at < spool->window_at || at - spool->window_at > spool->window.len ||
        bytes > spool->window.len - (at - spool->window_at)) {
        r = move_window(spool, at, bytes);
    }
    if (r == 0) {
        *ret_bytes = spool->window.data + (at - spool->window_at);
    }
    return r;
}

static int look_head(struct spool *spool, struct row_head *ret_head)
{
    const uint8_t *bytes = NULL;
    int r = look(spool, spool->at, sizeof(*ret_head), &bytes);

    if (r == 0) {
        memcpy(ret_head, bytes, sizeof(*ret_head));
    }
    return r;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The nearest place that is known. */
static void jump(struct spool *spool)
{
    uint64_t noted = spool->wanted / spool->stride;
    uint64_t row = noted * spool->stride;

    if (noted < spool->starts.len / sizeof(uint64_t) &&
        distance(row, spool->wanted) < distance(spool->row, spool->wanted)) {
        memcpy(&spool->at, spool->starts.data + noted * sizeof(uint64_t), sizeof(uint64_t));
        spool->row = row;
    }
    if (spool->rows - spool->wanted < distance(spool->row, spool->wanted)) {
        spool->at = spool_bytes(spool);
        spool->row = spool->rows;
    }
}

static int step(struct spool *spool)
{
    struct row_head head = { .before = spool->last_bytes };
    int r = spool->row == spool->rows ? 0 : look_head(spool, &head);

    if (r != 0) {
        return r;
    }
    if (spool->row < spool->wanted) {
        spool->at += head.bytes;
        spool->row++;
    } else {
        spool->at -= head.before;
        spool->row--;
    }
    return 0;
}

static int go_to_wanted(struct spool *spool)
{
    int r = 0;

    if (spool->row != spool->wanted) {
        jump(spool);
    }
    while (r == 0 && spool->row != spool->wanted) {
        r = step(spool);
    }
    return r;
}

int spool_get(struct spool *spool, struct cell *cells, size_t count)
{
    struct row_head head;
    const uint8_t *bytes = NULL;

    if (!spool_has_more(spool)) {
        if (spool->rows > 0 && !spool->seekable) {
            spool_finish(spool);
        }
        return SPOOL_END;
    }
    int r = go_to_wanted(spool);
    if (r == 0) {
        r = look_head(spool, &head);
    }
    if (r == 0) {
        r = look(spool, spool->at, head.bytes, &bytes);
    }
    if (r != 0) {
        return r;
    }
    bytes += sizeof(head);
    for (size_t i = 0; i < count; i++) {
        bytes = get_cell(bytes, &cells[i]);
    }
    spool->at += head.bytes;
    spool->row++;
    spool->wanted = spool->row;
    return 0;
}

uint64_t spool_rows(const struct spool *spool)
{
    return spool->rows;
}

void spool_seek(struct spool *spool, uint64_t row)
{
    assert(spool->seekable && row <= spool->rows);
    spool->wanted = row;
}

/* ---- failures ---- */

int spool_fail(const struct spool *spool, int answer, struct failure *ret_failure)
{
    if (answer != BUF_FULL) {
        return answer == -ENOMEM ? failure_set_nomem(ret_failure)
                                 : tempfile_fail(spool->room, answer, ret_failure);
    }
    failure_set_nomem(ret_failure);
    failure_add(ret_failure, FIELD_DETAIL,
                "The rows that an open cursor has left need more than %zu bytes.", spool->memory);
    failure_add(ret_failure, FIELD_HINT,
                "Raise work_mem of this database, or let it have files by temp_file_limit.");
    return FAILED;
}
