/* protocol/decimal.c: decimal digits and where their point is. */
#include "protocol/number.h"

#include "protocol/blank.h"

#include <errno.h>
#include <math.h>
#include <strings.h>

enum { point_limit = 1000000, int64_digits = 19, double_digits = 15 };

void decimal_trim(struct decimal *d)
{
    int lead = 0;

    while (lead < d->count && d->digit[lead] == 0) {
        lead++;
    }
    memmove(d->digit, d->digit + lead, (size_t)(d->count - lead));
    d->count -= lead;
    d->point -= lead;
    while (d->count > 0 && d->digit[d->count - 1] == 0) {
        d->count--;
    }
    if (d->count == 0) {
        d->point = 0;
        d->negative &= d->kind != DECIMAL_FINITE;
    }
}

static bool is_digit(const uint8_t *p, const uint8_t *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

/* Appends a digit; leading zeros only move the point. */
void decimal_push(struct decimal *d, uint8_t digit, bool is_fraction)
{
    if (d->count == 0 && digit == 0) {
        d->point -= is_fraction;
        return;
    }
    d->point += !is_fraction;
    if (d->count < decimal_digits) {
        d->digit[d->count++] = digit;
    } else {
        d->cut |= digit != 0;
    }
}

/* Digits with a point among them; gives where they end, NULL when there is no digit. */
static const uint8_t *parse_digits(const uint8_t *p, const uint8_t *end, struct decimal *d)
{
    const uint8_t *first = p;
    int count = 0;

    for (; is_digit(p, end); p++, count++) {
        decimal_push(d, (uint8_t)(*p - '0'), false);
    }
    if (p < end && *p == '.') {
        first = ++p;
        for (; is_digit(p, end); p++, count++) {
            decimal_push(d, (uint8_t)(*p - '0'), true);
        }
        d->scale = (int)(p - first);
    }
    return count == 0 ? NULL : p;
}

static const uint8_t *parse_exponent(const uint8_t *p, const uint8_t *end, struct decimal *d)
{
    bool negative = false;
    int e = 0;

    if (p == end || (*p != 'e' && *p != 'E')) {
        return p;
    }
    p++;
    if (p < end && (*p == '-' || *p == '+')) {
        negative = *p++ == '-';
    }
    if (!is_digit(p, end)) {
        return NULL;
    }
    for (; is_digit(p, end); p++) {
        e = e < point_limit ? e * 10 + (*p - '0') : e;
    }
    e = negative ? -e : e;
    d->point += e;
    d->scale = d->scale - e > 0 ? d->scale - e : 0;
    return p;
}

static bool parse_special(struct view v, struct decimal *d)
{
    static const struct {
        const char *name;
        enum decimal_kind kind;
    } specials[] = {
        { "nan", DECIMAL_NAN },
        { "infinity", DECIMAL_INFINITY },
        { "inf", DECIMAL_INFINITY },
    };

    for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
        if (strlen(specials[i].name) == v.len &&
            strncasecmp(specials[i].name, (const char *)v.data, v.len) == 0) {
            d->kind = specials[i].kind;
            return true;
        }
    }
    return false;
}

int decimal_parse(struct view text, struct decimal *ret_d)
{
    const uint8_t *p = text.data;
    const uint8_t *end = text.data + text.len;
    struct decimal d = { 0 };

    if (text.len > point_limit) {
        return NUMBER_RANGE;
    }
    while (p < end && is_blank(*p)) {
        p++;
    }
    while (end > p && is_blank(end[-1])) {
        end--;
    }
    bool is_signed = p < end && (*p == '-' || *p == '+');

    if (is_signed) {
        d.negative = *p++ == '-';
    }
    if (parse_special(view_of(p, (size_t)(end - p)), &d)) {
        if (d.kind == DECIMAL_NAN && is_signed) {
            return NUMBER_SYNTAX;
        }
        *ret_d = d;
        return 0;
    }
    p = parse_digits(p, end, &d);
    p = p == NULL ? NULL : parse_exponent(p, end, &d);
    if (p == NULL || p != end) {
        return NUMBER_SYNTAX;
    }
    decimal_trim(&d);
    *ret_d = d;
    return 0;
}

struct decimal decimal_of_int(int64_t n)
{
    char text[number_int_bytes];
    struct decimal d = { .negative = n < 0 };
    size_t len = number_write_int(n, text);

    for (size_t i = d.negative; i < len; i++) {
        decimal_push(&d, (uint8_t)(text[i] - '0'), false);
    }
    decimal_trim(&d);
    return d;
}

struct decimal decimal_of_double(double r)
{
    if (!isfinite(r)) {
        return (struct decimal){ .kind = isnan(r) ? DECIMAL_NAN : DECIMAL_INFINITY,
                                 .negative = r < 0 };
    }
    struct number_digits n = number_rounded_double(fabs(r), double_digits);
    struct decimal d = decimal_of_int((int64_t)n.digits);

    if (n.digits == 0) {
        return d;
    }
    d.negative = r < 0;
    d.point += n.exponent;
    d.scale = d.count - d.point > 0 ? d.count - d.point : 0;
    return d;
}

void decimal_round(struct decimal *d, int scale)
{
    int keep = d->point + scale; /* digits that stay */

    d->scale = scale < 0 ? 0 : scale;
    if (d->kind != DECIMAL_FINITE || keep >= d->count) {
        return;
    }
    if (keep < 0) {
        d->count = 0;
        decimal_trim(d);
        return;
    }
    bool is_up = d->digit[keep] >= 5;

    d->count = keep;
    d->cut = false;
    while (is_up && d->count > 0 && d->digit[d->count - 1] == 9) {
        d->count--;
    }
    if (is_up && d->count > 0) {
        d->digit[d->count - 1]++;
    } else if (is_up) {
        d->digit[d->count++] = 1;
        d->point++;
    }
    decimal_trim(d);
}

/* The first `count` digits, with zeros behind where there are fewer. */
static uint64_t digits_as_int(const struct decimal *d, int count)
{
    uint64_t n = 0;

    for (int i = 0; i < count; i++) {
        n = n * 10 + (i < d->count ? d->digit[i] : 0u);
    }
    return n;
}

bool decimal_to_int(const struct decimal *d, int64_t *ret_n)
{
    if (d->kind != DECIMAL_FINITE || d->cut || d->count > d->point || d->point > int64_digits) {
        return false;
    }
    uint64_t n = digits_as_int(d, d->point); /* at most 19 digits: cannot overflow 64 bits */

    if (n > (uint64_t)INT64_MAX + d->negative) {
        return false;
    }
    *ret_n = d->negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

int decimal_to_double(const struct decimal *d, double *ret_r)
{
    char text[number_float_bytes];
    size_t len = 0;

    if (d->kind != DECIMAL_FINITE) {
        *ret_r = d->kind == DECIMAL_NAN ? NAN : d->negative ? -INFINITY : INFINITY;
        return 0;
    }
    if (d->cut || d->count > double_digits) {
        return NUMBER_RANGE;
    }
    if (d->negative) {
        text[len++] = '-';
    }
    len += number_write_int((int64_t)digits_as_int(d, d->count), text + len);
    text[len++] = 'e';
    len += number_write_int(d->point - d->count, text + len);
    double r;
    int result = number_parse_double(view_of(text, len), &r);

    /* below the normal range a double no longer holds 15 digits */
    if (result != 0 || (d->count > 0 && fabs(r) < 2.3e-308)) {
        return NUMBER_RANGE;
    }
    *ret_r = r;
    return 0;
}

size_t decimal_write_bytes(const struct decimal *d)
{
    return 12 + (size_t)(d->point > 0 ? d->point : 1) + (size_t)d->scale;
}

static size_t write_str(const char *text, char *out)
{
    memcpy(out, text, strlen(text));
    return strlen(text);
}

static char digit_at(const struct decimal *d, int i)
{
    return i < 0 || i >= d->count ? '0' : (char)('0' + d->digit[i]);
}

size_t decimal_write(const struct decimal *d, char *out)
{
    size_t len = 0;

    if (d->kind == DECIMAL_NAN) {
        return write_str("NaN", out);
    }
    if (d->kind == DECIMAL_INFINITY) {
        return write_str(d->negative ? "-Infinity" : "Infinity", out);
    }
    if (d->negative) {
        out[len++] = '-';
    }
    if (d->point <= 0) {
        out[len++] = '0';
    }
    for (int i = 0; i < d->point; i++) {
        out[len++] = digit_at(d, i);
    }
    if (d->scale > 0) {
        out[len++] = '.';
    }
    for (int i = 0; i < d->scale; i++) {
        out[len++] = digit_at(d, d->point + i);
    }
    return len;
}
