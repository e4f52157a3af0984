/* protocol/value_impl.h: what the files behind protocol/value.h share. Nobody else includes it. */
#pragma once

#include "protocol/number.h"
#include "protocol/pgtype.h"
#include "protocol/reader.h"
#include "protocol/value.h"

struct value_type {
    uint32_t oid;
    const char *word; /* what PostgreSQL's messages call it */
    value_decoder *decode_text;
    value_decoder *decode_binary;
    value_encoder *encode_text;
    value_encoder *encode_binary;
};

/* ---- complaints: all give FAILED ---- */

int value_bad_text(const struct value_call *call, const char *sqlstate, struct view in);
/* A binary form of another length than its type has; too_short: 08P01, else 22P03. */
int value_bad_length(const struct value_call *call, bool too_short);
/* The same where PostgreSQL reads byte by byte: 08P01 in other words. */
int value_no_byte(const struct value_call *call);
/* value "99999999999" is out of range for type integer */
int value_out_of_range(const struct value_call *call, struct view in);

/* ---- cells of another kind than the type's, as that kind ---- */

enum { value_text_bytes = 64 };

must_check int value_to_int(const struct value_call *call, const struct cell *cell, int64_t *ret_n);
must_check int value_to_double(const struct value_call *call, const struct cell *cell,
                               double *ret_r);
/* The text lies in the cell or in `room`. */
struct view value_to_text(const struct cell *cell, char room[value_text_bytes]);

/* ---- output ---- */

static inline int value_put(const struct value_call *call, const void *bytes, size_t len)
{
    return buf_append(call->buf, bytes, len);
}

static inline int value_put_u16(const struct value_call *call, uint16_t n)
{
    n = __builtin_bswap16(n);
    return value_put(call, &n, sizeof(n));
}

static inline int value_put_u32(const struct value_call *call, uint32_t n)
{
    n = __builtin_bswap32(n);
    return value_put(call, &n, sizeof(n));
}

static inline int value_put_u64(const struct value_call *call, uint64_t n)
{
    n = __builtin_bswap64(n);
    return value_put(call, &n, sizeof(n));
}

static inline void cell_set_int(struct cell *cell, int64_t n)
{
    *cell = (struct cell){ .kind = CELL_INT, .i = n };
}

static inline void cell_set_real(struct cell *cell, double r)
{
    *cell = (struct cell){ .kind = CELL_REAL, .r = r };
}

static inline void cell_set_text(struct cell *cell, struct view text)
{
    *cell = (struct cell){ .kind = CELL_TEXT, .bytes = text };
}

/* Appends to scratch and makes the cell a text that lies there. */
must_check int value_keep_text(const struct value_call *call, const char *text, size_t len,
                               struct cell *ret_cell);

/* ---- the types' functions ---- */

value_decoder bool_decode_text, bool_decode_binary;
value_encoder bool_encode_text, bool_encode_binary;
value_decoder int_decode_text, int_decode_binary; /* int2, int4, int8, oid */
value_encoder int_encode_text, int_encode_binary;
value_decoder float_decode_text, float_decode_binary; /* float4, float8 */
value_encoder float_encode_text, float_encode_binary;
value_decoder numeric_decode_text, numeric_decode_binary;
value_encoder numeric_encode_text, numeric_encode_binary;

value_decoder text_decode;
value_encoder text_encode;
value_decoder varchar_decode, bpchar_decode, name_decode;
value_encoder bpchar_encode;
value_decoder char_decode;
value_encoder char_encode, char_encode_binary;
value_decoder void_decode;
value_encoder void_encode;
value_decoder bytea_decode_text, bytea_decode_binary;
value_encoder bytea_encode_text, bytea_encode_binary;
value_decoder uuid_decode_text, uuid_decode_binary;
value_encoder uuid_encode_text, uuid_encode_binary;
value_decoder inet_decode_text, inet_decode_binary;
value_encoder inet_encode_binary;
value_decoder json_decode, jsonb_decode, jsonb_decode_binary;
value_encoder jsonb_encode_binary;

value_decoder date_decode_text, date_decode_binary;
value_encoder date_encode_text, date_encode_binary;
value_decoder time_decode_text, time_decode_binary; /* time, timetz */
value_encoder time_encode_text, time_encode_binary;
value_decoder timestamp_decode_text, timestamp_decode_binary; /* timestamp, timestamptz */
value_encoder timestamp_encode_text, timestamp_encode_binary;
value_decoder interval_decode_text, interval_decode_binary;
value_encoder interval_encode_text, interval_encode_binary;
