/* protocol/datetime_parse.c: a date and time out of the many forms that PostgreSQL takes.
 *
 * The text is walked token by token: words (months, weekdays, AM, BC, zones), numbers with colons
 * (times), numbers with separators (dates), bare numbers, and signed zones. Fields come in any
 * order; what the bare numbers next to a month's name mean is decided at the end. */
#include "protocol/datetime_words.h"

#include "protocol/blank.h"

#include <ctype.h>

enum { bare_max = 2 };

struct digits {
    int64_t value;
    size_t count;
};

struct scan {
    const uint8_t *pos;
    const uint8_t *end;
    enum date_order order;
    bool is_time;
    struct datetime *out;
    int32_t month_name; /* 0: none was said */
    struct digits bare[bare_max];
    size_t bare_count;
    bool is_short_year; /* of two digits */
    bool is_bc;
    bool is_am;
    bool is_pm;
};

static uint8_t peek(const struct scan *s, size_t ahead)
{
    return (size_t)(s->end - s->pos) > ahead ? s->pos[ahead] : 0;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool accept(struct scan *s, uint8_t c)
{
    if (peek(s, 0) != c || s->pos == s->end) {
        return false;
    }
    s->pos++;
    return true;
}

static struct digits scan_digits(struct scan *s)
{
    struct digits d = { 0 };

    for (; is_digit(peek(s, 0)); s->pos++, d.count++) {
        if (d.value < INT64_C(100000000000000)) {
            d.value = d.value * 10 + (*s->pos - '0');
        }
    }
    return d;
}

static struct view scan_word(struct scan *s)
{
    const uint8_t *start = s->pos;

    while (is_letter(peek(s, 0))) {
        s->pos++;
    }
    return view_of(start, (size_t)(s->pos - start));
}

/* ---- dates ---- */

static int set_date(struct scan *s, struct digits year, int64_t month, int64_t day)
{
    if (s->out->has_date || year.count == 0) {
        return DATETIME_SYNTAX;
    }
    s->is_short_year = year.count <= 2;
    if (month < 1 || month > 12 || day < 1 || day > 31) {
        return DATETIME_FIELD_ORDER;
    }
    if (year.value > 5874897) {
        return DATETIME_RANGE;
    }
    s->out->date =
        (struct civil){ .year = (int32_t)year.value, .month = (int32_t)month, .day = (int32_t)day };
    s->out->has_date = true;
    return 0;
}

/* Three numbers with separators between them. */
static int set_ordered_date(struct scan *s, const struct digits part[3])
{
    if (part[0].count >= 3 || s->order == DATE_YMD) {
        return set_date(s, part[0], part[1].value, part[2].value);
    }
    if (s->order == DATE_DMY) {
        return set_date(s, part[2], part[1].value, part[0].value);
    }
    return set_date(s, part[2], part[0].value, part[1].value);
}

/* 2024-01-31, 1/31/2024, 31.1.2024, 31-Jan-2024, 2024-Jan-31: the first number is read already. */
static int scan_date(struct scan *s, struct digits first)
{
    uint8_t separator = *s->pos++;
    struct digits part[3] = { first };

    if (is_letter(peek(s, 0))) {
        const struct datetime_word *word = datetime_word(scan_word(s));

        if (word == NULL || word->kind != WORD_MONTH || !accept(s, separator)) {
            return DATETIME_SYNTAX;
        }
        part[2] = scan_digits(s);
        return first.count >= 3 ? set_date(s, first, word->value, part[2].value)
                                : set_date(s, part[2], word->value, first.value);
    }
    part[1] = scan_digits(s);
    if (!accept(s, separator)) {
        return DATETIME_SYNTAX;
    }
    part[2] = scan_digits(s);
    if (part[2].count == 0) {
        return DATETIME_SYNTAX;
    }
    return set_ordered_date(s, part);
}

/* 20240131 or 240131. */
static int set_packed_date(struct scan *s, struct digits d)
{
    struct digits year = { .value = d.value / 10000, .count = d.count - 4 };

    return set_date(s, year, d.value / 100 % 100, d.value % 100);
}

/* ---- times ---- */

/* Six digits of a fraction, the seventh rounds. */
static int64_t scan_fraction(struct scan *s)
{
    int64_t us = 0;
    size_t i = 0;

    for (; is_digit(peek(s, 0)); s->pos++, i++) {
        if (i < 6) {
            us = us * 10 + (*s->pos - '0');
        } else if (i == 6 && *s->pos >= '5') {
            us++;
        }
    }
    for (; i < 6; i++) {
        us *= 10;
    }
    return us;
}

static int set_time(struct scan *s, int64_t h, int64_t m, int64_t sec, int64_t fraction_us)
{
    if (s->out->has_time) {
        return DATETIME_SYNTAX;
    }
    if (h > 24 || m > 59 || sec > 60 || (h == 24 && (m > 0 || sec > 0 || fraction_us > 0))) {
        return DATETIME_FIELD;
    }
    s->out->time_us = ((h * 60 + m) * 60 + sec) * USECS_PER_SEC + fraction_us;
    s->out->has_time = true;
    return 0;
}

/* 10:00[:00[.5]]: the hour is read already. */
static int scan_time(struct scan *s, struct digits hour)
{
    struct digits sec = { 0 };
    int64_t fraction_us = 0;

    s->pos++;
    struct digits minute = scan_digits(s);

    if (minute.count == 0 || hour.count > 2) {
        return DATETIME_SYNTAX;
    }
    if (accept(s, ':')) {
        sec = scan_digits(s);
        if (sec.count == 0) {
            return DATETIME_SYNTAX;
        }
        if (accept(s, '.')) {
            fraction_us = scan_fraction(s);
        }
    }
    return set_time(s, hour.value, minute.value, sec.value, fraction_us);
}

/* 101500 or 1015, with a fraction. */
static int set_packed_time(struct scan *s, struct digits d)
{
    bool has_seconds = d.count == 6;
    int64_t fraction_us = 0;

    if (has_seconds && accept(s, '.')) {
        fraction_us = scan_fraction(s);
    }
    if (has_seconds) {
        return set_time(s, d.value / 10000, d.value / 100 % 100, d.value % 100, fraction_us);
    }
    return set_time(s, d.value / 100, d.value % 100, 0, 0);
}

/* +HH, +HHMM, +HH:MM[:SS], behind its sign. */
static int scan_zone(struct scan *s, int sign)
{
    struct digits h = scan_digits(s);
    int64_t m = 0;
    int64_t sec = 0;

    if (h.count == 0 || s->out->has_zone) {
        return DATETIME_SYNTAX;
    }
    if (h.count > 4) {
        sec = h.value % 100;
        h.value /= 100;
    }
    if (h.count > 2) {
        m = h.value % 100;
        h.value /= 100;
    } else if (accept(s, ':')) {
        m = scan_digits(s).value;
        sec = accept(s, ':') ? scan_digits(s).value : 0;
    }
    if (h.count > 6 || h.value > 15 || m > 59 || sec > 59) {
        return DATETIME_ZONE;
    }
    s->out->zone_s = (int32_t)(sign * ((h.value * 60 + m) * 60 + sec));
    s->out->has_zone = true;
    return 0;
}

/* ---- tokens ---- */

static bool is_date_separator(uint8_t c)
{
    return c == '-' || c == '/' || c == '.';
}

static int scan_number(struct scan *s)
{
    struct digits d = scan_digits(s);
    uint8_t next = peek(s, 0);

    if (next == ':') {
        return scan_time(s, d);
    }
    if (!s->out->has_date && s->month_name == 0 && is_date_separator(next) &&
        (is_digit(peek(s, 1)) || is_letter(peek(s, 1)))) {
        return scan_date(s, d);
    }
    if ((s->out->has_date || s->is_time) && !s->out->has_time && (d.count == 6 || d.count == 4)) {
        return set_packed_time(s, d);
    }
    if (!s->out->has_date && s->month_name == 0 && (d.count == 8 || d.count == 6)) {
        return set_packed_date(s, d);
    }
    if (s->bare_count == bare_max || s->out->has_date) {
        return DATETIME_SYNTAX;
    }
    s->bare[s->bare_count++] = d;
    if (next == '-' ||
        next == '/') { /* 8-Jan: the separator of a date whose month is yet to come */
        s->pos++;
    }
    return 0;
}

static int name_zone(struct scan *s, struct view word)
{
    size_t len =
        word.len < sizeof(s->out->zone_name) - 1 ? word.len : sizeof(s->out->zone_name) - 1;

    for (size_t i = 0; i < len; i++) {
        s->out->zone_name[i] = (char)tolower(word.data[i]);
    }
    s->out->zone_name[len] = '\0';
    return DATETIME_UNKNOWN_ZONE;
}

static int set_zone(struct scan *s, int32_t zone_s)
{
    if (s->out->has_zone) {
        return DATETIME_SYNTAX;
    }
    s->out->zone_s = zone_s;
    s->out->has_zone = true;
    return 0;
}

static int apply_word(struct scan *s, const struct datetime_word *word)
{
    switch ((enum word_kind)word->kind) {
    case WORD_MONTH:
        if (s->month_name != 0 || s->out->has_date) {
            return DATETIME_SYNTAX;
        }
        s->month_name = word->value;
        if (peek(s, 0) == '-' || peek(s, 0) == '/') {
            s->pos++;
        }
        return 0;
    case WORD_IGNORED:
    case WORD_AD:
        return 0;
    case WORD_AM:
        s->is_am = true;
        return 0;
    case WORD_PM:
        s->is_pm = true;
        return 0;
    case WORD_BC:
        s->is_bc = true;
        return 0;
    case WORD_ZONE:
        return set_zone(s, word->value);
    case WORD_EPOCH:
        s->out->is_epoch = true;
        return 0;
    case WORD_INFINITY:
        s->out->infinity = 1;
        return 0;
    case WORD_UNSUPPORTED:
        return DATETIME_UNSUPPORTED;
    }
    return DATETIME_SYNTAX;
}

static int scan_text(struct scan *s)
{
    struct view text = scan_word(s);
    const struct datetime_word *word = datetime_word(text);

    if (word != NULL) {
        return apply_word(s, word);
    }
    if (text.len == 1 && (text.data[0] == 'T' || text.data[0] == 't') && is_digit(peek(s, 0)) &&
        (s->out->has_date || s->is_time)) {
        return 0; /* 2024-01-31T10:00 */
    }
    /* a zone of the tz database, which only the session knows */
    if (s->out->has_time && text.len >= 3) {
        while (is_letter(peek(s, 0)) || peek(s, 0) == '/' || peek(s, 0) == '_') {
            s->pos++;
        }
        return name_zone(s, view_of(text.data, (size_t)(s->pos - text.data)));
    }
    return DATETIME_SYNTAX;
}

static int scan_token(struct scan *s)
{
    uint8_t c = *s->pos;

    if (is_blank(c) || c == ',') {
        s->pos++;
        return 0;
    }
    if (is_digit(c)) {
        return scan_number(s);
    }
    if (is_letter(c)) {
        return scan_text(s);
    }
    if (c != '+' && c != '-') {
        return DATETIME_SYNTAX;
    }
    s->pos++;
    if (is_letter(peek(s, 0)) && !s->out->has_date && !s->out->has_time) {
        const struct datetime_word *word = datetime_word(scan_word(s));

        s->out->infinity = c == '-' ? -1 : 1;
        return word != NULL && word->kind == WORD_INFINITY ? 0 : DATETIME_SYNTAX;
    }
    return s->out->has_time || s->out->has_date ? scan_zone(s, c == '-' ? -1 : 1) : DATETIME_SYNTAX;
}

/* ---- the end ---- */

/* "Jan 8 1999", "8 Jan 1999", "1999 Jan 8" */
static int resolve_named_month(struct scan *s)
{
    if (s->month_name == 0) {
        return s->bare_count == 0 ? 0 : DATETIME_SYNTAX;
    }
    if (s->bare_count != 2) {
        return DATETIME_SYNTAX;
    }
    if (s->bare[0].count >= 3) {
        return set_date(s, s->bare[0], s->month_name, s->bare[1].value);
    }
    return set_date(s, s->bare[1], s->month_name, s->bare[0].value);
}

static int resolve_half_day(struct scan *s)
{
    int64_t hours = s->out->time_us / (3600 * USECS_PER_SEC);

    if (!s->is_am && !s->is_pm) {
        return 0;
    }
    if (!s->out->has_time || hours > 12) {
        return hours > 12 ? DATETIME_FIELD : DATETIME_SYNTAX;
    }
    if (hours == 12) {
        s->out->time_us -= 12 * 3600 * USECS_PER_SEC;
    }
    if (s->is_pm) {
        s->out->time_us += 12 * 3600 * USECS_PER_SEC;
    }
    return 0;
}

static int resolve_year(struct scan *s)
{
    struct civil *c = &s->out->date;

    if (!s->out->has_date) {
        return s->is_bc ? DATETIME_SYNTAX : 0;
    }
    if (s->is_short_year && !s->is_bc) {
        c->year += c->year < 70 ? 2000 : 1900;
    }
    if (c->year == 0) {
        return DATETIME_FIELD; /* there was none */
    }
    c->year = s->is_bc ? 1 - c->year : c->year;
    return c->day > days_in_month(c->year, c->month) ? DATETIME_FIELD : 0;
}

int datetime_parse(struct view text, enum date_order order, bool is_time,
                   struct datetime *ret_datetime)
{
    struct datetime out = { 0 };
    struct scan s = { .pos = text.data,
                      .end = text.data + text.len,
                      .order = order,
                      .is_time = is_time,
                      .out = &out };
    int r = 0;

    while (r == 0 && s.pos < s.end) {
        r = scan_token(&s);
    }
    r = r != 0 ? r : resolve_named_month(&s);
    r = r != 0 ? r : resolve_half_day(&s);
    r = r != 0 ? r : resolve_year(&s);
    bool is_said = out.has_date || out.has_time || out.infinity != 0 || out.is_epoch;

    if (r == 0 && (!is_said || ((out.infinity != 0 || out.is_epoch) && out.has_date))) {
        r = DATETIME_SYNTAX;
    }
    if (r == 0 || r == DATETIME_UNKNOWN_ZONE) {
        *ret_datetime = out;
    }
    return r;
}
