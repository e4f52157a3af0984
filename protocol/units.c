/* protocol/units.c: see units.h. */
#include "protocol/units.h"

#include "protocol/number.h"

#include <math.h>

static const int64_t powers_of_ten[units_digits + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
};

static bool is_few(int64_t count)
{
    return count < powers_of_ten[units_digits] && count > -powers_of_ten[units_digits];
}

bool units_parse(struct view text, struct units *ret_units)
{
    bool is_signed = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t i = is_signed ? 1 : 0;
    size_t point = text.len; /* where it stands */
    int64_t count = 0;

    if (text.len - i > units_digits + 1) {
        return false;
    }
    for (; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');

        if (digit <= 9) {
            count = count * 10 + digit;
        } else if (text.data[i] == '.' && point == text.len) {
            point = i;
        } else {
            return false;
        }
    }
    size_t scale = point == text.len ? 0 : text.len - point - 1;

    if (text.len - is_signed - (point < text.len) == 0 || !is_few(count) ||
        scale > units_scale_most) {
        return false;
    }
    *ret_units = (struct units){ .count = is_signed && text.data[0] == '-' ? -count : count,
                                 .scale = (int)scale };
    return true;
}

bool units_of_cell(const struct cell *cell, int scale, struct units *ret_units)
{
    if (scale < 0 || scale > units_scale_most) {
        return false;
    }
    int64_t power = powers_of_ten[scale];

    ret_units->scale = scale;
    if (cell->kind == CELL_INT) {
        int64_t most = powers_of_ten[units_digits - scale];

        ret_units->count = cell->i * (cell->i < most && cell->i > -most ? power : 0);
        return cell->i < most && cell->i > -most;
    }
    double limit = (double)powers_of_ten[units_digits];
    double product = cell->kind == CELL_REAL ? cell->r * (double)power : limit;

    if (!(fabs(product) < limit)) {
        return false;
    }
    ret_units->count = (int64_t)(product + copysign(0.5, product));
    return (double)ret_units->count / (double)power == cell->r && is_few(ret_units->count);
}

bool units_rescale(struct units *units, int scale)
{
    if (scale < 0 || scale > units_scale_most) {
        return false;
    }
    for (; units->scale > scale; units->scale--) {
        if (units->count % 10 != 0) {
            return false;
        }
        units->count /= 10;
    }
    int64_t power = powers_of_ten[scale - units->scale];

    if (units->count >= powers_of_ten[units_digits] / power ||
        units->count <= -powers_of_ten[units_digits] / power) {
        return false;
    }
    *units = (struct units){ .count = units->count * power, .scale = scale };
    return true;
}

bool units_have_digits(const struct units *units, int most)
{
    int digits = most + units->scale; /* of the units */

    if (digits >= units_digits) {
        return true;
    }
    return digits >= 0 && units->count < powers_of_ten[digits] &&
           units->count > -powers_of_ten[digits];
}

double units_to_double(const struct units *units)
{
    return (double)units->count / (double)powers_of_ten[units->scale];
}

void units_to_cell(const struct units *units, struct cell *ret_cell)
{
    int64_t power = powers_of_ten[units->scale];

    if (units->count % power == 0) {
        *ret_cell = (struct cell){ .kind = CELL_INT, .i = units->count / power };
    } else {
        *ret_cell = (struct cell){ .kind = CELL_REAL, .r = units_to_double(units) };
    }
}

size_t units_write(const struct units *units, char *out)
{
    int64_t power = powers_of_ten[units->scale];
    int64_t size = units->count < 0 ? -units->count : units->count;
    size_t len = 0;

    if (units->count < 0) {
        out[len++] = '-';
    }
    len += number_write_int(size / power, out + len);
    if (units->scale > 0) { /* a one in front of the fraction keeps its zeros; the point takes its
                               place */
        size_t point = len;

        len += number_write_int(size % power + power, out + len);
        out[point] = '.';
    }
    return len;
}
