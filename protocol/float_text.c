/* protocol/float_text.c: lays the digits of protocol/float.c out as PostgreSQL does, and reads
 * floats. */
#include "protocol/number.h"

#include "base/alloc.h"
#include "protocol/blank.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

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
    return sign + write_digits(number_shortest_float(fabsf(f)), 6, out + sign);
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
    struct view v = view_trimmed(text);
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
