/* protocol/number.h: integers, floats and decimals to and from text, without printf and without a
 * locale.
 *
 * Parsers take PostgreSQL 15's input: blanks around the number are fine. Writers put no NUL. Pure;
 * any thread. */
#pragma once

#include "base/view.h"

enum {
    NUMBER_SYNTAX = 1, /* not a number */
    NUMBER_RANGE = 2,  /* a number that does not fit */
};

enum {
    number_int_bytes = 20,   /* most that number_write_int() writes */
    number_float_bytes = 32, /* most that number_write_double() and _float() write */
    number_decimal_bytes =
        400, /* most that decimal_write() writes of a decimal from a double or an int64 */
};

/* ---- integers ---- */

must_check int number_parse_int(struct view text, int64_t *ret_n);
size_t number_write_int(int64_t n, char *out);

/* ---- binary floating point (protocol/float.c, float_text.c) ---- */

/* 0, NUMBER_SYNTAX, NUMBER_RANGE, or -ENOMEM for a very long one. */
must_check int number_parse_double(struct view text, double *ret_d);
must_check int number_parse_float(struct view text, float *ret_f);

/* As PostgreSQL prints float8 and float4: the shortest digits that read back the same. */
size_t number_write_double(double d, char *out);
size_t number_write_float(float f, char *out);
/* As PostgreSQL prints with extra_float_digits = 0: 15 or 6 significant digits. */
size_t number_write_double_rounded(double d, char *out);
size_t number_write_float_rounded(float f, char *out);

/* d = digits * 10^exponent with the fewest digits that read back as d. d is finite and not
 * negative. */
struct number_digits {
    uint64_t digits;
    int exponent;
};
struct number_digits number_shortest_double(double d);
struct number_digits number_shortest_float(float f);
/* The same with at most `most` significant digits, correctly rounded (below 2.3e-308, where
 * fewer digits tell doubles apart, the shortest ones are all there are); 1 <= most <= 17. */
struct number_digits number_rounded_double(double d, int most);

/* ---- decimals: what a numeric is between text, binary and cell (protocol/decimal.c) ---- */

enum decimal_kind { DECIMAL_FINITE, DECIMAL_NAN, DECIMAL_INFINITY };
enum { decimal_digits = 64 };

/* (-1)^negative * 0.d1 d2 d3 ... * 10^point. No zero digit at either end; zero has no digits. */
struct decimal {
    enum decimal_kind kind;
    bool negative;
    bool cut;  /* digits behind the last one were dropped (there were more than decimal_digits) */
    int count; /* digits in use */
    int point;
    int scale; /* digits to print behind the decimal point */
    uint8_t digit[decimal_digits];
};

/* 0, NUMBER_SYNTAX, or NUMBER_RANGE for a text that is too long to be meant. */
must_check int decimal_parse(struct view text, struct decimal *ret_d);
struct decimal decimal_of_int(int64_t n);
/* At most 15 significant digits: what a double can hold of a decimal. */
struct decimal decimal_of_double(double d);

/* Appends a digit. Whole digits move the point; leading zeros of a fraction move it back. */
void decimal_push(struct decimal *d, uint8_t digit, bool is_fraction);
/* Takes the zeros off both ends. */
void decimal_trim(struct decimal *d);

/* Rounds half away from zero to `scale` digits behind the point (may be negative) and prints that
 * many. */
void decimal_round(struct decimal *d, int scale);

/* Its value as an integer, when it is one that fits. */
bool decimal_to_int(const struct decimal *d, int64_t *ret_n);
/* The nearest double. NUMBER_RANGE when it has more than 15 significant digits or is too large or
 * too small. */
must_check int decimal_to_double(const struct decimal *d, double *ret_r);

/* How many bytes decimal_write() needs at most. */
size_t decimal_write_bytes(const struct decimal *d);
size_t decimal_write(const struct decimal *d, char *out);
