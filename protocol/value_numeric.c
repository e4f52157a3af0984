/* protocol/value_numeric.c: numeric, which SQLite keeps as an integer or a double: at most 15
 * significant digits, or an integer of 64 bits. More is refused, never rounded behind the client's
 * back. */
#include "protocol/units.h"
#include "protocol/value_impl.h"

#include <math.h>

enum {
    sign_positive = 0x0000,
    sign_negative = 0x4000,
    sign_nan = 0xc000,
    sign_infinity = 0xd000,
    sign_minus_infinity = 0xf000,
    scale_mask = 0x3fff,
    scale_most = 16383,
    point_most = 131072,
    base = 10000,
    groups_most = 3000,
    header_bytes = 8,
    units_groups = 5, /* of less than 10^18 */
};

static int overflow(const struct value_call *call)
{
    return failure_set(call->failure, "22003", "value overflows numeric format");
}

/* typmod of numeric(precision, scale) */
static int32_t precision_of(int32_t typmod)
{
    return ((typmod - 4) >> 16) & 0xffff;
}

static int32_t scale_of(int32_t typmod)
{
    return (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}

/* Rounds to the typmod's scale and holds to its precision. */
static int apply_typmod(const struct value_call *call, struct decimal *d)
{
    int32_t precision = precision_of(call->typmod);
    int32_t scale = scale_of(call->typmod);

    if (call->typmod < 4 || d->kind == DECIMAL_NAN) {
        return 0;
    }
    decimal_round(d, scale);
    if (d->kind == DECIMAL_FINITE && (d->count == 0 || d->point <= precision - scale)) {
        return 0;
    }
    failure_set(call->failure, "22003", "numeric field overflow");
    if (d->kind == DECIMAL_INFINITY) {
        failure_add(call->failure, FIELD_DETAIL,
                    "A field with precision %d, scale %d cannot hold an infinite value.", precision,
                    scale);
    } else if (precision == scale) {
        failure_add(
            call->failure, FIELD_DETAIL,
            "A field with precision %d, scale %d must round to an absolute value less than 1.",
            precision, scale);
    } else {
        failure_add(
            call->failure, FIELD_DETAIL,
            "A field with precision %d, scale %d must round to an absolute value less than 10^%d.",
            precision, scale, precision - scale);
    }
    return FAILED;
}

static int store(const struct value_call *call, struct decimal *d, struct cell *ret_cell)
{
    int64_t n;
    double r;

    if (apply_typmod(call, d) != 0) {
        return FAILED;
    }
    if (d->kind == DECIMAL_NAN) {
        cell_set_text(ret_cell, view_of_str("NaN"));
        return 0;
    }
    if (decimal_to_int(d, &n)) {
        cell_set_int(ret_cell, n);
        return 0;
    }
    if (decimal_to_double(d, &r) == 0) {
        cell_set_real(ret_cell, r);
        return 0;
    }
    if (!d->cut && d->count <= 15) {
        return overflow(call);
    }
    failure_set(call->failure, "22003", "numeric value has more than 15 significant digits");
    failure_add(call->failure, FIELD_HINT,
                "Numerics are kept as 64-bit integers or as double precision numbers here; "
                "round the value or keep it as text.");
    return FAILED;
}

/* Are the units what a column of that typmod would hold, as they are? */
static bool fit_typmod(struct units *units, int32_t typmod)
{
    int32_t scale = scale_of(typmod);

    return typmod < 4 ||
           (units_rescale(units, scale) && units_have_digits(units, precision_of(typmod) - scale));
}

bool value_numeric_fits(const struct cell *cell, int32_t typmod)
{
    struct units units;
    struct cell stored;

    if (typmod < 4 || !units_of_cell(cell, scale_of(typmod), &units) ||
        !fit_typmod(&units, typmod)) {
        return false;
    }
    units_to_cell(&units, &stored);
    return stored.kind == cell->kind;
}

int numeric_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct units units;
    struct decimal d;

    if (units_parse(in, &units) && fit_typmod(&units, call->typmod)) {
        units_to_cell(&units, ret_cell);
        return 0;
    }
    int r = decimal_parse(in, &d);

    if (r != 0) {
        return r == NUMBER_RANGE ? overflow(call) : value_bad_text(call, "22P02", in);
    }
    return store(call, &d, ret_cell);
}

/* The digits, 10,000s each, behind the header. */
static int read_groups(const struct value_call *call, struct reader *r, uint16_t count, int weight,
                       struct decimal *d)
{
    d->point = 4 * (weight + 1);
    for (uint16_t i = 0; i < count; i++) {
        uint16_t group = reader_u16(r);

        if (group >= base) {
            return failure_set(call->failure, "22P03",
                               "invalid digit in external \"numeric\" value");
        }
        for (int unit = 1000; unit > 0; unit /= 10) {
            decimal_push(d, (uint8_t)(group / unit % 10), true);
        }
    }
    decimal_trim(d);
    return reader_done(r) ? 0 : value_bad_length(call, r->failed);
}

/* The same for few digits. */
static bool read_few_groups(struct view groups, uint16_t count, int weight, bool is_negative,
                            struct units *ret_units)
{
    struct reader r = reader_over(groups);
    struct units units = { .scale = count == 0 ? 0 : 4 * (count - weight - 1) };

    if (count > 3 || units.scale < 0 || units.scale > units_scale_most ||
        groups.len != 2 * (size_t)count) {
        return false;
    }
    for (uint16_t i = 0; i < count; i++) {
        uint16_t group = reader_u16(&r);

        if (group >= base) {
            return false;
        }
        units.count = units.count * base + group;
    }
    units.count = is_negative ? -units.count : units.count;
    *ret_units = units;
    return true;
}

int numeric_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    struct decimal d = { 0 };
    struct units units;
    uint16_t count = reader_u16(&r);
    int16_t weight = reader_i16(&r);
    uint16_t sign = reader_u16(&r);
    uint16_t scale = reader_u16(&r);

    if (count > groups_most) {
        return failure_set(call->failure, "22P03", "invalid length in external \"numeric\" value");
    }
    if (r.failed) {
        return value_bad_length(call, true);
    }
    if (sign != sign_positive && sign != sign_negative && sign != sign_nan &&
        sign != sign_infinity && sign != sign_minus_infinity) {
        return failure_set(call->failure, "22P03", "invalid sign in external \"numeric\" value");
    }
    if ((scale & scale_mask) != scale) {
        return failure_set(call->failure, "22P03", "invalid scale in external \"numeric\" value");
    }
    if (sign <= sign_negative &&
        read_few_groups(view_of(r.pos, reader_left(&r)), count, weight, sign == sign_negative,
                        &units) &&
        fit_typmod(&units, call->typmod)) {
        units_to_cell(&units, ret_cell);
        return 0;
    }
    d.kind = sign == sign_nan        ? DECIMAL_NAN
             : sign >= sign_infinity ? DECIMAL_INFINITY
                                     : DECIMAL_FINITE;
    d.negative = sign == sign_negative || sign == sign_minus_infinity;
    if (read_groups(call, &r, count, weight, &d) != 0) {
        return FAILED;
    }
    return store(call, &d, ret_cell);
}

/* What the cell holds, at the scale that is to be shown. */
static int decimal_of_cell(const struct value_call *call, const struct cell *cell,
                           struct decimal *ret_d)
{
    char room[value_text_bytes];
    struct decimal d;

    if (cell->kind == CELL_INT) {
        d = decimal_of_int(cell->i);
    } else if (cell->kind == CELL_REAL) {
        d = decimal_of_double(cell->r);
    } else {
        struct view text = value_to_text(cell, room);
        int r = decimal_parse(text, &d);

        if (r != 0) {
            return r == NUMBER_RANGE ? overflow(call) : value_bad_text(call, "22P02", text);
        }
    }
    if (call->typmod >= 4) {
        decimal_round(&d, scale_of(call->typmod));
    }
    if (d.scale > scale_most || d.point > point_most || d.point < -point_most) {
        return overflow(call);
    }
    *ret_d = d;
    return 0;
}

/* ---- the short way out ---- */

static bool quick_units(const struct value_call *call, const struct cell *cell,
                        struct units *ret_units)
{
    return call->typmod >= 4 && units_of_cell(cell, scale_of(call->typmod), ret_units);
}

static uint8_t *put_word_before(uint8_t *at, uint16_t word)
{
    word = __builtin_bswap16(word);
    memcpy(at - sizeof(word), &word, sizeof(word));
    return at - sizeof(word);
}

/* Groups of 10,000, the last one filled up with zeros behind the scale. Written from the end. */
static int put_units_binary(const struct value_call *call, const struct units *units)
{
    static const uint16_t fill[4] = { 1, 10, 100, 1000 };
    uint8_t bytes[header_bytes + 2 * units_groups];
    uint8_t *at = bytes + sizeof(bytes);
    int weight = -((units->scale + 3) / 4); /* of the group that comes next */
    uint64_t rest = (uint64_t)(units->count < 0 ? -units->count : units->count);
    uint16_t count = 0;

    rest *= fill[-4 * weight - units->scale];
    for (; rest != 0; rest /= base, weight++) {
        uint16_t group = (uint16_t)(rest % base);

        if (count > 0 || group != 0) { /* zeros at the end are not sent */
            at = put_word_before(at, group);
            count++;
        }
    }
    at = put_word_before(at, (uint16_t)units->scale);
    at = put_word_before(at, units->count < 0 ? sign_negative : sign_positive);
    at = put_word_before(at, (uint16_t)(count == 0 ? 0 : weight - 1));
    at = put_word_before(at, count);
    return value_put(call, at, (size_t)(bytes + sizeof(bytes) - at));
}

/* ---- the long way ---- */

int numeric_encode_text(const struct value_call *call, const struct cell *cell)
{
    char text[units_bytes];
    struct units units;
    struct decimal d;

    if (quick_units(call, cell, &units)) {
        return value_put(call, text, units_write(&units, text));
    }
    int r = decimal_of_cell(call, cell, &d);

    r = r != 0 ? r : buf_reserve(call->buf, decimal_write_bytes(&d));
    if (r == 0) {
        call->buf->len += decimal_write(&d, (char *)call->buf->data + call->buf->len);
    }
    return r;
}

static uint16_t sign_word(const struct decimal *d)
{
    if (d->kind == DECIMAL_NAN) {
        return sign_nan;
    }
    if (d->kind == DECIMAL_INFINITY) {
        return d->negative ? sign_minus_infinity : sign_infinity;
    }
    return d->negative ? sign_negative : sign_positive;
}

/* The digit with decimal exponent e. */
static uint16_t digit_of(const struct decimal *d, int e)
{
    int i = d->point - 1 - e;

    return i < 0 || i >= d->count ? 0 : d->digit[i];
}

int numeric_encode_binary(const struct value_call *call, const struct cell *cell)
{
    struct units units;
    struct decimal d;

    if (quick_units(call, cell, &units)) {
        return put_units_binary(call, &units);
    }
    int r = decimal_of_cell(call, cell, &d);

    if (r != 0) {
        return r;
    }
    bool is_zero = d.kind != DECIMAL_FINITE || d.count == 0;
    /* group g has the exponents 4 g to 4 g + 3; rounded towards minus infinity */
    int weight = is_zero ? 0 : (d.point - 1 + 4 * point_most) / 4 - point_most;
    int last = is_zero ? 1 : (d.point - d.count + 4 * point_most) / 4 - point_most;
    int count = is_zero ? 0 : weight - last + 1;
    size_t start = call->buf->len;

    r = buf_reserve(call->buf, header_bytes + 2 * (size_t)count);
    r = r != 0 ? r : value_put_u16(call, (uint16_t)count);
    r = r != 0 ? r : value_put_u16(call, (uint16_t)weight);
    r = r != 0 ? r : value_put_u16(call, sign_word(&d));
    r = r != 0 ? r : value_put_u16(call, d.kind == DECIMAL_FINITE ? (uint16_t)d.scale : 0);
    for (int g = weight; r == 0 && g >= last && !is_zero; g--) {
        uint16_t group = (uint16_t)(digit_of(&d, 4 * g + 3) * 1000 + digit_of(&d, 4 * g + 2) * 100 +
                                    digit_of(&d, 4 * g + 1) * 10 + digit_of(&d, 4 * g));
        r = value_put_u16(call, group);
    }
    if (r != 0) {
        call->buf->len = start;
    }
    return r;
}
