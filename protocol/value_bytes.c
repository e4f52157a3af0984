/* protocol/value_bytes.c: bytea and uuid. */
#include "protocol/value_impl.h"

enum { uuid_bytes = 16, uuid_text_bytes = 36 };

static const char hex_digits[] = "0123456789abcdef";

/* 0 to 15, or -1. */
static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- bytea ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int bad_hex_digit(const struct value_call *call, struct view at)
{
    size_t len = 1;

    while (len < at.len && (at.data[len] & 0xc0) == 0x80) {
        len++;
    }
    return failure_set(call->failure, "22023", "invalid hexadecimal digit: \"%.*s\"", (int)len,
                       (const char *)at.data);
}

/* Behind \x: pairs of digits, blanks between pairs. `out` has room for half of it. */
static int unhex(const struct value_call *call, struct view in, uint8_t *out, size_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < in.len; i++) {
        if (is_blank(in.data[i])) {
            continue;
        }
        int high = hex_value(in.data[i]);

        if (high < 0) {
            return bad_hex_digit(call, view_of(in.data + i, in.len - i));
        }
        if (++i == in.len) {
            return failure_set(call->failure, "22023",
                               "invalid hexadecimal data: odd number of digits");
        }
        int low = hex_value(in.data[i]);

        if (low < 0) {
            return bad_hex_digit(call, view_of(in.data + i, in.len - i));
        }
        out[len++] = (uint8_t)(high << 4 | low);
    }
    *ret_len = len;
    return 0;
}

/* \\ and \ooo; false for any other backslash. */
static bool unescape(struct view in, uint8_t *out, size_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] != '\\') {
            out[len++] = in.data[i];
            continue;
        }
        const uint8_t *p = in.data + i;
        size_t left = in.len - i;

        if (left >= 2 && p[1] == '\\') {
            out[len++] = '\\';
            i += 1;
        } else if (left >= 4 && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
                   p[3] >= '0' && p[3] <= '7') {
            out[len++] = (uint8_t)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
            i += 3;
        } else {
            return false;
        }
    }
    *ret_len = len;
    return true;
}

int bytea_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct buf *scratch = call->buf;
    int r = buf_reserve(scratch, in.len + 1);
    size_t len = 0;

    if (r != 0) {
        return r;
    }
    uint8_t *out = scratch->data + scratch->len;

    if (in.len >= 2 && in.data[0] == '\\' && in.data[1] == 'x') {
        if (unhex(call, view_of(in.data + 2, in.len - 2), out, &len) != 0) {
            return FAILED;
        }
    } else if (!unescape(in, out, &len)) {
        return failure_set(call->failure, "22P02", "invalid input syntax for type bytea");
    }
    scratch->len += len;
    *ret_cell = (struct cell){ .kind = CELL_BLOB, .bytes = view_of(out, len) };
    return 0;
}

int bytea_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    (void)call;
    *ret_cell = (struct cell){ .kind = CELL_BLOB, .bytes = in };
    return 0;
}

static int put_escaped(const struct value_call *call, struct view bytes)
{
    int r = buf_reserve(call->buf, 4 * bytes.len);

    if (r != 0 || bytes.len == 0) {
        return r;
    }
    uint8_t *out = call->buf->data + call->buf->len;

    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];

        if (c == '\\') {
            *out++ = '\\';
            *out++ = '\\';
        } else if (c < 0x20 || c > 0x7e) {
            *out++ = '\\';
            *out++ = (uint8_t)('0' + (c >> 6));
            *out++ = (uint8_t)('0' + (c >> 3 & 7));
            *out++ = (uint8_t)('0' + (c & 7));
        } else {
            *out++ = c;
        }
    }
    call->buf->len = (size_t)(out - call->buf->data);
    return 0;
}

static int put_hex(const struct value_call *call, struct view bytes)
{
    int r = buf_reserve(call->buf, 2 + 2 * bytes.len);

    if (r != 0) {
        return r;
    }
    uint8_t *out = call->buf->data + call->buf->len;

    *out++ = '\\';
    *out++ = 'x';
    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = (uint8_t)hex_digits[bytes.data[i] >> 4];
        *out++ = (uint8_t)hex_digits[bytes.data[i] & 15];
    }
    call->buf->len = (size_t)(out - call->buf->data);
    return 0;
}

int bytea_encode_text(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view bytes = value_to_text(cell, room);

    return call->style->bytea_escape ? put_escaped(call, bytes) : put_hex(call, bytes);
}

int bytea_encode_binary(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view bytes = value_to_text(cell, room);

    return value_put(call, bytes.data, bytes.len);
}

/* ---- uuid ---- */

/* Braces, upper case and a hyphen behind any group of four digits are fine. */
static bool parse_uuid(struct view in, uint8_t out[uuid_bytes])
{
    const uint8_t *p = in.data;
    const uint8_t *end = in.data + in.len;
    bool braces = p < end && *p == '{';

    p += braces;
    for (size_t i = 0; i < uuid_bytes; i++) {
        if (end - p < 2 || hex_value(p[0]) < 0 || hex_value(p[1]) < 0) {
            return false;
        }
        out[i] = (uint8_t)(hex_value(p[0]) << 4 | hex_value(p[1]));
        p += 2;
        if (p < end && *p == '-' && i % 2 == 1 && i < uuid_bytes - 1) {
            p++;
        }
    }
    if (braces && (p == end || *p++ != '}')) {
        return false;
    }
    return p == end;
}

static void write_uuid(const uint8_t uuid[uuid_bytes], char out[uuid_text_bytes])
{
    for (size_t i = 0; i < uuid_bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = hex_digits[uuid[i] >> 4];
        *out++ = hex_digits[uuid[i] & 15];
    }
}

int uuid_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    uint8_t uuid[uuid_bytes];
    char text[uuid_text_bytes];

    if (!parse_uuid(in, uuid)) {
        return value_bad_text(call, "22P02", in);
    }
    write_uuid(uuid, text);
    return value_keep_text(call, text, sizeof(text), ret_cell);
}

int uuid_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    char text[uuid_text_bytes];

    if (in.len != uuid_bytes) {
        return value_bad_length(call, in.len < uuid_bytes);
    }
    write_uuid(in.data, text);
    return value_keep_text(call, text, sizeof(text), ret_cell);
}

static int uuid_of_cell(const struct value_call *call, const struct cell *cell,
                        uint8_t ret_uuid[uuid_bytes])
{
    char room[value_text_bytes];
    struct view text = value_to_text(cell, room);

    if (cell->kind == CELL_BLOB && text.len == uuid_bytes) {
        memcpy(ret_uuid, text.data, uuid_bytes);
        return 0;
    }
    return parse_uuid(text, ret_uuid) ? 0 : value_bad_text(call, "22P02", text);
}

int uuid_encode_text(const struct value_call *call, const struct cell *cell)
{
    uint8_t uuid[uuid_bytes];
    char text[uuid_text_bytes];
    int r = uuid_of_cell(call, cell, uuid);

    if (r != 0) {
        return r;
    }
    write_uuid(uuid, text);
    return value_put(call, text, sizeof(text));
}

int uuid_encode_binary(const struct value_call *call, const struct cell *cell)
{
    uint8_t uuid[uuid_bytes];
    int r = uuid_of_cell(call, cell, uuid);

    return r != 0 ? r : value_put(call, uuid, sizeof(uuid));
}
