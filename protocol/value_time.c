/* protocol/value_time.c: date, time, timetz, timestamp, timestamptz, interval. */
#include "protocol/datetime.h"
#include "protocol/iso_time.h"
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
    int64_t quick;
    int32_t days;

    if (iso_date_read(in, &quick)) { /* as it would be printed */
        cell_set_text(ret_cell, in);
        return 0;
    }
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
    int64_t quick;
    int32_t days;

    if (call->style->date_output == DATE_ISO && iso_date_read(stored, &quick)) {
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

    if (iso_date_read(stored, &quick)) {
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

/* A timestamptz is stored in UTC and says so, a timestamp has no zone. */
static bool stored_quickly(const struct value_call *call, struct view stored, int64_t *ret_us)
{
    if (call->oid == OID_TIMESTAMPTZ) {
        if (stored.len < 3 || memcmp(stored.data + stored.len - 3, "+00", 3) != 0) {
            return false;
        }
        stored.len -= 3;
    }
    return iso_timestamp_read(stored, ret_us);
}

/* Of a stored text. */
static int stored_timestamp(const struct value_call *call, struct view stored, int64_t *ret_us)
{
    int64_t us;

    if (stored_quickly(call, stored, &us)) {
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

    if (call->typmod < 0 && stored_quickly(call, in, &us)) { /* as it would be printed */
        cell_set_text(ret_cell, in);
        return 0;
    }
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
    bool in_utc = call->oid == OID_TIMESTAMP || call->style->utc_offset == NULL;
    int64_t us;

    return call->style->date_output == DATE_ISO && in_utc && stored_quickly(call, stored, &us);
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
