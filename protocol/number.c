/* protocol/number.c: integers as text. */
#include "protocol/number.h"

#include "protocol/blank.h"

int number_parse_int(struct view text, int64_t *ret_n)
{
    const uint8_t *p = text.data;
    const uint8_t *end = text.data + text.len;
    bool negative = false;
    bool overflow = false;
    int64_t n = 0; /* negative all along: INT64_MIN has no positive twin */

    while (p < end && is_blank(*p)) {
        p++;
    }
    if (p < end && (*p == '-' || *p == '+')) {
        negative = *p++ == '-';
    }
    const uint8_t *first = p;

    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        overflow |= __builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, *p - '0', &n);
    }
    if (p == first) {
        return NUMBER_SYNTAX;
    }
    while (p < end && is_blank(*p)) {
        p++;
    }
    if (p != end) {
        return NUMBER_SYNTAX;
    }
    if (overflow || (!negative && n == INT64_MIN)) {
        return NUMBER_RANGE;
    }
    *ret_n = negative ? n : -n;
    return 0;
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

static size_t count_digits(uint64_t n)
{
    size_t count = 1;

    for (; n >= 10000; n /= 10000) {
        count += 4;
    }
    return count + (n >= 10) + (n >= 100) + (n >= 1000);
}

size_t number_write_int(int64_t n, char *out)
{
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    size_t len = (n < 0) + count_digits(rest);
    size_t at = len;

    out[0] = '-'; /* overwritten when it is none */
    for (; rest >= 100; rest /= 100) {
        at -= 2;
        memcpy(out + at, digit_pairs + 2 * (rest % 100), 2);
    }
    if (rest >= 10) {
        memcpy(out + at - 2, digit_pairs + 2 * rest, 2);
    } else {
        out[at - 1] = (char)('0' + rest);
    }
    return len;
}
