/* client/cli/text.c: see text.h. */
#include "client/cli/text.h"

#include <locale.h>
#include <stdio.h>
#include <wchar.h>

static locale_t utf8; /* 0: there is none, and all but ASCII is taken for one column */

void text_init(void)
{
    if (utf8 == (locale_t)0) {
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    }
}

/* ---- characters ---- */

size_t text_decode(const char *s, size_t len, uint32_t *ret_character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t lead = (uint8_t)s[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? lead : lead & (0x7fu >> n);

    if (n == 0 || n > len || lead >= 0xf8) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (((uint8_t)s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | ((uint8_t)s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        return 0;
    }
    *ret_character = c;
    return n;
}

/* Direction marks, embeddings, overrides and isolates. */
static bool turns_direction(uint32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* -1: it is to be escaped. */
static int width_of(uint32_t c)
{
    if (c >= ' ' && c < 0x7f) {
        return 1;
    }
    if (c < 0xa0 || turns_direction(c)) {
        return -1;
    }
    if (utf8 == (locale_t)0) {
        return 1;
    }
    locale_t before = uselocale(utf8);
    int width = wcwidth((wchar_t)c);
    uselocale(before);
    return width;
}

/* ---- one piece at a time ---- */

enum { piece_bytes = 16 };

/* A character as it is shown. */
struct piece {
    char text[piece_bytes];
    size_t len;
    int width;
};

static void escape(struct piece *piece, uint32_t c, bool valid)
{
    static const char names[] = "abtnvfr"; /* 7 ... 13 */
    int len;

    if (valid && c >= 7 && c <= 13) {
        len = snprintf(piece->text, sizeof(piece->text), "\\%c", names[c - 7]);
    } else if (!valid || c < 0x80) {
        len = snprintf(piece->text, sizeof(piece->text), "\\x%02x", c);
    } else {
        len = snprintf(piece->text, sizeof(piece->text), c > 0xffff ? "\\U%08x" : "\\u%04x", c);
    }
    piece->len = (size_t)len;
    piece->width = len;
}

/* Gives how many bytes of s it has used. */
static size_t next_piece(const char *s, size_t len, struct piece *ret_piece)
{
    uint32_t c = (uint8_t)s[0];
    size_t n = text_decode(s, len, &c);
    int width = n == 0 ? -1 : width_of(c);

    if (width < 0) {
        escape(ret_piece, c, n > 0);
        return n == 0 ? 1 : n;
    }
    memcpy(ret_piece->text, s, n);
    ret_piece->len = n;
    ret_piece->width = width;
    return n;
}

/* How many bytes at the beginning are shown as they are, one column each. */
static size_t plain_bytes(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] >= ' ' && s[n] < 0x7f) {
        n++;
    }
    return n;
}

int text_width(const char *s, size_t len)
{
    size_t at = plain_bytes(s, len), width = at;

    while (at < len) {
        struct piece piece;

        at += next_piece(s + at, len - at, &piece);
        width += (size_t)piece.width;
    }
    return width > INT32_MAX / 2 ? INT32_MAX / 2 : (int)width;
}

/* As many whole characters as `room` columns hold. */
static int put_pieces(struct output *out, const char *s, size_t len, int room)
{
    int width = 0;

    for (size_t at = 0; at < len;) {
        struct piece piece;

        at += next_piece(s + at, len - at, &piece);
        if (width + piece.width > room) {
            break;
        }
        output_write(out, piece.text, piece.len);
        width += piece.width;
    }
    return width;
}

int text_put(struct output *out, const char *s, size_t len, int most)
{
    if (plain_bytes(s, len) == len && (most <= 0 || len <= (size_t)most)) {
        output_write(out, s, len);
        return (int)len;
    }
    int width = text_width(s, len);
    if (most <= 0 || width <= most) {
        return put_pieces(out, s, len, width);
    }
    width = put_pieces(out, s, len, most - 1);
    output_str(out, "…");
    return width + 1;
}
