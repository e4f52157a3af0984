/* protocol/value_number.c: bool, integers, oid, floats and numeric. */
#include "protocol/value_impl.h"

#include "protocol/blank.h"

#include <math.h>
#include <strings.h>

/* ---- bool ---- */

/* Any unique beginning of these words. */
static const struct bool_word {
    const char *word;
    uint8_t least; /* letters that make it unique */
    bool value;
} bool_words[] = {
    { "true", 1, true },   { "yes", 1, true }, { "on", 2, true },   { "1", 1, true },
    { "false", 1, false }, { "no", 1, false }, { "off", 2, false }, { "0", 1, false },
};

static bool parse_bool(struct view in, bool *ret_value)
{
    struct view word = view_trimmed(in);

    for (size_t i = 0; i < ARRAY_LEN(bool_words); i++) {
        if (word.len >= bool_words[i].least && word.len <= strlen(bool_words[i].word) &&
            strncasecmp((const char *)word.data, bool_words[i].word, word.len) == 0) {
            *ret_value = bool_words[i].value;
            return true;
        }
    }
    return false;
}

int bool_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    bool value;

    if (!parse_bool(in, &value)) {
        return value_bad_text(call, "22P02", in);
    }
    cell_set_int(ret_cell, value);
    return 0;
}

int bool_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    if (in.len == 0) {
        return value_no_byte(call);
    }
    if (in.len > 1) {
        return value_bad_length(call, false);
    }
    cell_set_int(ret_cell, in.data[0] != 0);
    return 0;
}

static int bool_of_cell(const struct value_call *call, const struct cell *cell, bool *ret_value)
{
    char room[value_text_bytes];

    if (cell->kind == CELL_INT || cell->kind == CELL_REAL) {
        *ret_value = cell->kind == CELL_INT ? cell->i != 0 : cell->r != 0;
        return 0;
    }
    struct view text = value_to_text(cell, room);

    return parse_bool(text, ret_value) ? 0 : value_bad_text(call, "22P02", text);
}

int bool_encode_text(const struct value_call *call, const struct cell *cell)
{
    bool value;
    int r = bool_of_cell(call, cell, &value);

    return r != 0 ? r : value_put(call, value ? "t" : "f", 1);
}

int bool_encode_binary(const struct value_call *call, const struct cell *cell)
{
    bool value = false;
    int r = bool_of_cell(call, cell, &value);
    uint8_t byte = value;

    return r != 0 ? r : value_put(call, &byte, 1);
}

/* ---- int2, int4, int8, oid ---- */

static const struct int_row {
    uint32_t oid;
    size_t bytes;
    int64_t least;
    int64_t most;
} int_rows[] = {
    { OID_INT4, 4, INT32_MIN, INT32_MAX }, { OID_INT8, 8, INT64_MIN, INT64_MAX },
    { OID_INT2, 2, INT16_MIN, INT16_MAX }, { OID_OID, 4, 0, UINT32_MAX },
    { OID_XID, 4, 0, UINT32_MAX },
};

static const struct int_row *int_row(const struct value_call *call)
{
    const struct int_row *row = int_rows;

    while (row->oid != call->oid) {
        row++;
    }
    return row;
}

static bool int_fits(const struct value_call *call, int64_t n)
{
    const struct int_row *row = int_row(call);

    return n >= row->least && n <= row->most;
}

int int_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    int64_t n;
    int r = number_parse_int(in, &n);

    if (r == NUMBER_SYNTAX) {
        return value_bad_text(call, "22P02", in);
    }
    if (r == 0 && (call->oid == OID_OID || call->oid == OID_XID) && n < 0 && n >= INT32_MIN) {
        n += INT64_C(1) << 32; /* oid's input takes -1 as the highest */
    }
    if (r != 0 || !int_fits(call, n)) {
        return value_out_of_range(call, in);
    }
    cell_set_int(ret_cell, n);
    return 0;
}

int int_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    const struct int_row *row = int_row(call);
    struct reader r = reader_over(in);

    if (in.len != row->bytes) {
        return value_bad_length(call, in.len < row->bytes);
    }
    if (row->bytes == 8) {
        cell_set_int(ret_cell, reader_i64(&r));
    } else if (row->bytes == 2) {
        cell_set_int(ret_cell, reader_i16(&r));
    } else {
        cell_set_int(ret_cell, row->least == 0 ? (int64_t)reader_u32(&r) : reader_i32(&r));
    }
    return 0;
}

static inline int int_of_cell(const struct value_call *call, const struct cell *cell,
                              int64_t *ret_n)
{
    int r = 0;

    if (cell->kind == CELL_INT) {
        *ret_n = cell->i;
    } else {
        r = value_to_int(call, cell, ret_n);
    }

    if (r == 0 && !int_fits(call, *ret_n)) {
        return failure_set(call->failure, "22003", "%s out of range", call->type->word);
    }
    return r;
}

int int_encode_text(const struct value_call *call, const struct cell *cell)
{
    char text[number_int_bytes];
    int64_t n;
    int r = int_of_cell(call, cell, &n);

    return r != 0 ? r : value_put(call, text, number_write_int(n, text));
}

int int_encode_binary(const struct value_call *call, const struct cell *cell)
{
    int64_t n;
    int r = int_of_cell(call, cell, &n);

    if (r != 0) {
        return r;
    }
    switch (int_row(call)->bytes) {
    case 2:
        return value_put_u16(call, (uint16_t)n);
    case 4:
        return value_put_u32(call, (uint32_t)n);
    default:
        return value_put_u64(call, (uint64_t)n);
    }
}

/* ---- float4, float8 ---- */

/* SQLite would store NaN as NULL: it is kept as the text NaN, which also sorts behind all numbers.
 */
static void store_double(double r, struct cell *ret_cell)
{
    if (isnan(r)) {
        cell_set_text(ret_cell, view_of_str("NaN"));
    } else {
        cell_set_real(ret_cell, r);
    }
}

static int float_range(const struct value_call *call, struct view in)
{
    return failure_set(call->failure, "22003", "\"%.*s\" is out of range for type %s",
                       (int)(in.len < 512 ? in.len : 512), (const char *)in.data, call->type->word);
}

int float_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    double d = 0;
    float f = 0;
    int r = call->oid == OID_FLOAT4 ? number_parse_float(in, &f) : number_parse_double(in, &d);

    if (r == NUMBER_SYNTAX) {
        return value_bad_text(call, "22P02", in);
    }
    if (r == NUMBER_RANGE) {
        return float_range(call, in);
    }
    if (r == 0) {
        store_double(call->oid == OID_FLOAT4 ? (double)f : d, ret_cell);
    }
    return r;
}

int float_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    bool is_float4 = call->oid == OID_FLOAT4;
    size_t bytes = is_float4 ? sizeof(float) : sizeof(double);

    if (in.len != bytes) {
        return value_bad_length(call, in.len < bytes);
    }
    if (is_float4) {
        uint32_t bits = reader_u32(&r);
        float f;

        memcpy(&f, &bits, sizeof(f));
        store_double((double)f, ret_cell);
    } else {
        uint64_t bits = reader_u64(&r);
        double d;

        memcpy(&d, &bits, sizeof(d));
        store_double(d, ret_cell);
    }
    return 0;
}

/* A double as float4, which may be too small for it. */
static int narrow(const struct value_call *call, double d, float *ret_f)
{
    if (isfinite(d) && fabs(d) > (double)0x1.ffffffp127) {
        return failure_set(call->failure, "22003", "value out of range: overflow");
    }
    *ret_f = (float)d;
    return 0;
}

int float_encode_text(const struct value_call *call, const struct cell *cell)
{
    char text[number_float_bytes];
    bool is_rounded = call->style->rounded_floats;
    double d;
    float f = 0;
    int r = value_to_double(call, cell, &d);

    if (r == 0 && call->oid == OID_FLOAT4) {
        r = narrow(call, d, &f);
        return r != 0 ? r
                      : value_put(call, text,
                                  is_rounded ? number_write_float_rounded(f, text)
                                             : number_write_float(f, text));
    }
    return r != 0 ? r
                  : value_put(call, text,
                              is_rounded ? number_write_double_rounded(d, text)
                                         : number_write_double(d, text));
}

int float_encode_binary(const struct value_call *call, const struct cell *cell)
{
    double d;
    int r = value_to_double(call, cell, &d);

    if (r != 0) {
        return r;
    }
    if (call->oid == OID_FLOAT4) {
        uint32_t bits;
        float f = 0;

        r = narrow(call, d, &f);
        memcpy(&bits, &f, sizeof(bits));
        return r != 0 ? r : value_put_u32(call, bits);
    }
    uint64_t bits;

    memcpy(&bits, &d, sizeof(bits));
    return value_put_u64(call, bits);
}
