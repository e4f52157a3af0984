/* protocol/value_time.c: date, time, timetz, timestamp, timestamptz, interval. */
#include "protocol/datetime.h"
#include "protocol/value_impl.h"

/* Storage: ISO, and UTC where there is a zone. */
static const struct value_style storage_style;

/* Days within which microseconds do not overflow. */
enum { timestamp_days_most = 106751990 };

static int bad_datetime(const struct value_call *call, int answer, struct view in)
{
    int len = (int)(in.len < 512 ? in.len : 512);
    const char *text = (const char *)in.data;

    switch (answer) {
    case DATETIME_FIELD:
        return failure_set(call->failure, "22008", "date/time field value out of range: \"%.*s\"",
                           len, text);
    case DATETIME_FIELD_ORDER:
        failure_set(call->failure, "22008", "date/time field value out of range: \"%.*s\"", len,
                    text);
        failure_add(call->failure, FIELD_HINT,
                    "Perhaps you need a different \"datestyle\" setting.");
        return FAILED;
    case DATETIME_RANGE:
        return failure_set(call->failure, "22008", "%s out of range: \"%.*s\"",
                           call->oid == OID_DATE ? "date" : "timestamp", len, text);
    case DATETIME_ZONE:
        return failure_set(call->failure, "22009", "time zone displacement out of range: \"%.*s\"",
                           len, text);
    case DATETIME_UNSUPPORTED:
        return failure_set(
            call->failure, "0A000",
            "date/time value \"%.*s\" is not supported: use a function such as now()", len, text);
    default:
        return value_bad_text(call, "22007", in);
    }
}

static int parse(const struct value_call *call, struct view in, enum date_order order,
                 struct datetime *ret_dt)
{
    int r = datetime_parse(in, order, call->oid == OID_TIME || call->oid == OID_TIMETZ, ret_dt);

    if (r == DATETIME_UNKNOWN_ZONE) {
        return failure_set(call->failure, "22023", "time zone \"%s\" not recognized",
                           ret_dt->zone_name);
    }
    return r == 0 ? 0 : bad_datetime(call, r, in);
}

/* Is the text what date_write() and the others print in ISO style? Then it needs no second look. */
static bool matches(struct view text, const char *pattern, size_t len)
{
    bool same = text.len == len;

    for (size_t i = 0; same && i < len; i++) {
        bool is_digit = (uint8_t)(text.data[i] - '0') <= 9;

        same = pattern[i] == '0' ? is_digit : text.data[i] == (uint8_t)pattern[i];
    }
    return same;
}

static bool is_iso_date(struct view text)
{
    return matches(text, "0000-00-00", 10);
}

/* "2024-01-31 10:00:00", with up to six digits of a fraction that does not end in 0 */
static bool is_iso_timestamp(struct view text)
{
    bool is_length = text.len == 19 || (text.len >= 21 && text.len <= 26);

    if (!is_length || (text.len > 19 && text.data[text.len - 1] == '0')) {
        return false;
    }
    return matches(text, "0000-00-00 00:00:00.000000", text.len);
}

static int32_t digits_at(struct view text, size_t at, size_t count)
{
    int32_t n = 0;

    for (size_t i = at; i < at + count; i++) {
        n = n * 10 + (text.data[i] - '0');
    }
    return n;
}

/* The date at the beginning of such a text. */
static bool read_iso_date(struct view text, int64_t *ret_days)
{
    struct civil c = { digits_at(text, 0, 4), digits_at(text, 5, 2), digits_at(text, 8, 2) };

    if (c.year < 1 || c.month < 1 || c.month > 12 || c.day < 1 ||
        c.day > days_in_month(c.year, c.month)) {
        return false;
    }
    *ret_days = days_of_civil(c);
    return true;
}

/* What timestamp_write() has printed in ISO style, back; false: look closer. */
static bool read_iso_timestamp(struct view text, int64_t *ret_us)
{
    int64_t days;

    if (!is_iso_timestamp(text) || !read_iso_date(text, &days)) {
        return false;
    }
    int32_t hour = digits_at(text, 11, 2);
    int32_t minute = digits_at(text, 14, 2);
    int32_t second = digits_at(text, 17, 2);
    int32_t us = text.len > 20 ? digits_at(text, 20, text.len - 20) : 0;

    for (size_t i = text.len > 20 ? text.len : 26; i < 26; i++) {
        us *= 10;
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ret_us = days * USECS_PER_DAY + ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC + us;
    return true;
}

/* ---- date ---- */

static int days_of(const struct value_call *call, struct view in, enum date_order order,
                   int32_t *ret_days)
{
    struct datetime dt;

    if (parse(call, in, order, &dt) != 0) {
        return FAILED;
    }
    int64_t days = dt.infinity > 0   ? DATE_INFINITY
                   : dt.infinity < 0 ? DATE_MINUS_INF
                   : dt.is_epoch     ? -UNIX_TO_2000_S / 86400
                                     : days_of_civil(dt.date);

    if (!dt.has_date && !dt.is_epoch && dt.infinity == 0) {
        return value_bad_text(call, "22007", in);
    }
    if (!date_is_valid(days)) {
        return bad_datetime(call, DATETIME_RANGE, in);
    }
    *ret_days = (int32_t)days;
    return 0;
}

static int keep_date(const struct value_call *call, int32_t days, struct cell *ret_cell)
{
    char text[datetime_bytes];

    return value_keep_text(call, text, date_write(days, &storage_style, text), ret_cell);
}

int date_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int32_t days;
    int r = days_of(call, in, call->style->date_order, &days);

    return r != 0 ? r : keep_date(call, days, ret_cell);
}

int date_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    int32_t days = reader_i32(&r);

    if (!reader_done(&r)) {
        return value_bad_length(call, r.failed);
    }
    if (!date_is_valid(days)) {
        return failure_set(call->failure, "22008", "date out of range");
    }
    return keep_date(call, days, ret_cell);
}

int date_encode_text(const struct value_call *call, const struct cell *cell)
{
    char text[datetime_bytes];
    char room[value_text_bytes];
    struct view stored = value_to_text(cell, room);
    int32_t days;

    if (call->style->date_output == DATE_ISO && is_iso_date(stored)) {
        return value_put(call, stored.data, stored.len);
    }
    int r = days_of(call, stored, DATE_YMD, &days);

    return r != 0 ? r : value_put(call, text, date_write(days, call->style, text));
}

int date_encode_binary(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view stored = value_to_text(cell, room);
    int64_t quick;
    int32_t days;

    if (is_iso_date(stored) && read_iso_date(stored, &quick)) {
        return value_put_u32(call, (uint32_t)quick);
    }
    int r = days_of(call, stored, DATE_YMD, &days);

    return r != 0 ? r : value_put_u32(call, (uint32_t)days);
}

/* ---- time, timetz ---- */

struct time_value {
    int64_t us;
    int32_t zone_s; /* east of UTC */
};

static int time_of(const struct value_call *call, struct view in, const struct value_style *style,
                   struct time_value *ret_time)
{
    struct datetime dt;

    if (parse(call, in, style->date_order, &dt) != 0) {
        return FAILED;
    }
    if (!dt.has_time || dt.infinity != 0) {
        return value_bad_text(call, "22007", in);
    }
    int64_t days = dt.has_date ? days_of_civil(dt.date) : 0;

    if (days > timestamp_days_most || days < -timestamp_days_most) {
        return bad_datetime(call, DATETIME_RANGE, in);
    }
    int64_t local_us = days * USECS_PER_DAY + dt.time_us;

    *ret_time = (struct time_value){
        .us = time_round(dt.time_us, call->typmod),
        .zone_s = dt.has_zone ? dt.zone_s : style_offset_at(style, local_us, true),
    };
    return 0;
}

static size_t write_time(const struct value_call *call, const struct time_value *t, char *out)
{
    return call->oid == OID_TIMETZ ? timetz_write(t->us, t->zone_s, out) : time_write(t->us, out);
}

static int keep_time(const struct value_call *call, const struct time_value *t,
                     struct cell *ret_cell)
{
    char text[datetime_bytes];

    return value_keep_text(call, text, write_time(call, t, text), ret_cell);
}

int time_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct time_value t;
    int r = time_of(call, in, call->style, &t);

    return r != 0 ? r : keep_time(call, &t, ret_cell);
}

int time_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    struct time_value t = { .us = reader_i64(&r) };
    int64_t zone_s = call->oid == OID_TIMETZ ? -(int64_t)reader_i32(&r) : 0;

    if (!reader_done(&r)) {
        return value_bad_length(call, r.failed);
    }
    if (t.us < 0 || t.us > USECS_PER_DAY) {
        return failure_set(call->failure, "22008", "time out of range");
    }
    if (zone_s <= -16 * 3600 || zone_s >= 16 * 3600) {
        return failure_set(call->failure, "22009", "time zone displacement out of range");
    }
    t.us = time_round(t.us, call->typmod);
    t.zone_s = (int32_t)zone_s;
    return keep_time(call, &t, ret_cell);
}

int time_encode_text(const struct value_call *call, const struct cell *cell)
{
    char text[datetime_bytes];
    char room[value_text_bytes];
    struct time_value t;
    int r = time_of(call, value_to_text(cell, room), &storage_style, &t);

    return r != 0 ? r : value_put(call, text, write_time(call, &t, text));
}

int time_encode_binary(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct time_value t;
    int r = time_of(call, value_to_text(cell, room), &storage_style, &t);

    r = r != 0 ? r : value_put_u64(call, (uint64_t)t.us);
    return r != 0 || call->oid == OID_TIME ? r : value_put_u32(call, (uint32_t)-t.zone_s);
}

/* ---- timestamp, timestamptz ---- */

static int timestamp_of(const struct value_call *call, struct view in,
                        const struct value_style *style, int64_t *ret_us)
{
    struct datetime dt;

    if (parse(call, in, style->date_order, &dt) != 0) {
        return FAILED;
    }
    if (dt.infinity != 0) {
        *ret_us = dt.infinity > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INF;
        return 0;
    }
    if (dt.is_epoch) {
        *ret_us = -UNIX_TO_2000_S * USECS_PER_SEC;
        return 0;
    }
    if (!dt.has_date) {
        return value_bad_text(call, "22007", in);
    }
    int64_t days = days_of_civil(dt.date);

    if (days > timestamp_days_most || days < -timestamp_days_most) {
        return bad_datetime(call, DATETIME_RANGE, in);
    }
    int64_t us = days * USECS_PER_DAY + dt.time_us;

    if (call->oid == OID_TIMESTAMPTZ) {
        us -= (dt.has_zone ? dt.zone_s : style_offset_at(style, us, true)) * USECS_PER_SEC;
    }
    us = time_round(us, call->typmod);
    if (!timestamp_is_valid(us)) {
        return bad_datetime(call, DATETIME_RANGE, in);
    }
    *ret_us = us;
    return 0;
}

static bool ends_in_utc(struct view stored)
{
    return stored.len > 3 && memcmp(stored.data + stored.len - 3, "+00", 3) == 0;
}

/* Of a stored text. */
static int stored_timestamp(const struct value_call *call, struct view stored, int64_t *ret_us)
{
    bool has_zone = call->oid == OID_TIMESTAMPTZ;
    int64_t us;

    if (has_zone == ends_in_utc(stored) &&
        read_iso_timestamp(view_of(stored.data, stored.len - (has_zone ? 3 : 0)), &us)) {
        *ret_us = time_round(us, call->typmod);
        return 0;
    }
    return timestamp_of(call, stored, &storage_style, ret_us);
}

static size_t write_stamp(const struct value_call *call, int64_t us,
                          const struct value_style *style, char *out)
{
    return call->oid == OID_TIMESTAMPTZ ? timestamptz_write(us, style, out)
                                        : timestamp_write(us, style, out);
}

static int keep_stamp(const struct value_call *call, int64_t us, struct cell *ret_cell)
{
    char text[datetime_bytes];

    return value_keep_text(call, text, write_stamp(call, us, &storage_style, text), ret_cell);
}

int timestamp_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int64_t us;
    int r = timestamp_of(call, in, call->style, &us);

    return r != 0 ? r : keep_stamp(call, us, ret_cell);
}

int timestamp_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    int64_t us = reader_i64(&r);

    if (!reader_done(&r)) {
        return value_bad_length(call, r.failed);
    }
    if (!timestamp_is_valid(us)) {
        return failure_set(call->failure, "22008", "timestamp out of range");
    }
    return keep_stamp(call, time_round(us, call->typmod), ret_cell);
}

/* May the stored text go out as it is? */
static bool is_final(const struct value_call *call, struct view stored)
{
    if (call->style->date_output != DATE_ISO) {
        return false;
    }
    if (call->oid == OID_TIMESTAMP) {
        return is_iso_timestamp(stored);
    }
    return call->style->utc_offset == NULL && ends_in_utc(stored) &&
           is_iso_timestamp(view_of(stored.data, stored.len - 3));
}

int timestamp_encode_text(const struct value_call *call, const struct cell *cell)
{
    char text[datetime_bytes];
    char room[value_text_bytes];
    struct view stored = value_to_text(cell, room);
    int64_t us;

    if (is_final(call, stored)) {
        return value_put(call, stored.data, stored.len);
    }
    int r = stored_timestamp(call, stored, &us);

    return r != 0 ? r : value_put(call, text, write_stamp(call, us, call->style, text));
}

int timestamp_encode_binary(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    int64_t us;
    int r = stored_timestamp(call, value_to_text(cell, room), &us);

    return r != 0 ? r : value_put_u64(call, (uint64_t)us);
}

/* ---- interval ---- */

static int interval_of(const struct value_call *call, struct view in, struct interval *ret_interval)
{
    int r = interval_parse(in, ret_interval);

    if (r == DATETIME_RANGE) {
        return failure_set(call->failure, "22015", "interval field value out of range: \"%.*s\"",
                           (int)(in.len < 512 ? in.len : 512), (const char *)in.data);
    }
    return r == 0 ? 0 : bad_datetime(call, r, in);
}

static int keep_interval(const struct value_call *call, struct interval *iv, struct cell *ret_cell)
{
    char text[datetime_bytes];
    int32_t precision = call->typmod < 0 ? -1 : call->typmod & 0xffff;

    iv->us = time_round(iv->us, precision);
    return value_keep_text(call, text, interval_write(iv, INTERVAL_POSTGRES, text), ret_cell);
}

int interval_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct interval iv;
    int r = interval_of(call, in, &iv);

    return r != 0 ? r : keep_interval(call, &iv, ret_cell);
}

int interval_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    struct interval iv = { .us = reader_i64(&r) };

    iv.days = reader_i32(&r);
    iv.months = reader_i32(&r);
    if (!reader_done(&r)) {
        return value_bad_length(call, r.failed);
    }
    return keep_interval(call, &iv, ret_cell);
}

int interval_encode_text(const struct value_call *call, const struct cell *cell)
{
    char text[datetime_bytes];
    char room[value_text_bytes];
    struct interval iv;
    int r = interval_of(call, value_to_text(cell, room), &iv);

    return r != 0 ? r
                  : value_put(call, text, interval_write(&iv, call->style->interval_output, text));
}

int interval_encode_binary(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct interval iv;
    int r = interval_of(call, value_to_text(cell, room), &iv);

    r = r != 0 ? r : value_put_u64(call, (uint64_t)iv.us);
    r = r != 0 ? r : value_put_u32(call, (uint32_t)iv.days);
    return r != 0 ? r : value_put_u32(call, (uint32_t)iv.months);
}
