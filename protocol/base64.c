/* protocol/base64.c: four letters for three bytes. */
#include "protocol/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct buf *out, struct view bytes)
{
    int r = buf_reserve(out, (bytes.len + 2) / 3 * 4);

    while (r == 0 && bytes.len > 0) {
        size_t n = bytes.len < 3 ? bytes.len : 3;
        uint32_t word = 0;
        char four[4] = { '=', '=', '=', '=' };

        for (size_t i = 0; i < 3; i++) {
            word = word << 8 | (i < n ? bytes.data[i] : 0);
        }
        for (size_t i = 0; i <= n; i++) {
            four[i] = letters[word >> (18 - 6 * i) & 63];
        }
        r = buf_append(out, four, sizeof(four));
        view_advance(&bytes, n);
    }
    return r;
}

/* 0 to 63; -1: none of the letters. */
static int value_of(uint8_t c)
{
    const char *at = c == '\0' ? NULL : strchr(letters, c);

    return at == NULL ? -1 : (int)(at - letters);
}

/* Four letters, of which the last two may be padding when they are the last four. Gives how many
 * bytes they stand for, -1: they make no sense. */
static int decode_four(const uint8_t *four, bool last, uint8_t bytes[3])
{
    int count = !last || four[3] != '=' ? 3 : four[2] != '=' ? 2 : 1;
    uint32_t word = 0;

    for (int i = 0; i < 4; i++) {
        int value = i <= count ? value_of(four[i]) : 0;

        if (value < 0) {
            return -1;
        }
        word = word << 6 | (uint32_t)value;
    }
    for (int i = 0; i < 3; i++) {
        bytes[i] = (uint8_t)(word >> (16 - 8 * i));
    }
    for (int i = count; i < 3; i++) {
        if (bytes[i] != 0) {
            return -1;
        }
    }
    return count;
}

bool base64_decode(struct view text, uint8_t *bytes, size_t room, size_t *ret_len)
{
    size_t len = 0;

    if (text.len % 4 != 0) {
        return false;
    }
    for (; text.len > 0; view_advance(&text, 4)) {
        uint8_t three[3];
        int count = decode_four(text.data, text.len == 4, three);

        if (count < 0 || (size_t)count > room - len) {
            return false;
        }
        memcpy(bytes + len, three, (size_t)count);
        len += (size_t)count;
    }
    *ret_len = len;
    return true;
}
