/* client/page.h: rows as they came, in one block, and where each value lies in it.
 *
 * A row's body is copied as a whole; then the first byte of the length that follows a value, which
 * was read already, becomes the NUL behind that value. */
#pragma once

#include "base/buf.h"
#include "client/pond.h"
#include "protocol/backend.h"

struct column {
    size_t name_at; /* in names */
    uint32_t type_oid;
};

struct columns {
    struct column *list;
    size_t count;
    struct buf names;
    bool known; /* a RowDescription came */
};
void columns_finish(struct columns *columns);
/* 0, -ENOMEM, or BUF_FULL for a format that was not asked for. */
must_check int columns_read(struct columns *columns, const struct msg_values *description);

/* NULL is so many bytes. */
#define CELL_IS_NULL UINT32_MAX

struct page_cell {
    uint32_t at;
    uint32_t len;
};

struct pond_page {
    const struct columns *columns;
    struct buf data;
    struct buf cells; /* of struct page_cell */
    size_t rows;
};
void page_clear(struct pond_page *page); /* keeps the memory */
void page_finish(struct pond_page *page);

enum { PAGE_BAD_ROW = 2 };
/* 0, PAGE_BAD_ROW, BUF_FULL over limit_bytes, -ENOMEM. */
must_check int page_add_row(struct pond_page *page, const struct msg_values *row,
                            size_t limit_bytes);
