/* protocol/value.c: one row per type with its four functions; what they share. */
#include "protocol/value.h"

#include "protocol/utf8.h"
#include "protocol/value_impl.h"

#include <math.h>

enum { shown_bytes = 512 };

/* ---- types that have no row: their text passes, their binary form is not known here (arrays,
 * records) ---- */

static int no_binary(const struct value_call *call)
{
    char name[pgtype_name_bytes];

    return failure_set(call->failure, "0A000", "binary format of type %s is not supported",
                       pgtype_format(call->oid, -1, name));
}

static int other_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    (void)in;
    (void)ret_cell;
    return no_binary(call);
}

static int other_encode_binary(const struct value_call *call, const struct cell *cell)
{
    (void)cell;
    return no_binary(call);
}

static const struct value_type other_type = {
    0, "unknown", text_decode, other_decode_binary, text_encode, other_encode_binary,
};

/* Ordered by OID. */
static const struct value_type types[] = {
    { OID_BOOL, "boolean", bool_decode_text, bool_decode_binary, bool_encode_text,
      bool_encode_binary },
    { OID_BYTEA, "bytea", bytea_decode_text, bytea_decode_binary, bytea_encode_text,
      bytea_encode_binary },
    { OID_CHAR, "\"char\"", char_decode, char_decode, char_encode, char_encode_binary },
    { OID_NAME, "name", name_decode, name_decode, text_encode, text_encode },
    { OID_INT8, "bigint", int_decode_text, int_decode_binary, int_encode_text, int_encode_binary },
    { OID_INT2, "smallint", int_decode_text, int_decode_binary, int_encode_text,
      int_encode_binary },
    { OID_INT4, "integer", int_decode_text, int_decode_binary, int_encode_text, int_encode_binary },
    { OID_TEXT, "text", text_decode, text_decode, text_encode, text_encode },
    { OID_OID, "oid", int_decode_text, int_decode_binary, int_encode_text, int_encode_binary },
    { OID_XID, "xid", int_decode_text, int_decode_binary, int_encode_text, int_encode_binary },
    { OID_JSON, "json", json_decode, json_decode, text_encode, text_encode },
    { OID_XML, "xml", text_decode, text_decode, text_encode, text_encode },
    { OID_FLOAT4, "real", float_decode_text, float_decode_binary, float_encode_text,
      float_encode_binary },
    { OID_FLOAT8, "double precision", float_decode_text, float_decode_binary, float_encode_text,
      float_encode_binary },
    { OID_UNKNOWN, "unknown", text_decode, text_decode, text_encode, text_encode },
    { OID_INET, "inet", inet_decode_text, inet_decode_binary, text_encode, inet_encode_binary },
    { OID_BPCHAR, "character", bpchar_decode, bpchar_decode, bpchar_encode, bpchar_encode },
    { OID_VARCHAR, "character varying", varchar_decode, varchar_decode, text_encode, text_encode },
    { OID_DATE, "date", date_decode_text, date_decode_binary, date_encode_text,
      date_encode_binary },
    { OID_TIME, "time", time_decode_text, time_decode_binary, time_encode_text,
      time_encode_binary },
    { OID_TIMESTAMP, "timestamp", timestamp_decode_text, timestamp_decode_binary,
      timestamp_encode_text, timestamp_encode_binary },
    { OID_TIMESTAMPTZ, "timestamp with time zone", timestamp_decode_text, timestamp_decode_binary,
      timestamp_encode_text, timestamp_encode_binary },
    { OID_INTERVAL, "interval", interval_decode_text, interval_decode_binary, interval_encode_text,
      interval_encode_binary },
    { OID_TIMETZ, "time with time zone", time_decode_text, time_decode_binary, time_encode_text,
      time_encode_binary },
    { OID_NUMERIC, "numeric", numeric_decode_text, numeric_decode_binary, numeric_encode_text,
      numeric_encode_binary },
    { OID_VOID, "void", void_decode, void_decode, void_encode, void_encode },
    { OID_UUID, "uuid", uuid_decode_text, uuid_decode_binary, uuid_encode_text,
      uuid_encode_binary },
    { OID_JSONB, "json", jsonb_decode, jsonb_decode_binary, text_encode, jsonb_encode_binary },
};

static const struct value_type *find_type(uint32_t oid)
{
    size_t low = 0;
    size_t high = ARRAY_LEN(types);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (types[middle].oid == oid) {
            return &types[middle];
        }
        if (types[middle].oid < oid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return &other_type;
}

static struct value_call make_call(uint32_t oid, int32_t typmod, const struct value_style *style,
                                   struct buf *buf, struct failure *failure)
{
    static const struct value_style plain_style;

    return (struct value_call){
        .type = find_type(oid),
        .oid = oid,
        .typmod = typmod,
        .style = style == NULL ? &plain_style : style,
        .buf = buf,
        .failure = failure,
    };
}

void value_in_init(struct value_in *vi, uint32_t type_oid, int32_t typmod, enum value_format format,
                   const struct value_style *style, struct buf *scratch, struct failure *failure)
{
    vi->call = make_call(type_oid, typmod, style, scratch, failure);
    vi->call.is_utf8 = format != FORMAT_BINARY; /* value_in_get() sees to it */
    vi->decode =
        format == FORMAT_BINARY ? vi->call.type->decode_binary : vi->call.type->decode_text;
}

int value_in_get(const struct value_in *vi, struct view in, struct cell *ret_cell)
{
    if (in.data == NULL) {
        in.data = (const uint8_t *)"";
    }
    if (vi->call.is_utf8 && utf8_check(in, vi->call.failure) != 0) {
        return FAILED;
    }
    return vi->decode(&vi->call, in, ret_cell);
}

int value_decode(uint32_t type_oid, int32_t typmod, enum value_format format, struct view in,
                 const struct value_style *style, struct buf *scratch, struct cell *ret_cell,
                 struct failure *ret_failure)
{
    struct value_in vi;

    value_in_init(&vi, type_oid, typmod, format, style, scratch, ret_failure);
    return value_in_get(&vi, in, ret_cell);
}

void value_out_init(struct value_out *vo, uint32_t type_oid, int32_t typmod,
                    enum value_format format, const struct value_style *style, struct buf *out,
                    struct failure *failure)
{
    vo->call = make_call(type_oid, typmod, style, out, failure);
    vo->encode =
        format == FORMAT_BINARY ? vo->call.type->encode_binary : vo->call.type->encode_text;
}

int value_encode(uint32_t type_oid, int32_t typmod, enum value_format format,
                 const struct cell *cell, const struct value_style *style, struct buf *out,
                 struct failure *ret_failure)
{
    struct value_out vo;

    value_out_init(&vo, type_oid, typmod, format, style, out, ret_failure);
    return value_out_put(&vo, cell);
}

/* ---- complaints ---- */

static int shown(struct view in)
{
    return (int)(in.len < shown_bytes ? in.len : shown_bytes);
}

int value_bad_text(const struct value_call *call, const char *sqlstate, struct view in)
{
    return failure_set(call->failure, sqlstate, "invalid input syntax for type %s: \"%.*s\"",
                       call->type->word, shown(in), (const char *)in.data);
}

int value_bad_length(const struct value_call *call, bool too_short)
{
    return too_short ? failure_set(call->failure, "08P01", "insufficient data left in message")
                     : failure_set(call->failure, "22P03", "incorrect binary data format");
}

int value_no_byte(const struct value_call *call)
{
    return failure_set(call->failure, "08P01", "no data left in message");
}

int value_out_of_range(const struct value_call *call, struct view in)
{
    return failure_set(call->failure, "22003", "value \"%.*s\" is out of range for type %s",
                       shown(in), (const char *)in.data, call->type->word);
}

/* ---- conversions ---- */

struct view value_to_text(const struct cell *cell, char room[value_text_bytes])
{
    switch (cell->kind) {
    case CELL_INT:
        return view_of(room, number_write_int(cell->i, room));
    case CELL_REAL:
        return view_of(room, number_write_double(cell->r, room));
    case CELL_TEXT:
    case CELL_BLOB:
        return cell->bytes.data == NULL ? view_of_str("") : cell->bytes;
    case CELL_NULL:
        break;
    }
    return view_of_str("");
}

static int int_of_text(const struct value_call *call, struct view text, int64_t *ret_n)
{
    int r = number_parse_int(text, ret_n);

    if (r == NUMBER_RANGE) {
        return value_out_of_range(call, text);
    }
    return r == 0 ? 0 : value_bad_text(call, "22P02", text);
}

int value_to_int(const struct value_call *call, const struct cell *cell, int64_t *ret_n)
{
    char room[value_text_bytes];

    if (cell->kind == CELL_INT) {
        *ret_n = cell->i;
        return 0;
    }
    if (cell->kind == CELL_REAL && cell->r == rint(cell->r) && cell->r >= -0x1p63 &&
        cell->r < 0x1p63) {
        *ret_n = (int64_t)cell->r;
        return 0;
    }
    struct view text = value_to_text(cell, room);

    if (cell->kind == CELL_REAL && fabs(cell->r) >= 0x1p63) {
        return value_out_of_range(call, text);
    }
    return int_of_text(call, text, ret_n);
}

int value_to_double(const struct value_call *call, const struct cell *cell, double *ret_r)
{
    if (cell->kind == CELL_REAL) {
        *ret_r = cell->r;
        return 0;
    }
    if (cell->kind == CELL_INT) {
        *ret_r = (double)cell->i;
        return 0;
    }
    char room[value_text_bytes];
    struct view text = value_to_text(cell, room);
    int r = number_parse_double(text, ret_r);

    if (r == NUMBER_RANGE) {
        return failure_set(call->failure, "22003", "\"%.*s\" is out of range for type %s",
                           shown(text), (const char *)text.data, call->type->word);
    }
    return r == NUMBER_SYNTAX ? value_bad_text(call, "22P02", text) : r;
}

/* ---- output ---- */

int value_keep_text(const struct value_call *call, const char *text, size_t len,
                    struct cell *ret_cell)
{
    size_t at = call->buf->len;
    int r = buf_append(call->buf, text, len);

    if (r == 0) {
        cell_set_text(ret_cell, view_of(call->buf->data + at, len));
    }
    return r;
}
