/* sql/tzif.c: zoneinfo files: a list of instants at which the offset changes, and a rule for the
 * time after the last.
 *
 * Only the 64-bit part of version 2 and later is read; files without it are 20 years old. */
#include "sql/tzif.h"

#include "base/alloc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { tzif_file_max = 64 * 1024, tzif_header_bytes = 44, tzif_type_bytes = 6 };

struct tzif {
    size_t count;
    int64_t *when;   /* ascending */
    int32_t *offset; /* from that instant on */
    int32_t first;   /* before the first */
    bool has_rule;   /* after the last */
    struct tz_rule rule;
};

/* ---- the POSIX rule ---- */

static bool parse_number(const char **at, int max, int *ret_number)
{
    int n = 0;

    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    while (isdigit((unsigned char)**at)) {
        n = n * 10 + (*(*at)++ - '0');
        if (n > max) {
            return false;
        }
    }
    *ret_number = n;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool parse_time(const char **at, int32_t *ret_seconds)
{
    int hours = 0, minutes = 0, seconds = 0;
    int sign = **at == '-' ? -1 : 1;

    *at += **at == '-' || **at == '+';
    if (!parse_number(at, 167, &hours)) {
        return false;
    }
    if (**at == ':' && (++*at, !parse_number(at, 59, &minutes))) {
        return false;
    }
    if (**at == ':' && (++*at, !parse_number(at, 59, &seconds))) {
        return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool skip_name(const char **at)
{
    const char *start = *at;

    if (*start == '<') {
        const char *end = strchr(start, '>');
        *at = end == NULL ? start : end + 1;
        return end != NULL && end > start + 1;
    }
    while (isalpha((unsigned char)**at)) {
        ++*at;
    }
    return *at - start >= 3;
}

static bool parse_change(const char **at, struct tz_change *c)
{
    if (*(*at)++ != ',') {
        return false;
    }
    c->kind = isdigit((unsigned char)**at) ? '0' : *(*at)++;
    c->time = 2 * 3600;
    if (c->kind == 'M') {
        if (!parse_number(at, 12, &c->month) || *(*at)++ != '.' || !parse_number(at, 5, &c->week) ||
            *(*at)++ != '.' || !parse_number(at, 6, &c->day) || c->month < 1 || c->week < 1) {
            return false;
        }
    } else if ((c->kind != 'J' && c->kind != '0') || !parse_number(at, 365, &c->day)) {
        return false;
    }
    return **at != '/' || (++*at, parse_time(at, &c->time));
}

int tz_rule_parse(const char *text, struct tz_rule *ret_rule)
{
    struct tz_rule rule = { .start = { 'M', 3, 2, 0, 7200 }, .end = { 'M', 11, 1, 0, 7200 } };
    const char *at = text;
    int32_t west = 0;

    if (!skip_name(&at) || !parse_time(&at, &west)) {
        return -EINVAL;
    }
    rule.std_offset = -west;
    if (*at != '\0') {
        rule.has_dst = true;
        rule.dst_offset = rule.std_offset + 3600;
        if (!skip_name(&at)) {
            return -EINVAL;
        }
        if (*at != '\0' && *at != ',') {
            if (!parse_time(&at, &west)) {
                return -EINVAL;
            }
            rule.dst_offset = -west;
        }
        if (*at != '\0' && (!parse_change(&at, &rule.start) || !parse_change(&at, &rule.end))) {
            return -EINVAL;
        }
    }
    if (*at != '\0') {
        return -EINVAL;
    }
    *ret_rule = rule;
    return 0;
}

static int64_t days_before_year(int64_t year) /* since 1970-01-01 */
{
    int64_t y = year - 1;
    int64_t leaps =
        (y >= 0 ? y / 4 - y / 100 + y / 400 : (y - 3) / 4 - (y - 99) / 100 + (y - 399) / 400);
    return (year - 1970) * 365 + leaps - 477;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Seconds of local time since 1970 at which the change happens in that year. */
static int64_t change_in_year(const struct tz_change *c, int64_t year)
{
    static const int before_month[] = {
        0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365
    };
    int64_t first = days_before_year(year);
    int64_t day = 0;

    if (c->kind == 'J') {
        day = first + c->day - 1 + (is_leap(year) && c->day >= 60);
    } else if (c->kind == '0') {
        day = first + c->day;
    } else {
        int64_t month = first + before_month[c->month - 1] + (is_leap(year) && c->month > 2);
        int64_t next = first + before_month[c->month] + (is_leap(year) && c->month >= 2);
        int64_t weekday = ((month + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = month + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
        if (day >= next) {
            day -= 7;
        }
    }
    return day * 86400 + c->time;
}

int32_t tz_rule_offset(const struct tz_rule *rule, int64_t utc)
{
    const int64_t era = INT64_C(400) * 366 * 86400;

    if (!rule->has_dst || utc > era * 1000 || utc < -era * 1000) {
        return rule->std_offset;
    }
    int64_t local = utc + rule->std_offset;
    int64_t days = local / 86400 - (local % 86400 < 0);
    int64_t year = 1969 + days * 400 / 146097 - (days < 0); /* or one less than the true one */
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    int64_t start = change_in_year(&rule->start, year) - rule->std_offset;
    int64_t end = change_in_year(&rule->end, year) - rule->dst_offset;
    bool in_dst = start < end ? utc >= start && utc < end : utc >= start || utc < end;
    return in_dst ? rule->dst_offset : rule->std_offset;
}

/* ---- the file ---- */

static int64_t big_endian(const uint8_t *p, size_t bytes)
{
    uint64_t v = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

    for (size_t i = 0; i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return (int64_t)v;
}

struct tzif_counts {
    size_t isut, isstd, leap, time, type, chars;
};

/* Bytes of the block behind a header, or 0 when the header is none. */
static size_t read_header(const uint8_t *data, size_t len, size_t time_bytes, struct tzif_counts *c)
{
    if (len < tzif_header_bytes || memcmp(data, "TZif", 4) != 0) {
        return 0;
    }
    size_t *counts[] = { &c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars };
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        int64_t n = big_endian(data + 20 + 4 * i, 4);
        if (n < 0 || n > tzif_file_max) {
            return 0;
        }
        *counts[i] = (size_t)n;
    }
    return tzif_header_bytes + c->time * (time_bytes + 1) + c->type * tzif_type_bytes + c->chars +
           c->leap * (time_bytes + 4) + c->isstd + c->isut;
}

static int32_t type_offset(const uint8_t *types, size_t type)
{
    return (int32_t)big_endian(types + type * tzif_type_bytes, 4);
}

static int take_block(struct tzif *z, const uint8_t *block, const struct tzif_counts *c)
{
    const uint8_t *times = block + tzif_header_bytes;
    const uint8_t *kinds = times + c->time * 8;
    const uint8_t *types = kinds + c->time;

    z->when = mem_zalloc((c->time + 1) * sizeof *z->when);
    z->offset = mem_zalloc((c->time + 1) * sizeof *z->offset);
    if (z->when == NULL || z->offset == NULL) {
        return -ENOMEM;
    }
    z->first = type_offset(types, 0);
    for (size_t i = 0; i < c->time; i++) {
        if (kinds[i] >= c->type) {
            return -EINVAL;
        }
        z->when[i] = big_endian(times + i * 8, 8);
        z->offset[i] = type_offset(types, kinds[i]);
    }
    z->count = c->time;
    return 0;
}

static int parse_file(struct tzif *z, const uint8_t *data, size_t len)
{
    struct tzif_counts c = { 0 };
    char rule[128];

    size_t old = read_header(data, len, 4, &c);
    if (old == 0 || old > len) {
        return -EINVAL;
    }
    size_t block = read_header(data + old, len - old, 8, &c);
    if (block == 0 || block > len - old || c.type == 0) {
        return -EINVAL;
    }
    int r = take_block(z, data + old, &c);
    if (r != 0) {
        return r;
    }
    const uint8_t *footer = data + old + block;
    size_t left = len - old - block;
    if (left > 2 && left < sizeof rule && footer[0] == '\n' && footer[left - 1] == '\n') {
        memcpy(rule, footer + 1, left - 2);
        rule[left - 2] = '\0';
        z->has_rule = tz_rule_parse(rule, &z->rule) == 0;
    }
    return 0;
}

static void destroyp(struct tzif **z)
{
    tzif_destroy(*z);
}

void tzif_destroy(struct tzif *z)
{
    if (z != NULL) {
        mem_free(z->when);
        mem_free(z->offset);
        mem_free(z);
    }
}

static int read_all(const char *path, uint8_t *data, size_t max, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t n = read(fd, data,
                     max); /* a regular file in the page cache: at most once per zone and process */
    int r = n < 0 ? -errno : 0;
    close(fd);
    if (r == 0) {
        *ret_len = (size_t)n;
    }
    return r;
}

int tzif_load(const char *path, struct tzif **ret_tzif)
{
    cleanup(destroyp) struct tzif *z = mem_zalloc(sizeof *z);
    cleanup(mem_freep) uint8_t *data = mem_alloc(tzif_file_max);
    size_t len = 0;

    if (z == NULL || data == NULL) {
        return -ENOMEM;
    }
    int r = read_all(path, data, tzif_file_max, &len);
    if (r == 0) {
        r = parse_file(z, data, len);
    }
    if (r == 0) {
        *ret_tzif = take_ptr(z);
    }
    return r;
}

int32_t tzif_offset(const struct tzif *z, int64_t utc)
{
    size_t low = 0, high = z->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (z->when[mid] <= utc) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low == 0) {
        return z->first;
    }
    if (low == z->count && z->has_rule) {
        return tz_rule_offset(&z->rule, utc);
    }
    return z->offset[low - 1];
}
