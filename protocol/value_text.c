/* protocol/value_text.c: texts and json. */
#include "protocol/json.h"
#include "protocol/jsonb.h"
#include "protocol/utf8.h"
#include "protocol/value_impl.h"

enum { name_bytes = 63 };

/* ---- text and its kin ---- */

int text_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int r = call->is_utf8 ? 0 : utf8_check(in, call->failure);

    if (r == 0) {
        cell_set_text(ret_cell, in);
    }
    return r;
}

int text_encode(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view text = value_to_text(cell, room);

    if (cell->kind == CELL_BLOB && utf8_check(text, call->failure) != 0) {
        return FAILED;
    }
    return value_put(call, text.data, text.len);
}

/* Where the character after the first `count` ones starts; *ret_count: how many there are up to
 * there. */
static size_t skip_characters(struct view text, size_t count, size_t *ret_count)
{
    size_t i = 0;
    size_t seen = 0;

    for (; i < text.len; i++) {
        bool is_start = (text.data[i] & 0xc0) != 0x80;

        if (is_start && seen == count) {
            break;
        }
        seen += is_start;
    }
    *ret_count = seen;
    return i;
}

static struct view without_blanks(struct view text)
{
    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

/* Holds a text to the n characters of its typmod; only blanks may be cut off. */
static int cut_to_typmod(const struct value_call *call, struct view *text)
{
    size_t most = (size_t)(call->typmod - 4);
    size_t count;

    if (call->typmod <= 4 || text->len <= most) {
        return 0;
    }
    size_t len = skip_characters(*text, most, &count);

    if (without_blanks(*text).len > len) {
        return failure_set(call->failure, "22001", "value too long for type %s(%zu)",
                           call->type->word, most);
    }
    text->len = len;
    return 0;
}

int varchar_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int r = text_decode(call, in, ret_cell);

    return r != 0 ? r : cut_to_typmod(call, &ret_cell->bytes);
}

/* Blanks at the end mean nothing in a character(n): they are not stored, so that equal values are
 * equal, and they are printed again. */
int bpchar_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int r = varchar_decode(call, in, ret_cell);

    if (r == 0) {
        ret_cell->bytes = without_blanks(ret_cell->bytes);
    }
    return r;
}

int bpchar_encode(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view text = value_to_text(cell, room);
    size_t count;
    int r = text_encode(call, cell);

    if (r != 0 || call->typmod <= 4) {
        return r;
    }
    size_t width = (size_t)(call->typmod - 4);

    skip_characters(text, SIZE_MAX, &count);
    size_t pad = count < width ? width - count : 0;

    r = buf_reserve(call->buf, pad);
    if (r == 0 && pad > 0) {
        memset(call->buf->data + call->buf->len, ' ', pad);
        call->buf->len += pad;
    }
    return r;
}

int name_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int r = text_decode(call, in, ret_cell);

    if (r != 0 || in.len <= name_bytes) {
        return r;
    }
    size_t len = name_bytes;

    while (len > 0 && (in.data[len] & 0xc0) == 0x80) {
        len--; /* not in the middle of a character */
    }
    ret_cell->bytes.len = len;
    return 0;
}

/* "char" is one byte; more of it is not looked at. */
int char_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct view first = view_of(in.data, in.len > 0 && in.data[0] != 0 ? 1 : 0);
    int r = utf8_check(first, call->failure); /* one byte of a longer character is none */

    return r != 0 ? r : text_decode(call, first, ret_cell);
}

int char_encode(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view text = value_to_text(cell, room);

    return value_put(call, text.data, text.len > 0 ? 1 : 0);
}

/* Its binary form always has the byte. */
int char_encode_binary(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view text = value_to_text(cell, room);

    return buf_append_byte(call->buf, text.len > 0 ? text.data[0] : 0);
}

int void_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    (void)call;
    (void)in;
    cell_set_text(ret_cell, view_of_str(""));
    return 0;
}

int void_encode(const struct value_call *call, const struct cell *cell)
{
    (void)call;
    (void)cell;
    return 0;
}

/* ---- json ---- */

int json_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int r = text_decode(call, in, ret_cell);

    return r != 0 ? r : json_check(in, call->failure);
}

/* Kept as it is printed: values that are equal then have one text. */
int jsonb_decode(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    size_t start = call->buf->len;
    int r = json_decode(call, in, ret_cell);

    r = r != 0 ? r : jsonb_write(in, call->buf, call->failure);
    if (r == 0) {
        cell_set_text(ret_cell, view_of(call->buf->data + start, call->buf->len - start));
    }
    return r;
}

/* A version byte, 1, and the text. */
int jsonb_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    uint8_t version = reader_u8(&r);

    if (r.failed) {
        return value_bad_length(call, true);
    }
    if (version != 1) {
        return failure_set(call->failure, "XX000", "unsupported jsonb version number %d", version);
    }
    return jsonb_decode(call, reader_rest(&r), ret_cell);
}

int jsonb_encode_binary(const struct value_call *call, const struct cell *cell)
{
    int r = buf_append_byte(call->buf, 1);

    return r != 0 ? r : text_encode(call, cell);
}
