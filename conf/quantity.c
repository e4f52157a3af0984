/* conf/quantity.c: see the header. Exact in integers. */
#include "conf/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct unit units_none[] = { { NULL, 0 } };
const struct unit units_size[] = {
    { "B", 1 },    { "kB", KIB },  { "KB", KIB },        { "KiB", KIB },
    { "MB", MIB }, { "MiB", MIB }, { "GB", 1024 * MIB }, { "GiB", 1024 * MIB },
    { "TB", TIB }, { "TiB", TIB }, { NULL, 0 },
};
const struct unit units_time[] = {
    { "us", 1 },         { "ms", MSEC }, { "s", SEC }, { "min", 60 * SEC },
    { "h", 3600 * SEC }, { "d", DAY },   { NULL, 0 },
};

bool quantity_parse(const char *s, const struct unit *units, int64_t plain, int64_t *ret_value)
{
    bool negative = *s == '-';
    int64_t whole = 0;
    int64_t fraction = 0;
    int64_t scale = 1;

    s += negative;
    if (*s < '0' || *s > '9') {
        return false;
    }
    for (; *s >= '0' && *s <= '9'; s++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *s - '0', &whole)) {
            return false;
        }
    }
    if (*s == '.' && units != units_none) {
        for (s++; *s >= '0' && *s <= '9' && scale < 1000000; s++) {
            fraction = fraction * 10 + (*s - '0');
            scale *= 10;
        }
        if (scale == 1) {
            return false;
        }
    }
    s += strspn(s, " \t");
    int64_t factor = *s == '\0' ? plain : 0;
    for (size_t i = 0; factor == 0 && units[i].name != NULL; i++) {
        factor = strcmp(s, units[i].name) == 0 ? units[i].factor : 0;
    }
    int64_t value;
    if (factor == 0 || factor > INT64_MAX / scale ||
        __builtin_mul_overflow(whole, factor, &value) ||
        __builtin_add_overflow(value, fraction * factor / scale, &value)) {
        return false;
    }
    *ret_value = negative ? -value : value;
    return true;
}

void quantity_print(int64_t value, const struct unit *units, char *text, size_t size)
{
    const struct unit *best = NULL;

    for (size_t i = 0; value != 0 && units[i].name != NULL; i++) {
        if (value % units[i].factor == 0 && (best == NULL || units[i].factor > best->factor)) {
            best = &units[i];
        }
    }
    snprintf(text, size, "%" PRId64 "%s", best == NULL ? value : value / best->factor,
             best == NULL ? "" : best->name);
}
