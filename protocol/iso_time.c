/* protocol/iso_time.c: every character has its place, so eight of them are read at once: as the
 * bytes of one number, from which a pattern is taken away. Digits leave 0 to 9, and what else the
 * pattern has leaves 0. */
#include "protocol/iso_time.h"

#include "protocol/datetime.h"

#include <endian.h>

enum { date_bytes = 10, timestamp_bytes = 19, fraction_at = 20, fraction_digits = 6 };

/* Eight characters of a pattern ('0': any digit), and with each what carries it into the eighth bit
 * when more is left than may be: 9, or 0. */
struct eight {
    char shape[9];
    char limit[9];
};

static const struct eight year_month = { "0000-00-", "\x76\x76\x76\x76\x7f\x76\x76\x7f" };
static const struct eight month_day = { "00-00-00", "\x76\x76\x7f\x76\x76\x7f\x76\x76" };
static const struct eight day_minute = { "00 00:00", "\x76\x76\x7f\x76\x76\x7f\x76\x76" };
static const struct eight clock_time = { "00:00:00", "\x76\x76\x7f\x76\x76\x7f\x76\x76" };

static inline uint64_t load(const void *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

/* Whether the text at `at` has that shape; then byte i of *ret_pairs is the number that the
 * characters i and i + 1 say, when both are digits. */
static inline bool read_eight(const uint8_t *at, const struct eight *pattern, uint64_t *ret_pairs)
{
    uint64_t left = load(at) ^ load(pattern->shape);
    uint64_t over = left | ((left & ~UINT64_C(0x8080808080808080)) + load(pattern->limit));

    *ret_pairs = left * 10 + (left >> 8);
    return (over & UINT64_C(0x8080808080808080)) == 0;
}

static inline int32_t pair(uint64_t pairs, unsigned i)
{
    return (int32_t)(pairs >> (8 * i) & 0xff);
}

static inline bool days_of(struct civil c, int64_t *ret_days)
{
    if (c.year < 1 || c.month < 1 || c.month > 12 || c.day < 1 ||
        (c.day > 28 && c.day > days_in_month(c.year, c.month))) {
        return false;
    }
    *ret_days = days_of_civil(c);
    return true;
}

bool iso_date_read(struct view text, int64_t *ret_days)
{
    uint64_t head;
    uint64_t tail;

    if (text.len != date_bytes || !read_eight(text.data, &year_month, &head) ||
        !read_eight(text.data + 2, &month_day, &tail)) {
        return false;
    }
    return days_of(
        (struct civil){ pair(head, 0) * 100 + pair(head, 2), pair(head, 5), pair(tail, 6) },
        ret_days);
}

/* What follows the seconds. */
static bool read_fraction(struct view text, int64_t *ret_us)
{
    size_t end = text.len;
    int64_t us = 0;

    if (end <= fraction_at || end > fraction_at + fraction_digits ||
        text.data[timestamp_bytes] != '.' || text.data[end - 1] == '0') {
        return false;
    }
    for (size_t i = fraction_at; i < fraction_at + fraction_digits; i++) {
        uint8_t digit = i < end ? (uint8_t)(text.data[i] - '0') : 0;

        if (digit > 9) {
            return false;
        }
        us = us * 10 + digit;
    }
    *ret_us = us;
    return true;
}

bool iso_timestamp_read(struct view text, int64_t *ret_us)
{
    uint64_t head;
    uint64_t middle;
    uint64_t tail;
    int64_t days;
    int64_t us = 0;

    if (text.len < timestamp_bytes || !read_eight(text.data, &year_month, &head) ||
        !read_eight(text.data + 8, &day_minute, &middle) ||
        !read_eight(text.data + 11, &clock_time, &tail)) {
        return false;
    }
    struct civil date = { pair(head, 0) * 100 + pair(head, 2), pair(head, 5), pair(middle, 0) };
    int32_t hour = pair(tail, 0);
    int32_t minute = pair(tail, 3);
    int32_t second = pair(tail, 6);

    if (hour > 23 || minute > 59 || second > 59 || !days_of(date, &days) ||
        (text.len > timestamp_bytes && !read_fraction(text, &us))) {
        return false;
    }
    *ret_us = days * USECS_PER_DAY + ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC + us;
    return true;
}
