/* sql/setting_check.c: reading and printing the values of settings, with PostgreSQL's words when
 * they are wrong. */
#include "sql/setting_check.h"

#include "sql/timezone.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static int nomem_or(int r, struct failure *f)
{
    return r == 0 ? 0 : failure_set_nomem(f);
}

static int bad_value(const struct setting_row *row, const char *value, struct failure *f)
{
    return failure_set(f, "22023", "invalid value for parameter \"%s\": \"%s\"", row->name, value);
}

static int bad_value_hint(const struct setting_row *row, const char *value, const char *hint,
                          struct failure *f)
{
    bad_value(row, value, f);
    failure_add(f, FIELD_HINT, "%s", hint);
    return FAILED;
}

/* ---- numbers with units ---- */

struct unit {
    const char *name;
    double factor; /* of a millisecond, of a kilobyte */
};

/* Largest first: printing takes the first that divides. */
static const struct unit time_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 },
    { "s", 1000 },     { "ms", 1 },      { "us", 0.001 },
};
static const struct unit memory_units[] = {
    { "TB", 1073741824 }, { "GB", 1048576 }, { "MB", 1024 }, { "kB", 1 }, { "B", 1.0 / 1024 },
};

static const struct {
    const struct unit *units;
    size_t count;
    double base; /* the setting's unit, in those of the table */
    const char *name;
    const char *hint;
} unit_families[] = {
    [UNIT_NONE] = { NULL, 0, 1, NULL, NULL },
    [UNIT_MS] = { time_units, ARRAY_LEN(time_units), 1, "ms",
                  "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and "
                  "\"d\"." },
    [UNIT_S] = { time_units, ARRAY_LEN(time_units), 1000, "s",
                 "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and "
                 "\"d\"." },
    [UNIT_KB] = { memory_units, ARRAY_LEN(memory_units), 1, "kB",
                  "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"." },
    [UNIT_8KB] = { memory_units, ARRAY_LEN(memory_units), 8, "8kB",
                   "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and "
                   "\"TB\"." },
};

static const struct unit *find_unit(enum setting_unit family, const char *name, size_t len)
{
    for (size_t i = 0; i < unit_families[family].count; i++) {
        const struct unit *u = &unit_families[family].units[i];
        if (strlen(u->name) == len && memcmp(u->name, name, len) == 0) {
            return u;
        }
    }
    return NULL;
}

int setting_parse_number(const struct setting_row *row, const char *text, double *ret_number,
                         struct failure *f)
{
    char *end = NULL;
    double number = strtod(text, &end);

    if (end == text || !isfinite(number)) {
        return bad_value(row, text, f);
    }
    end += strspn(end, " \t\n");
    size_t len = strcspn(end, " \t\n");
    if (len > 0) {
        const struct unit *u = find_unit(row->unit, end, len);
        if (u == NULL && row->unit != UNIT_NONE) {
            return isalpha((unsigned char)text[0])
                       ? bad_value(row, text, f)
                       : bad_value_hint(row, text, unit_families[row->unit].hint, f);
        }
        if (u == NULL || end[len + strspn(end + len, " \t\n")] != '\0') {
            return bad_value(row, text, f);
        }
        number = number * u->factor / unit_families[row->unit].base;
    }
    if (row->type == SETTING_INT) {
        number = rint(number);
        if (fabs(number) > 2147483647.0) {
            return bad_value_hint(row, text, "Value exceeds integer range.", f);
        }
    }
    *ret_number = number;
    return 0;
}

static int print_int(const struct setting_row *row, double number, struct buf *out)
{
    double amount = number * unit_families[row->unit].base;

    if (number > 0) {
        for (size_t i = 0; i < unit_families[row->unit].count; i++) {
            const struct unit *u = &unit_families[row->unit].units[i];
            if (fmod(amount, u->factor) == 0) {
                return buf_printf(out, "%.0f%s", amount / u->factor, u->name);
            }
        }
    }
    return buf_printf(out, "%.0f", number + 0.0);
}

static int check_number(const struct setting_row *row, const char *value, struct buf *canonical,
                        struct failure *f)
{
    double number = 0;
    int r = setting_parse_number(row, value, &number, f);

    if (r != 0) {
        return r;
    }
    if (number < row->min || number > row->max) {
        const char *unit = unit_families[row->unit].name;
        return failure_set(
            f, "22023",
            "%.10g%s%s is outside the valid range for parameter \"%s\" (%.10g .. %.10g)", number,
            unit == NULL ? "" : " ", unit == NULL ? "" : unit, row->name, row->min, row->max);
    }
    return nomem_or(row->type == SETTING_INT ? print_int(row, number, canonical)
                                             : buf_printf(canonical, "%g", number),
                    f);
}

/* ---- the other types ---- */

/* As parse_bool of the server's: unique prefixes of true, false, yes, no, on, off; 1, 0. */
static int parse_bool(const char *s)
{
    static const struct {
        const char *word;
        size_t least;
        int value;
    } words[] = { { "true", 1, 1 }, { "false", 1, 0 }, { "yes", 1, 1 }, { "no", 1, 0 },
                  { "on", 2, 1 },   { "off", 2, 0 },   { "1", 1, 1 },   { "0", 1, 0 } };
    size_t len = strlen(s);

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (len >= words[i].least && len <= strlen(words[i].word) &&
            strncasecmp(words[i].word, s, len) == 0) {
            return words[i].value;
        }
    }
    return -1;
}

static int check_bool(const struct setting_row *row, const char *value, struct buf *canonical,
                      struct failure *f)
{
    int b = parse_bool(value);

    if (b < 0) {
        return failure_set(f, "22023", "parameter \"%s\" requires a Boolean value", row->name);
    }
    return nomem_or(buf_append_str(canonical, b ? "on" : "off"), f);
}

static int check_enum(const struct setting_row *row, const char *value, struct buf *canonical,
                      struct failure *f)
{
    char hint[200] = "";
    size_t used = 0;

    for (const char *const *v = row->values; *v != NULL; v += 2) {
        const char *word = v[0] + (v[0][0] == '~');
        if (strcasecmp(word, value) == 0) {
            return nomem_or(buf_append_str(canonical, v[1]), f);
        }
        if (v[0][0] != '~' && used < sizeof hint) {
            used += (size_t)snprintf(hint + used, sizeof hint - used, "%s%s", used > 0 ? ", " : "",
                                     word);
        }
    }
    bad_value(row, value, f);
    failure_add(f, FIELD_HINT, "Available values: %s.", hint);
    return FAILED;
}

int setting_check_typed(const struct setting_row *row, const char *value, struct buf *canonical,
                        struct failure *f)
{
    switch (row->type) {
    case SETTING_BOOL:
        return check_bool(row, value, canonical, f);
    case SETTING_INT:
    case SETTING_REAL:
        return check_number(row, value, canonical, f);
    case SETTING_ENUM:
        return check_enum(row, value, canonical, f);
    case SETTING_STRING:
        break;
    }
    return nomem_or(buf_append_str(canonical, value), f);
}

/* ---- DateStyle ---- */

static const char *const output_names[] = { "ISO", "SQL", "Postgres", "German" };
static const char *const order_names[] = { "MDY", "DMY", "YMD" };

static const struct {
    const char *word;
    int output, order; /* -1: says nothing about it */
} style_words[] = {
    { "iso", DATE_ISO, -1 },           { "sql", DATE_SQL, -1 },
    { "postgres", DATE_POSTGRES, -1 }, { "german", DATE_GERMAN, -1 },
    { "ymd", -1, DATE_YMD },           { "dmy", -1, DATE_DMY },
    { "euro", -1, DATE_DMY },          { "european", -1, DATE_DMY },
    { "mdy", -1, DATE_MDY },           { "us", -1, DATE_MDY },
    { "noneuro", -1, DATE_MDY },       { "noneuropean", -1, DATE_MDY },
    { "default", DATE_ISO, DATE_MDY },
};

static bool style_word(struct view word, int *output, int *order, bool *conflict)
{
    for (size_t i = 0; i < ARRAY_LEN(style_words); i++) {
        if (strlen(style_words[i].word) != word.len ||
            strncasecmp(style_words[i].word, (const char *)word.data, word.len) != 0) {
            continue;
        }
        int o = style_words[i].output, d = style_words[i].order;
        *conflict |=
            (o >= 0 && *output >= 0 && *output != o) || (d >= 0 && *order >= 0 && *order != d);
        *output = o >= 0 ? o : *output;
        *order = d >= 0 ? d : *order;
        return true;
    }
    return false;
}

bool datestyle_parse(const char *text, enum date_output *output, enum date_order *order,
                     struct view *ret_bad)
{
    int out = -1, ord = -1;
    bool conflict = false;

    for (const char *at = text + strspn(text, ", \t\n"); *at != '\0'; at += strspn(at, ", \t\n")) {
        struct view word = { .data = (const uint8_t *)at, .len = strcspn(at, ", \t\n") };
        if (!style_word(word, &out, &ord, &conflict)) {
            *ret_bad = word;
            return false;
        }
        at += word.len;
    }
    if (conflict) {
        *ret_bad = (struct view){ 0 };
        return false;
    }
    if (out == DATE_GERMAN && ord < 0) {
        ord = DATE_DMY;
    }
    *output = out >= 0 ? (enum date_output)out : *output;
    *order = ord >= 0 ? (enum date_order)ord : *order;
    return true;
}

int setting_check_datestyle(const struct setting_row *row, const char *value, const char *current,
                            struct buf *canonical, struct failure *f)
{
    enum date_output output = DATE_ISO;
    enum date_order order = DATE_MDY;
    struct view bad = { 0 };

    (void)datestyle_parse(current, &output, &order, &bad);
    if (!datestyle_parse(value, &output, &order, &bad)) {
        bad_value(row, value, f);
        if (bad.data == NULL) {
            failure_add(f, FIELD_DETAIL, "Conflicting \"datestyle\" specifications.");
        } else {
            failure_add(f, FIELD_DETAIL, "Unrecognized key word: \"%.*s\".", (int)bad.len,
                        (const char *)bad.data);
        }
        return FAILED;
    }
    return nomem_or(buf_printf(canonical, "%s, %s", output_names[output], order_names[order]), f);
}

/* ---- single settings ---- */

int setting_check_timezone(const struct setting_row *row, const char *value, const char *current,
                           struct buf *canonical, struct failure *f)
{
    const struct zone *zone = NULL;
    int r = timezone_find(view_of_str(value), &zone);

    (void)current;
    if (r == TIMEZONE_UNKNOWN) {
        return bad_value(row, value, f);
    }
    return nomem_or(r == 0 ? buf_append_str(canonical, timezone_name(zone)) : r, f);
}

/* Letters and digits only, lower case: 'utf-8' with its quotes (asyncpg sends them), UTF8, Unicode.
 */
static void plain_word(const char *value, char *word, size_t size)
{
    size_t used = 0;

    for (; *value != '\0' && used + 1 < size; value++) {
        if (isalnum((unsigned char)*value)) {
            word[used++] = (char)tolower((unsigned char)*value);
        }
    }
    word[used] = '\0';
}

int setting_check_encoding(const struct setting_row *row, const char *value, const char *current,
                           struct buf *canonical, struct failure *f)
{
    char word[16];

    (void)current;
    plain_word(value, word, sizeof word);
    if (strcmp(word, "utf8") != 0 && strcmp(word, "unicode") != 0) {
        return bad_value_hint(row, value, "Only UTF8 is supported.", f);
    }
    return nomem_or(buf_append_str(canonical, "UTF8"), f);
}

int setting_check_printable(const struct setting_row *row, const char *value, const char *current,
                            struct buf *canonical, struct failure *f)
{
    (void)row;
    (void)current;
    for (size_t i = 0; value[i] != '\0' && i < 63; i++) {
        bool plain = value[i] >= 32 && value[i] < 127;
        if (buf_append_byte(canonical, plain ? (uint8_t)value[i] : '?') != 0) {
            return failure_set_nomem(f);
        }
    }
    return 0;
}

int setting_check_on(const struct setting_row *row, const char *value, const char *current,
                     struct buf *canonical, struct failure *f)
{
    (void)current;
    int r = setting_check_typed(row, value, canonical, f);
    if (r == 0 && !view_equal_str(buf_view(canonical), "on")) {
        return bad_value_hint(row, value, "Only \"on\" is supported.", f);
    }
    return r;
}
