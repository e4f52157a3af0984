/* protocol/float.c: binary floating point as the shortest decimal that reads back the same, and
 * back.
 *
 * The algorithm is Schubfach: R. Giulietti, "The Schubfach way to render doubles" (2020). A float
 * is c * 2^q; a power of ten, kept in 128 bits, scales it and the two borders of its rounding
 * interval so that the integers between the borders are the candidates; sticky low bits ("round to
 * odd") make the comparisons exact. The powers of ten are computed once, at start. */
#include "protocol/number.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

typedef unsigned __int128 u128;

enum {
    power_low = -292, /* powers of ten that a double can ask for */
    power_high = 324,
    limbs = 38, /* 32 bits each: 10^324 has 1,077 bits; a reciprocal keeps 128 of 1,215 */
};

/* 10^e scaled by a power of two into [2^127, 2^128), rounded up. */
static u128 powers[power_high - power_low + 1];

/* ---- the table of powers, by long multiplication and division ---- */

static void big_times_ten(uint32_t *big)
{
    uint64_t carry = 0;

    for (int i = 0; i < limbs; i++) {
        carry += (uint64_t)big[i] * 10;
        big[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void big_over_ten(uint32_t *big)
{
    uint64_t rest = 0;

    for (int i = limbs - 1; i >= 0; i--) {
        rest = rest << 32 | big[i];
        big[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
}

/* The top 128 bits; *ret_rest says whether bits below them were dropped. */
static u128 big_top(const uint32_t *big, bool *ret_rest)
{
    int top = limbs - 1;
    u128 bits = 0;
    int got = 0;

    while (big[top] == 0) {
        top--;
    }
    int shift = __builtin_clz(big[top]);

    *ret_rest = false;
    for (int i = top; i >= 0; i--) {
        uint32_t limb =
            shift == 0 || i == 0 ? big[i] << shift : big[i] << shift | big[i - 1] >> (32 - shift);

        if (got < 128) {
            bits = bits << 32 | limb;
            got += 32;
        } else {
            *ret_rest |= limb != 0;
        }
    }
    return got < 128 ? bits << (128 - got) : bits;
}

__attribute__((constructor)) static void make_powers(void)
{
    uint32_t big[limbs] = { 1 };
    bool rest;

    for (int e = 0; e <= power_high; e++) {
        u128 top = big_top(big, &rest);

        powers[e - power_low] = top + rest;
        big_times_ten(big);
    }
    memset(big, 0, sizeof(big));
    big[limbs - 1] = 1u << 31;
    for (int e = -1; e >= power_low; e--) {
        big_over_ten(big);
        powers[e - power_low] = big_top(big, &rest) + 1; /* never exact */
    }
}

/* ---- Schubfach ---- */

static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* The upper part of g * c / 2^128, its lowest bit set when anything was dropped below. */
static uint64_t round_to_odd(u128 g, uint64_t c)
{
    u128 low = (u128)(uint64_t)g * c;
    u128 high = (u128)(uint64_t)(g >> 64) * c + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* c * 2^q; is_edge: c is a power of two, so that the border below is nearer. The borders themselves
 * are out, as in PostgreSQL, so that the text does not depend on how its reader breaks ties. */
static struct number_digits shortest(uint64_t c, int q, bool is_edge)
{
    int k = (q * 1262611 - (is_edge ? 524031 : 0)) >> 22;
    int h = q + floor_log2_pow10(-k) + 1;
    u128 g = powers[-k - power_low];
    uint64_t low = round_to_odd(g, (4 * c - 2 + is_edge) << h) + 1;
    uint64_t here = round_to_odd(g, (4 * c) << h);
    uint64_t high = round_to_odd(g, (4 * c + 2) << h) - 1;
    uint64_t s = here / 4;

    if (s >= 10) { /* one digit less, if just one such number is inside */
        uint64_t tens = s / 10;
        bool is_below_inside = low <= 40 * tens;
        bool is_above_inside = 40 * tens + 40 <= high;

        if (is_below_inside != is_above_inside) {
            return (struct number_digits){ tens + is_above_inside, k + 1 };
        }
    }
    bool is_below_inside = low <= 4 * s;
    bool is_above_inside = 4 * s + 4 <= high;

    if (is_below_inside != is_above_inside) {
        return (struct number_digits){ s + is_above_inside, k };
    }
    uint64_t middle = 4 * s + 2; /* both or neither: the nearer, on a tie the even one */
    bool is_up = here > middle || (here == middle && (s & 1) != 0);

    return (struct number_digits){ s + is_up, k };
}

static struct number_digits without_zeros(struct number_digits n)
{
    while (n.digits != 0 && n.digits % 10 == 0) {
        n.digits /= 10;
        n.exponent++;
    }
    return n;
}

struct number_digits number_shortest_double(double d)
{
    uint64_t bits;

    memcpy(&bits, &d, sizeof(bits));
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7ff);

    assert(exponent != 0x7ff);
    if (exponent == 0) {
        return fraction == 0 ? (struct number_digits){ 0 }
                             : without_zeros(shortest(fraction, -1074, false));
    }
    return without_zeros(
        shortest(fraction | UINT64_C(1) << 52, exponent - 1075, fraction == 0 && exponent > 1));
}

static struct number_digits shortest_float(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof(bits));
    uint32_t fraction = bits & ((1u << 23) - 1);
    int exponent = (int)(bits >> 23 & 0xff);

    if (exponent == 0) {
        return fraction == 0 ? (struct number_digits){ 0 }
                             : without_zeros(shortest(fraction, -149, false));
    }
    return without_zeros(
        shortest(fraction | 1u << 23, exponent - 150, fraction == 0 && exponent > 1));
}

/* ---- fewer digits ---- */

static int count_digits(uint64_t n)
{
    int count = 1;

    while (n >= 10) {
        n /= 10;
        count++;
    }
    return count;
}

/* Is d above, at (0) or below the decimal n? Only asked for ties, whose digits are few enough for a
 * long double. */
static int compare_to_tie(double d, struct number_digits n)
{
    char text[number_float_bytes];
    size_t len = number_write_int((int64_t)n.digits, text);

    text[len++] = 'e';
    len += number_write_int(n.exponent, text + len);
    text[len] = '\0';
    long double tie = strtold(text, NULL);

    return (long double)d > tie ? 1 : (long double)d < tie ? -1 : 0;
}

struct number_digits number_rounded_double(double d, int most)
{
    struct number_digits n = number_shortest_double(d);
    int surplus = count_digits(n.digits) - most;
    uint64_t unit = 1;

    if (surplus <= 0) {
        return n;
    }
    for (int i = 0; i < surplus; i++) {
        unit *= 10;
    }
    uint64_t kept = n.digits / unit;
    uint64_t rest = n.digits % unit;
    bool is_up = rest > unit / 2;

    if (rest == unit / 2) { /* the digits are at a tie; the binary value may not be */
        int side = compare_to_tie(d, n);
        is_up = side > 0 || (side == 0 && (kept & 1) != 0);
    }
    return without_zeros((struct number_digits){ kept + is_up, n.exponent + surplus });
}

/* ---- layout ---- */

/* d.ddde+xx */
static size_t write_scientific(const char *digits, size_t count, int point, char *out)
{
    size_t len = 0;
    int e = point - 1;

    out[len++] = digits[0];
    if (count > 1) {
        out[len++] = '.';
        memcpy(out + len, digits + 1, count - 1);
        len += count - 1;
    }
    out[len++] = 'e';
    out[len++] = e < 0 ? '-' : '+';
    e = e < 0 ? -e : e;
    if (e < 10) {
        out[len++] = '0';
    }
    return len + number_write_int(e, out + len);
}

/* `point` digits stand before the decimal point. */
static size_t write_fixed(const char *digits, size_t count, int point, char *out)
{
    size_t len = 0;

    if (point <= 0) {
        out[len++] = '0';
        out[len++] = '.';
        memset(out + len, '0', (size_t)-point);
        len += (size_t)-point;
        memcpy(out + len, digits, count);
        return len + count;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == (size_t)point) {
            out[len++] = '.';
        }
        out[len++] = digits[i];
    }
    for (size_t i = count; i < (size_t)point; i++) {
        out[len++] = '0';
    }
    return len;
}

/* From `scientific` digits before the point on, an exponent is written. */
static size_t write_digits(struct number_digits n, int scientific, char *out)
{
    char digits[number_int_bytes];
    size_t count = number_write_int((int64_t)n.digits, digits);
    int point = (int)count + n.exponent;

    if (n.digits == 0) {
        out[0] = '0';
        return 1;
    }
    if (point > scientific || point < -3) {
        return write_scientific(digits, count, point, out);
    }
    return write_fixed(digits, count, point, out);
}

static size_t write_special(double d, char *out)
{
    const char *text = isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity";

    memcpy(out, text, strlen(text));
    return strlen(text);
}

size_t number_write_double(double d, char *out)
{
    if (!isfinite(d)) {
        return write_special(d, out);
    }
    size_t sign = signbit(d) != 0;

    out[0] = '-';
    return sign + write_digits(number_shortest_double(fabs(d)), 15, out + sign);
}

size_t number_write_float(float f, char *out)
{
    if (!isfinite(f)) {
        return write_special((double)f, out);
    }
    size_t sign = signbit(f) != 0;

    out[0] = '-';
    return sign + write_digits(shortest_float(fabsf(f)), 6, out + sign);
}

size_t number_write_double_rounded(double d, char *out)
{
    if (!isfinite(d)) {
        return write_special(d, out);
    }
    size_t sign = signbit(d) != 0;

    out[0] = '-';
    return sign + write_digits(number_rounded_double(fabs(d), 15), 15, out + sign);
}

size_t number_write_float_rounded(float f, char *out)
{
    if (!isfinite(f)) {
        return write_special((double)f, out);
    }
    size_t sign = signbit(f) != 0;

    out[0] = '-';
    return sign + write_digits(number_rounded_double((double)fabsf(f), 6), 6, out + sign);
}

/* ---- reading ---- */

static struct view trimmed(struct view v)
{
    while (v.len > 0 && (v.data[0] == ' ' || (v.data[0] >= '\t' && v.data[0] <= '\r'))) {
        view_advance(&v, 1);
    }
    while (v.len > 0 &&
           (v.data[v.len - 1] == ' ' || (v.data[v.len - 1] >= '\t' && v.data[v.len - 1] <= '\r'))) {
        v.len--;
    }
    return v;
}

/* NaN and the infinities, any case. */
static bool parse_special(struct view v, double *ret_d)
{
    static const struct {
        const char *name;
        double value;
    } specials[] = {
        { "nan", NAN },
        { "inf", INFINITY },
        { "infinity", INFINITY },
        { "+inf", INFINITY },
        { "+infinity", INFINITY },
        { "-inf", -INFINITY },
        { "-infinity", -INFINITY },
    };

    for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
        if (strlen(specials[i].name) == v.len &&
            strncasecmp(specials[i].name, (const char *)v.data, v.len) == 0) {
            *ret_d = specials[i].value;
            return true;
        }
    }
    return false;
}

/* [sign] digits [. digits] [e [sign] digits] with a digit in front of the e: what strtod() may see.
 */
static bool is_plain_number(struct view v)
{
    size_t i = v.len > 0 && (v.data[0] == '-' || v.data[0] == '+') ? 1 : 0;
    size_t digits = 0;

    for (; i < v.len && v.data[i] >= '0' && v.data[i] <= '9'; i++) {
        digits++;
    }
    for (i += i < v.len && v.data[i] == '.' ? 1 : 0;
         i < v.len && v.data[i] >= '0' && v.data[i] <= '9'; i++) {
        digits++;
    }
    if (digits == 0 || i == v.len) {
        return digits != 0;
    }
    if (v.data[i] != 'e' && v.data[i] != 'E') {
        return false;
    }
    i++;
    i += i < v.len && (v.data[i] == '-' || v.data[i] == '+') ? 1 : 0;
    size_t first = i;

    while (i < v.len && v.data[i] >= '0' && v.data[i] <= '9') {
        i++;
    }
    return i == v.len && i > first;
}

static int parse_any(struct view text, bool is_float, double *ret_d)
{
    struct view v = trimmed(text);
    char small[64];

    if (parse_special(v, ret_d)) {
        return 0;
    }
    if (!is_plain_number(v)) {
        return NUMBER_SYNTAX;
    }
    cleanup(mem_freep) char *big = v.len < sizeof(small) ? NULL : mem_strndup(v.data, v.len);
    if (v.len < sizeof(small)) {
        memcpy(small, v.data, v.len);
        small[v.len] = '\0';
    } else if (big == NULL) {
        return -ENOMEM;
    }
    const char *digits = big == NULL ? small : big;

    errno = 0;
    double d = is_float ? (double)strtof(digits, NULL) : strtod(digits, NULL);
    if (errno == ERANGE && (d == 0 || isinf(d))) {
        return NUMBER_RANGE;
    }
    *ret_d = d;
    return 0;
}

int number_parse_double(struct view text, double *ret_d)
{
    return parse_any(text, false, ret_d);
}

int number_parse_float(struct view text, float *ret_f)
{
    double d;
    int r = parse_any(text, true, &d);

    if (r == 0) {
        *ret_f = (float)d;
    }
    return r;
}
