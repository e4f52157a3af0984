/* client/page.c: see page.h. */
#include "client/page.h"

#include "base/alloc.h"
#include "protocol/reader.h"

#include <errno.h>

enum { page_most_bytes = INT32_MAX };

void columns_finish(struct columns *columns)
{
    mem_free(take_ptr(columns->list));
    buf_finish(&columns->names);
    columns->count = 0;
    columns->known = false;
}

int columns_read(struct columns *columns, const struct msg_values *description)
{
    struct reader r = row_fields(description);
    struct row_field field;
    int answer = 0;

    columns_finish(columns);
    columns->list = mem_alloc(description->count * sizeof(*columns->list));
    if (columns->list == NULL) {
        return -ENOMEM;
    }
    while (answer == 0 && columns->count < description->count && row_field_next(&r, &field)) {
        columns->list[columns->count++] =
            (struct column){ .name_at = columns->names.len, .type_oid = field.type_oid };
        answer = field.format != FORMAT_TEXT
                     ? BUF_FULL
                     : buf_append(&columns->names, field.name.data, field.name.len + 1);
    }
    columns->known = true;
    return answer;
}

void page_clear(struct pond_page *page)
{
    buf_clear(&page->data);
    buf_clear(&page->cells);
    page->rows = 0;
}

void page_finish(struct pond_page *page)
{
    buf_finish(&page->data);
    buf_finish(&page->cells);
    page->rows = 0;
}

/* Walks the copied body: false when it is not just `count` values. */
static bool cut_cells(struct pond_page *page, size_t start, size_t count)
{
    struct page_cell *cells = (void *)(page->cells.data + page->cells.len);
    struct reader r = reader_over(view_of(page->data.data + start, page->data.len - start));

    for (size_t i = 0; i < count; i++) {
        struct view value;
        bool present = reader_value(&r, &value);

        cells[i] =
            (struct page_cell){ .at = (uint32_t)(r.pos - page->data.data) - (uint32_t)value.len,
                                .len = present ? (uint32_t)value.len : CELL_IS_NULL };
    }
    if (!reader_done(&r)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (cells[i].len != CELL_IS_NULL) {
            page->data.data[cells[i].at + cells[i].len] = '\0'; /* at the end: in the room for it */
        }
    }
    return true;
}

int page_add_row(struct pond_page *page, const struct msg_values *row, size_t limit_bytes)
{
    size_t start = page->data.len, len = row->values.len, count = page->columns->count;

    if (row->count != count) {
        return PAGE_BAD_ROW;
    }
    page->data.max = limit_bytes < page_most_bytes ? limit_bytes : page_most_bytes;
    int r = buf_reserve(&page->data, len + 1);
    if (r == 0) {
        r = buf_reserve(&page->cells, (count + 1) * sizeof(struct page_cell)); /* SELECT has none */
    }
    if (r != 0) {
        return r;
    }
    memcpy(page->data.data + start, row->values.data, len);
    page->data.len += len;
    if (!cut_cells(page, start, count)) {
        page->data.len = start;
        return PAGE_BAD_ROW;
    }
    page->data.len++; /* the last NUL */
    page->cells.len += count * sizeof(struct page_cell);
    page->rows++;
    return 0;
}
