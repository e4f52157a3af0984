/* client/row.c: typed getters. Values are text, as the server wrote them. */
#include "client/page.h"
#include "protocol/number.h"
#include "protocol/pgtype.h"

static const struct page_cell *cell_of(struct pond_row row, size_t column)
{
    if (row.page_ == NULL || row.index_ >= row.page_->rows || column >= row.page_->columns->count) {
        return NULL;
    }
    const struct page_cell *cells = (const void *)row.page_->cells.data;

    return &cells[row.index_ * row.page_->columns->count + column];
}

/* 0, POND_IS_NULL or POND_USAGE. */
static int value_of(struct pond_row row, size_t column, struct view *ret_value)
{
    const struct page_cell *cell = cell_of(row, column);

    if (cell == NULL) {
        return POND_USAGE;
    }
    if (cell->len == CELL_IS_NULL) {
        return POND_IS_NULL;
    }
    *ret_value = view_of(row.page_->data.data + cell->at, cell->len);
    return 0;
}

static const struct column *column_of(struct pond_row row, size_t column)
{
    return row.page_ == NULL || column >= row.page_->columns->count
               ? NULL
               : &row.page_->columns->list[column];
}

/* ---- what a row is ---- */

struct pond_row pond_row_at(struct pond_row first, size_t offset)
{
    first.index_ += offset;
    return first;
}

size_t pond_row_columns(struct pond_row row)
{
    return row.page_ == NULL ? 0 : row.page_->columns->count;
}

const char *pond_row_name(struct pond_row row, size_t column)
{
    const struct column *c = column_of(row, column);

    return c == NULL ? NULL : (const char *)row.page_->columns->names.data + c->name_at;
}

uint32_t pond_row_type(struct pond_row row, size_t column)
{
    const struct column *c = column_of(row, column);

    return c == NULL ? 0 : c->type_oid;
}

int pond_row_find(struct pond_row row, const char *name)
{
    for (size_t i = 0; i < pond_row_columns(row); i++) {
        if (strcmp(pond_row_name(row, i), name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool pond_row_is_null(struct pond_row row, size_t column)
{
    const struct page_cell *cell = cell_of(row, column);

    return cell != NULL && cell->len == CELL_IS_NULL;
}

/* ---- numbers ---- */

static bool is_integer(uint32_t oid)
{
    return oid == OID_INT2 || oid == OID_INT4 || oid == OID_INT8 || oid == OID_OID ||
           oid == OID_XID;
}

static bool is_float(uint32_t oid)
{
    return oid == OID_FLOAT4 || oid == OID_FLOAT8;
}

/* The value of a column whose type is judged first: a NULL of a wrong type is of a wrong type. */
static int typed_value(struct pond_row row, size_t column, bool fits, struct view *ret_value)
{
    if (cell_of(row, column) == NULL) {
        return POND_USAGE;
    }
    return fits ? value_of(row, column, ret_value) : POND_TYPE;
}

static int decimal_as_int(struct view text, int64_t *ret_value)
{
    struct decimal d;

    if (decimal_parse(text, &d) != 0 || d.kind != DECIMAL_FINITE ||
        !decimal_to_int(&d, ret_value)) {
        return POND_RANGE;
    }
    return 0;
}

int pond_row_int64(struct pond_row row, size_t column, int64_t *ret_value)
{
    uint32_t oid = pond_row_type(row, column);
    struct view text;
    int r = typed_value(row, column, is_integer(oid) || oid == OID_NUMERIC, &text);

    if (r != 0) {
        return r;
    }
    if (oid == OID_NUMERIC) {
        return decimal_as_int(text, ret_value);
    }
    r = number_parse_int(text, ret_value);
    return r == 0 ? 0 : r == NUMBER_RANGE ? POND_RANGE : POND_TYPE;
}

int pond_row_int32(struct pond_row row, size_t column, int32_t *ret_value)
{
    int64_t wide;
    int r = pond_row_int64(row, column, &wide);

    if (r == 0 && (wide < INT32_MIN || wide > INT32_MAX)) {
        return POND_RANGE;
    }
    if (r == 0) {
        *ret_value = (int32_t)wide;
    }
    return r;
}

int pond_row_double(struct pond_row row, size_t column, double *ret_value)
{
    uint32_t oid = pond_row_type(row, column);
    struct view text;
    int r = typed_value(row, column, is_integer(oid) || is_float(oid) || oid == OID_NUMERIC, &text);

    if (r != 0) {
        return r;
    }
    r = number_parse_double(text, ret_value);
    return r == 0 ? 0 : r == NUMBER_SYNTAX ? POND_TYPE : POND_RANGE;
}

int pond_row_bool(struct pond_row row, size_t column, bool *ret_value)
{
    struct view text;
    int r = typed_value(row, column, pond_row_type(row, column) == OID_BOOL, &text);

    if (r != 0) {
        return r;
    }
    if (text.len != 1 || (text.data[0] != 't' && text.data[0] != 'f')) {
        return POND_TYPE;
    }
    *ret_value = text.data[0] == 't';
    return 0;
}

/* ---- text and bytes ---- */

int pond_row_text(struct pond_row row, size_t column, const char **ret_text, size_t *ret_len)
{
    struct view text;
    int r = value_of(row, column, &text);

    if (r != 0) {
        return r;
    }
    *ret_text = (const char *)text.data;
    if (ret_len != NULL) {
        *ret_len = text.len;
    }
    return 0;
}

static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int bytes_of_hex(struct view text, uint8_t *out, size_t room, size_t *ret_len)
{
    view_advance(&text, 2);
    if (text.len % 2 != 0) {
        return POND_TYPE;
    }
    *ret_len = text.len / 2;
    if (*ret_len > room) {
        return POND_RANGE;
    }
    for (size_t i = 0; i < *ret_len; i++) {
        int high = nibble(text.data[2 * i]), low = nibble(text.data[2 * i + 1]);

        if (high < 0 || low < 0) {
            return POND_TYPE;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* bytea_output = escape: \\ and \ooo. Gives how many bytes of the text one byte took; 0: none. */
static size_t unescape(struct view text, uint8_t *ret_byte)
{
    if (text.data[0] != '\\') {
        *ret_byte = text.data[0];
        return 1;
    }
    if (text.len >= 2 && text.data[1] == '\\') {
        *ret_byte = '\\';
        return 2;
    }
    if (text.len < 4) {
        return 0;
    }
    unsigned n = 0;
    for (size_t i = 1; i < 4; i++) {
        if (text.data[i] < '0' || text.data[i] > '7') {
            return 0;
        }
        n = n * 8 + (unsigned)(text.data[i] - '0');
    }
    *ret_byte = (uint8_t)n;
    return n > 255 ? 0 : 4;
}

static int bytes_of_escape(struct view text, uint8_t *out, size_t room, size_t *ret_len)
{
    size_t len = 0;

    while (text.len > 0) {
        uint8_t byte;
        size_t used = unescape(text, &byte);

        if (used == 0) {
            return POND_TYPE;
        }
        if (len < room) {
            out[len] = byte;
        }
        len++;
        view_advance(&text, used);
    }
    *ret_len = len;
    return len > room ? POND_RANGE : 0;
}

int pond_row_bytes(struct pond_row row, size_t column, void *out, size_t room, size_t *ret_len)
{
    struct view text;
    int r = typed_value(row, column, pond_row_type(row, column) == OID_BYTEA, &text);

    if (r != 0) {
        return r;
    }
    return text.len >= 2 && text.data[0] == '\\' && text.data[1] == 'x'
               ? bytes_of_hex(text, out, room, ret_len)
               : bytes_of_escape(text, out, room, ret_len);
}
