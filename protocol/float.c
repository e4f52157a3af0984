/* protocol/float.c: binary floating point as the shortest decimal that reads back the same, and
 * back.
 *
 * The algorithm is Schubfach: R. Giulietti, "The Schubfach way to render doubles" (2020). A float
 * is c * 2^q; a power of ten, kept in 128 bits, scales it and the two borders of its rounding
 * interval so that the integers between the borders are the candidates; sticky low bits ("round to
 * odd") make the comparisons exact. The powers of ten are computed once, at start. */
#include "protocol/number.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

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

struct number_digits number_shortest_float(float f)
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

static void big_times_power_of_ten(uint32_t *big, int e)
{
    for (int i = 0; i < e; i++) {
        big_times_ten(big);
    }
}

static void big_times_power_of_two(uint32_t *big, int e)
{
    int whole = e / 32;
    int part = e % 32;

    for (int i = limbs - 1; i >= 0; i--) {
        uint64_t high = i >= whole ? big[i - whole] : 0;
        uint64_t low = i > whole ? big[i - whole - 1] : 0;

        big[i] = (uint32_t)((high << 32 | low) << part >> 32);
    }
}

static int big_compare(const uint32_t *a, const uint32_t *b)
{
    for (int i = limbs - 1; i >= 0; i--) {
        if (a[i] != b[i]) {
            return a[i] > b[i] ? 1 : -1;
        }
    }
    return 0;
}

/* Is d above (1), at (0) or below (-1) the decimal n? Exact: both sides are made integers. */
static int compare_exactly(double d, struct number_digits n)
{
    int q;
    uint64_t c = (uint64_t)ldexp(frexp(d, &q), 53);
    uint32_t left[limbs] = { (uint32_t)c, (uint32_t)(c >> 32) };
    uint32_t right[limbs] = { (uint32_t)n.digits, (uint32_t)(n.digits >> 32) };

    q -= 53;
    big_times_power_of_ten(n.exponent < 0 ? left : right, abs(n.exponent));
    big_times_power_of_two(q < 0 ? right : left, abs(q));
    return big_compare(left, right);
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
        int side = compare_exactly(d, n);
        is_up = side > 0 || (side == 0 && (kept & 1) != 0);
    }
    return without_zeros((struct number_digits){ kept + is_up, n.exponent + surplus });
}
