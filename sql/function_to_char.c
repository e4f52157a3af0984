/* sql/function_to_char.c: to_char() of dates and numbers: the common patterns, from one table.
 * https://www.postgresql.org/docs/15/functions-formatting.html */
#include "sql/function_date.h"

#include "protocol/number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

static const char *const months[] = { "January",   "February", "March",    "April",
                                      "May",       "June",     "July",     "August",
                                      "September", "October",  "November", "December" };
static const char *const days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday" };

enum code {
    C_YYYY,
    C_YYY,
    C_YY,
    C_Y,
    C_MM,
    C_DD,
    C_DDD,
    C_D,
    C_ID,
    C_HH24,
    C_HH12,
    C_MI,
    C_SS,
    C_SSSS,
    C_MS,
    C_US,
    C_AM,
    C_AM_DOTS,
    C_MONTH,
    C_MON,
    C_DAY,
    C_DY,
    C_IYYY,
    C_IW,
    C_WW,
    C_W,
    C_Q,
    C_CC,
    C_J,
    C_TZH,
    C_TZM,
    C_OF,
    C_TZ
};

/* Longest first among those with the same start. */
static const struct {
    const char *pattern;
    enum code code;
} patterns[] = {
    { "YYYY", C_YYYY },   { "YYY", C_YYY },      { "YY", C_YY },        { "Y,YYY", C_YYYY },
    { "Y", C_Y },         { "IYYY", C_IYYY },    { "IW", C_IW },        { "ID", C_ID },
    { "MONTH", C_MONTH }, { "MON", C_MON },      { "MM", C_MM },        { "MI", C_MI },
    { "MS", C_MS },       { "DAY", C_DAY },      { "DDD", C_DDD },      { "DD", C_DD },
    { "DY", C_DY },       { "D", C_D },          { "HH24", C_HH24 },    { "HH12", C_HH12 },
    { "HH", C_HH12 },     { "SSSSS", C_SSSS },   { "SSSS", C_SSSS },    { "SS", C_SS },
    { "US", C_US },       { "A.M.", C_AM_DOTS }, { "P.M.", C_AM_DOTS }, { "AM", C_AM },
    { "PM", C_AM },       { "WW", C_WW },        { "W", C_W },          { "Q", C_Q },
    { "CC", C_CC },       { "J", C_J },          { "TZH", C_TZH },      { "TZM", C_TZM },
    { "TZ", C_TZ },       { "OF", C_OF },
};

/* FM leaves out padding; TH adds an ending. */
static int print_number(struct buf *out, int64_t number, int width, bool fm)
{
    return buf_printf(out, "%0*lld", fm ? 0 : width, (long long)number);
}

static int print_name(struct buf *out, const char *name, size_t len, const char *pattern,
                      size_t pad)
{
    bool upper = isupper((unsigned char)pattern[0]) && isupper((unsigned char)pattern[1]);
    bool lower = islower((unsigned char)pattern[0]) != 0;
    int r = 0;

    for (size_t i = 0; i < len && r == 0; i++) {
        int ch = upper   ? toupper((unsigned char)name[i])
                 : lower ? tolower((unsigned char)name[i])
                         : name[i];
        r = buf_append_byte(out, (uint8_t)ch);
    }
    for (size_t i = len; i < pad && r == 0; i++) {
        r = buf_append_byte(out, ' ');
    }
    return r;
}

static int print_zone(struct buf *out, const struct date_fields *f, bool minutes)
{
    int32_t o = f->offset < 0 ? -f->offset : f->offset;
    int r = buf_printf(out, "%c%02d", f->offset < 0 ? '-' : '+', o / 3600);

    return r == 0 && minutes && o / 60 % 60 != 0 ? buf_printf(out, ":%02d", o / 60 % 60) : r;
}

static int print_code(struct buf *out, enum code code, const struct date_fields *f,
                      const char *pattern, bool fm)
{
    int64_t hour = f->time / (3600 * USECS_PER_SEC), half = hour % 12 == 0 ? 12 : hour % 12;
    int year = f->date.year > 0 ? f->date.year : 1 - f->date.year;
    const char *month = months[f->date.month - 1], *day = days[f->day_of_week];

    switch (code) {
    case C_YYYY:
        return print_number(out, year, 4, fm);
    case C_YYY:
        return print_number(out, year % 1000, 3, fm);
    case C_YY:
        return print_number(out, year % 100, 2, fm);
    case C_Y:
        return print_number(out, year % 10, 1, fm);
    case C_MM:
        return print_number(out, f->date.month, 2, fm);
    case C_DD:
        return print_number(out, f->date.day, 2, fm);
    case C_DDD:
        return print_number(out, f->day_of_year, 3, fm);
    case C_D:
        return print_number(out, f->day_of_week + 1, 1, fm);
    case C_ID:
        return print_number(out, f->day_of_week == 0 ? 7 : f->day_of_week, 1, fm);
    case C_HH24:
        return print_number(out, hour, 2, fm);
    case C_HH12:
        return print_number(out, half, 2, fm);
    case C_MI:
        return print_number(out, f->time / (60 * USECS_PER_SEC) % 60, 2, fm);
    case C_SS:
        return print_number(out, f->time / USECS_PER_SEC % 60, 2, fm);
    case C_SSSS:
        return print_number(out, f->time / USECS_PER_SEC, 1, fm);
    case C_MS:
        return print_number(out, f->time % USECS_PER_SEC / 1000, 3, false);
    case C_US:
        return print_number(out, f->time % USECS_PER_SEC, 6, false);
    case C_AM:
        return print_name(out, hour < 12 ? "am" : "pm", 2,
                          islower((unsigned char)pattern[0]) ? "aa" : "AA", 0);
    case C_AM_DOTS:
        return print_name(out, hour < 12 ? "a.m." : "p.m.", 4,
                          islower((unsigned char)pattern[0]) ? "aa" : "AA", 0);
    case C_MONTH:
        return print_name(out, month, strlen(month), pattern, fm ? 0 : 9);
    case C_MON:
        return print_name(out, month, 3, pattern, 0);
    case C_DAY:
        return print_name(out, day, strlen(day), pattern, fm ? 0 : 9);
    case C_DY:
        return print_name(out, day, 3, pattern, 0);
    case C_IYYY:
        return print_number(out, f->iso_year, 4, fm);
    case C_IW:
        return print_number(out, f->iso_week, 2, fm);
    case C_WW:
        return print_number(out, (f->day_of_year - 1) / 7 + 1, 2, fm);
    case C_W:
        return print_number(out, (f->date.day - 1) / 7 + 1, 1, fm);
    case C_Q:
        return print_number(out, (f->date.month + 2) / 3, 1, fm);
    case C_CC:
        return print_number(out, (year + 99) / 100, 2, fm);
    case C_J:
        return print_number(out, f->day + 2451545, 1, fm);
    case C_TZH:
        return print_zone(out, f, false);
    case C_TZM:
        return print_number(out, (f->offset < 0 ? -f->offset : f->offset) / 60 % 60, 2, false);
    case C_OF:
        return print_zone(out, f, true);
    case C_TZ:
        return f->offset == 0 ? buf_append_str(out, "UTC") : print_zone(out, f, true);
    }
    return 0;
}

/* The pattern at the start of the text: its length, or 0. */
static size_t match(struct view at, enum code *ret_code)
{
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        size_t len = strlen(patterns[i].pattern);
        if (len <= at.len && strncasecmp(patterns[i].pattern, (const char *)at.data, len) == 0) {
            *ret_code = patterns[i].code;
            return len;
        }
    }
    return 0;
}

static int print_date(struct buf *out, struct view format, const struct date_fields *f)
{
    bool fm = false;
    int r = 0;

    while (format.len > 0 && r == 0) {
        enum code code;
        if (format.data[0] == '"') {
            for (view_advance(&format, 1); format.len > 0 && format.data[0] != '"' && r == 0;
                 view_advance(&format, 1)) {
                r = buf_append_byte(out, format.data[0]);
            }
            view_advance(&format, format.len > 0);
            continue;
        }
        if (format.len >= 2 && strncasecmp((const char *)format.data, "FM", 2) == 0) {
            fm = true;
            view_advance(&format, 2);
            continue;
        }
        size_t len = match(format, &code);
        if (len == 0) {
            r = buf_append_byte(out, format.data[0]);
            view_advance(&format, 1);
            continue;
        }
        char pattern[3] = { (char)format.data[0], (char)(len > 1 ? format.data[1] : 0), 0 };
        r = print_code(out, code, f, pattern, fm);
        view_advance(&format, len);
        fm = false;
    }
    return r;
}

/* ---- numbers: 9 0 . , D G S MI FM ---- */

struct picture {
    int before, after; /* digits */
    int first_zero;    /* digits from there on are printed even when zero */
    bool fm, sign_first;
};

static struct picture read_picture(struct view format)
{
    struct picture p = { .first_zero = INT32_MAX };
    bool point = false;

    for (size_t i = 0; i < format.len; i++) {
        int ch = toupper(format.data[i]);
        if (ch == 'F' && i + 1 < format.len && toupper(format.data[i + 1]) == 'M') {
            p.fm = true;
            i++;
        } else if (ch == '9' || ch == '0') {
            if (ch == '0' && !point && p.first_zero == INT32_MAX) {
                p.first_zero = p.before;
            }
            p.after += point;
            p.before += !point;
        } else if (ch == '.' || ch == 'D') {
            point = true;
        } else if (ch == 'S') {
            p.sign_first = true;
        }
    }
    return p;
}

static int print_picture(struct buf *out, struct view format, const struct picture *p,
                         const char *digits, bool negative)
{
    cleanup(buf_finish) struct buf body = { 0 };
    int index = 0, lead = p->before - (int)strcspn(digits, ".");
    const char *fraction = strchr(digits, '.');
    bool started = false, point = false;
    int r = 0;

    for (size_t i = 0; i < format.len && r == 0; i++) {
        int ch = toupper(format.data[i]);
        if (ch == '9' || ch == '0') {
            if (point) {
                r = buf_append_byte(&body, fraction != NULL && *++fraction != 0 ? (uint8_t)*fraction
                                                                                : '0');
                continue;
            }
            bool zero = index < lead || (!started && digits[index - lead] == '0' && p->after > 0);
            bool show =
                !zero || index >= p->first_zero || (index == p->before - 1 && p->after == 0);
            started |= show;
            r = show    ? buf_append_byte(&body, index < lead ? '0' : (uint8_t)digits[index - lead])
                   : p->fm ? 0
                        : buf_append_byte(&body, ' ');
            index++;
        } else if (ch == ',' || ch == 'G') {
            r = started ? buf_append_byte(&body, ',') : p->fm ? 0 : buf_append_byte(&body, ' ');
        } else if (ch == '.' || ch == 'D') {
            point = true;
            r = buf_append_byte(&body, '.');
        } else if (ch == 'F' || ch == 'S') {
            i += ch == 'F';
        } else {
            r = buf_append_byte(&body, format.data[i]);
        }
    }
    size_t blanks = 0; /* the sign stands right before the first digit */
    while (blanks < body.len && body.data[blanks] == ' ') {
        blanks++;
    }
    const char *sign = negative ? "-" : p->sign_first ? "+" : p->fm ? "" : " ";
    r = r == 0 ? buf_append(out, body.data, blanks) : r;
    r = r == 0 ? buf_append_str(out, sign) : r;
    return r == 0 ? buf_append(out, body.data + blanks, body.len - blanks) : r;
}

/* FM: zeros at the end of a fraction of nines are left out. */
static void trim_fraction(struct buf *out, const struct picture *p)
{
    if (p->fm && p->after > 0 && memchr(out->data, '.', out->len) != NULL) {
        while (out->len > 0 && out->data[out->len - 1] == '0') {
            out->len--;
        }
    }
}

static int print_number_picture(struct buf *out, struct view format, double number)
{
    struct picture p = read_picture(format);
    struct decimal d = decimal_of_double(fabs(number));
    char digits[number_decimal_bytes + 1];

    if (decimal_write_bytes(&d) + (size_t)p.after + 2 > sizeof digits) {
        return -ENOMEM;
    }
    decimal_round(&d, p.after);
    digits[decimal_write(&d, digits)] = '\0';
    if ((int)strcspn(digits, ".") > p.before) {
        for (char *c = digits; *c != 0; c++) {
            *c = *c == '.' ? '.' : '#';
        }
        digits[p.before] = '\0';
    }
    int r = print_picture(out, format, &p, digits, number < 0);
    if (r == 0 && memchr(format.data, '0', format.len) == NULL) {
        trim_fraction(out, &p);
    }
    return r;
}

void function_to_char(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = 64 * 1024 };
    struct date_fields f = { 0 };

    if (n < 4 || fn_any_null(n, v)) {
        return;
    }
    uint32_t oid = type_of_code((uint32_t)sqlite3_value_int64(v[1])).oid;
    struct view format = fn_text(v[2]);
    if (type_is_number(oid)) {
        fn_result_buf(c, &out, print_number_picture(&out, format, sqlite3_value_double(v[0])));
    } else if (date_split(c, v[0], &f)) {
        fn_result_buf(c, &out, f.infinite ? 0 : print_date(&out, format, &f));
    }
}
