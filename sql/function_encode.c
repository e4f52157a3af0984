/* sql/function_encode.c: bytes as hex, base64 and escapes; md5 (RFC 1321). */
#include "sql/function_string.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

static void hex_number(sqlite3_context *c, uint64_t number)
{
    char text[17];

    fn_result_text(c, text,
                   (size_t)snprintf(text, sizeof text, "%llx", (unsigned long long)number));
}

void function_to_hex(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!fn_any_null(n, v)) {
        hex_number(c, (uint64_t)sqlite3_value_int64(v[0]));
    }
}

void function_to_hex4(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!fn_any_null(n, v)) {
        hex_number(c, (uint32_t)sqlite3_value_int64(v[0]));
    }
}

static struct view bytes_of(sqlite3_value *v)
{
    if (sqlite3_value_type(v) != SQLITE_BLOB) {
        return fn_text(v);
    }
    const void *blob = sqlite3_value_blob(v);
    return view_of(blob, blob == NULL ? 0 : (size_t)sqlite3_value_bytes(v));
}

/* ---- encode(), decode() ---- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int hex_out(struct view in, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    int r = buf_reserve(out, in.len * 2);

    for (size_t i = 0; i < in.len && r == 0; i++) {
        char pair[2] = { digits[in.data[i] >> 4], digits[in.data[i] & 15] };
        r = buf_append(out, pair, 2);
    }
    return r;
}

static int base64_out(struct view in, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < in.len && r == 0; i += 3) {
        size_t have = in.len - i < 3 ? in.len - i : 3;
        uint32_t bits = (uint32_t)in.data[i] << 16 |
                        (have > 1 ? (uint32_t)in.data[i + 1] << 8 : 0) |
                        (have > 2 ? (uint32_t)in.data[i + 2] : 0);
        char four[4];
        for (size_t k = 0; k < 4; k++) {
            four[k] = k <= have ? base64_digits[bits >> (18 - 6 * k) & 63] : '=';
        }
        r = i > 0 && i % 57 == 0 ? buf_append_byte(out, '\n')
                                 : 0; /* lines of 76, as MIME has them */
        r = r == 0 ? buf_append(out, four, 4) : r;
    }
    return r;
}

static int escape_out(struct view in, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < in.len && r == 0; i++) {
        uint8_t b = in.data[i];
        r = b == '\\'             ? buf_append_str(out, "\\\\")
            : b == 0 || b >= 0x80 ? buf_printf(out, "\\%03o", b)
                                  : buf_append_byte(out, b);
    }
    return r;
}

enum { DECODE_BAD = 2 };

static int hex_in(struct view in, struct buf *out)
{
    int r = 0, high = -1;

    for (size_t i = 0; i < in.len && r == 0; i++) {
        int ch = in.data[i];
        if (isspace(ch) && high < 0) {
            continue;
        }
        if (!isxdigit(ch)) {
            return DECODE_BAD;
        }
        int digit = isdigit(ch) ? ch - '0' : (ch | 32) - 'a' + 10;
        if (high < 0) {
            high = digit;
        } else {
            r = buf_append_byte(out, (uint8_t)(high << 4 | digit));
            high = -1;
        }
    }
    return r == 0 && high >= 0 ? DECODE_BAD : r;
}

static int base64_in(struct view in, struct buf *out)
{
    uint32_t bits = 0;
    int have = 0, padding = 0, r = 0;

    for (size_t i = 0; i < in.len && r == 0; i++) {
        if (isspace(in.data[i])) {
            continue;
        }
        const char *digit = in.data[i] == 0 ? NULL : strchr(base64_digits, in.data[i]);
        if (in.data[i] == '=') {
            padding++;
            continue;
        }
        if (digit == NULL || padding > 0) {
            return DECODE_BAD;
        }
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        if (++have % 4 == 0) {
            uint8_t three[3] = { (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits };
            r = buf_append(out, three, 3);
        }
    }
    if (r != 0 || (have % 4 == 0 && padding == 0)) {
        return r;
    }
    if (have % 4 + padding != 4 || have % 4 < 2) {
        return DECODE_BAD;
    }
    bits <<= 6 * (4 - have % 4);
    uint8_t rest[2] = { (uint8_t)(bits >> 16), (uint8_t)(bits >> 8) };
    return buf_append(out, rest, (size_t)(have % 4 - 1));
}

static int escape_in(struct view in, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < in.len && r == 0; i++) {
        uint8_t b = in.data[i];
        if (b == '\\' && i + 1 < in.len && in.data[i + 1] == '\\') {
            i++;
        } else if (b == '\\') {
            if (in.len - i < 4 || in.data[i + 1] > '3') {
                return DECODE_BAD;
            }
            b = 0;
            for (size_t k = 1; k <= 3; k++) {
                if (in.data[i + k] < '0' || in.data[i + k] > '7') {
                    return DECODE_BAD;
                }
                b = (uint8_t)(b << 3 | (in.data[i + k] - '0'));
            }
            i += 3;
        }
        r = buf_append_byte(out, b);
    }
    return r;
}

static const struct {
    const char *name;
    int (*out)(struct view in, struct buf *out);
    int (*in)(struct view in, struct buf *out);
} encodings[] = { { "hex", hex_out, hex_in },
                  { "base64", base64_out, base64_in },
                  { "escape", escape_out, escape_in } };

static size_t find_encoding(sqlite3_context *c, sqlite3_value *name)
{
    const char *text = (const char *)sqlite3_value_text(name);

    for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
        if (text != NULL && sqlite3_stricmp(text, encodings[i].name) == 0) {
            return i;
        }
    }
    fn_fail(c, "22023", "unrecognized encoding: \"%s\"", text == NULL ? "" : text);
    return SIZE_MAX;
}

void function_encode(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (fn_any_null(n, v)) {
        return;
    }
    size_t e = find_encoding(c, v[1]);
    if (e != SIZE_MAX) {
        fn_result_buf(c, &out, encodings[e].out(bytes_of(v[0]), &out));
    }
}

void function_decode(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (fn_any_null(n, v)) {
        return;
    }
    size_t e = find_encoding(c, v[1]);
    if (e == SIZE_MAX) {
        return;
    }
    int r = encodings[e].in(fn_text(v[0]), &out);
    if (r == DECODE_BAD) {
        fn_fail(c, "22023", "invalid %s data", encodings[e].name);
    } else if (r != 0) {
        sqlite3_result_error_nomem(c);
    } else {
        sqlite3_result_blob64(c, out.data == NULL ? (const void *)"" : out.data, out.len,
                              SQLITE_TRANSIENT);
    }
}

/* ---- md5 ---- */

static void md5_block(uint32_t state[4], const uint8_t *block)
{
    static const uint8_t shifts[4][4] = {
        { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
    };
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

    for (uint32_t i = 0; i < 64; i++) {
        uint32_t round = i / 16, mix = 0, word = 0, g = 0;
        switch (round) {
        case 0:
            mix = (b & c) | (~b & d);
            g = i;
            break;
        case 1:
            mix = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;
            break;
        case 2:
            mix = b ^ c ^ d;
            g = (3 * i + 5) % 16;
            break;
        default:
            mix = c ^ (b | ~d);
            g = 7 * i % 16;
            break;
        }
        word = (uint32_t)block[g * 4] | (uint32_t)block[g * 4 + 1] << 8 |
               (uint32_t)block[g * 4 + 2] << 16 | (uint32_t)block[g * 4 + 3] << 24;
        mix +=
            a + (uint32_t)(fabs(sin(i + 1.0)) * 4294967296.0) + word; /* the RFC's table is this */
        a = d;
        d = c;
        c = b;
        uint8_t shift = shifts[round][i % 4];
        b += mix << shift | mix >> (32 - shift);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void function_md5(sqlite3_context *c, int n, sqlite3_value **v)
{
    uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
    uint8_t last[128] = { 0 }, digest[16];
    cleanup(buf_finish) struct buf out = { .max = 64 };

    if (fn_any_null(n, v)) {
        return;
    }
    struct view in = bytes_of(v[0]);
    uint64_t bits = (uint64_t)in.len * 8;
    for (; in.len >= 64; view_advance(&in, 64)) {
        md5_block(state, in.data);
    }
    if (in.len > 0) {
        memcpy(last, in.data, in.len);
    }
    last[in.len] = 0x80;
    size_t total = in.len < 56 ? 64 : 128;
    for (size_t i = 0; i < 8; i++) {
        last[total - 8 + i] = (uint8_t)(bits >> 8 * i);
    }
    for (size_t at = 0; at < total; at += 64) {
        md5_block(state, last + at);
    }
    for (size_t i = 0; i < sizeof digest; i++) {
        digest[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
    }
    fn_result_buf(c, &out, hex_out(view_of(digest, sizeof digest), &out));
}
