/* protocol/utf8.c: eight bytes of ASCII at a time, else one character at a time. */
#include "protocol/utf8.h"

static const uint64_t high_bits = 0x8080808080808080u;
static const uint64_t low_bits = 0x0101010101010101u;

/* Eight bytes that are neither NUL nor above 0x7f. */
static bool is_ascii_word(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return ((word | (word - low_bits)) & high_bits) == 0;
}

/* What a lead byte promises; 1 for what cannot lead. */
static size_t promised_bytes(uint8_t lead)
{
    if ((lead & 0xe0) == 0xc0) {
        return 2;
    }
    if ((lead & 0xf0) == 0xe0) {
        return 3;
    }
    return (lead & 0xf8) == 0xf0 ? 4 : 1;
}

static bool is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The length of the character at `at`, or 0 when it is not one. */
static size_t character_bytes(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];

    if (lead < 0x80) {
        return lead == 0 ? 0 : 1;
    }
    size_t n = promised_bytes(lead);

    if (n == 1 || n > left || !is_tail(at[1])) {
        return 0;
    }
    if (n == 2) {
        return lead < 0xc2 ? 0 : 2;
    }
    if (n == 3) {
        bool is_bad = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f);
        return is_bad || !is_tail(at[2]) ? 0 : 3;
    }
    bool is_bad = (lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] > 0x8f) || lead > 0xf4;
    return is_bad || !is_tail(at[2]) || !is_tail(at[3]) ? 0 : 4;
}

size_t utf8_invalid_at(struct view v)
{
    size_t i = 0;

    while (i < v.len) {
        if (v.len - i >= sizeof(uint64_t) && is_ascii_word(v.data + i)) {
            i += sizeof(uint64_t);
            continue;
        }
        if (v.data[i] < 0x80 && v.data[i] != 0) {
            i++;
            continue;
        }
        size_t n = character_bytes(v.data + i, v.len - i);

        if (n == 0) {
            return i;
        }
        i += n;
    }
    return v.len;
}

bool utf8_valid(struct view v)
{
    return utf8_invalid_at(v) == v.len;
}

int utf8_check(struct view v, struct failure *ret_failure)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = utf8_invalid_at(v);
    char shown[4 * 5 + 1];
    size_t len = 0;

    if (at == v.len) {
        return 0;
    }
    size_t count = promised_bytes(v.data[at]);

    for (size_t i = at; i < v.len && i - at < count; i++) {
        shown[len++] = ' ';
        shown[len++] = '0';
        shown[len++] = 'x';
        shown[len++] = digits[v.data[i] >> 4];
        shown[len++] = digits[v.data[i] & 15];
    }
    shown[len] = '\0';
    return failure_set(ret_failure, "22021", "invalid byte sequence for encoding \"UTF8\":%s",
                       shown);
}

struct view utf8_cut(struct view v, size_t most)
{
    if (v.len > most) {
        v.len = most;
        while (v.len > 0 && (v.data[v.len] & 0xc0) == 0x80) {
            v.len--;
        }
    }
    return v;
}

void utf8_copy_name(char *ret_name, size_t bytes, const char *name)
{
    struct view cut = utf8_cut(view_of_str(name), bytes - 1);

    memcpy(ret_name, cut.data, cut.len);
    ret_name[cut.len] = '\0';
}
