/* protocol/value.h: values of built-in types between the wire (text or binary) and their storage
 * form (base/cell.h).
 *
 * Pure; any thread. Formats: https://www.postgresql.org/docs/15/datatype.html, binary: each type's
 * send/recv. */
#pragma once

#include "base/buf.h"
#include "base/cell.h"
#include "base/failure.h"

enum value_format { FORMAT_TEXT = 0, FORMAT_BINARY = 1 };

enum date_order { DATE_MDY, DATE_DMY, DATE_YMD };
enum date_output { DATE_ISO, DATE_SQL, DATE_POSTGRES, DATE_GERMAN };
enum interval_output {
    INTERVAL_POSTGRES,
    INTERVAL_ISO_8601,
    INTERVAL_SQL,
    INTERVAL_POSTGRES_VERBOSE
};

/* How a session reads and prints values. Zero bytes: ISO MDY, UTC, hex, shortest floats
 * (extra_float_digits 1). */
struct value_style {
    enum date_output date_output;
    enum date_order date_order;
    enum interval_output interval_output;
    bool bytea_escape;
    bool rounded_floats; /* extra_float_digits <= 0 */
    /* Seconds east of UTC at that instant (by UTC), and by local time; NULL: UTC. */
    int32_t (*utc_offset)(const void *zone, int64_t unix_seconds, bool is_local);
    const void *zone;
};

/* Wire -> storage. The cell's bytes lie in `in` or in `scratch` (appended; keep it until the cell
 * is used). 0, FAILED (22P02 invalid text, 22P03 bad binary, 22003 out of range, 22007/22008 dates,
 * 22021 encoding, 0A000 a type without that form) or -ENOMEM. */
must_check int value_decode(uint32_t type_oid, int32_t typmod, enum value_format format,
                            struct view in, const struct value_style *style, struct buf *scratch,
                            struct cell *ret_cell, struct failure *ret_failure);

/* Storage -> wire, appended to `out` without a length word. A cell of another kind than the type's
 * is converted when it can be (SQLite is loosely typed: an integer in a text column prints as
 * text), else 22P02/22003. The cell is not CELL_NULL. 0, FAILED, BUF_FULL or -ENOMEM. */
must_check int value_encode(uint32_t type_oid, int32_t typmod, enum value_format format,
                            const struct cell *cell, const struct value_style *style,
                            struct buf *out, struct failure *ret_failure);

/* Does a column of type numeric with that typmod store the number as it is? False: look closer. */
bool value_numeric_fits(const struct cell *cell, int32_t typmod);

/* The same for many values of one type: what value_decode() and value_encode() would look up for
 * each of them. Embedded by its user, who leaves its fields alone. */
struct value_call {
    const struct value_type *type;
    uint32_t oid;
    int32_t typmod;
    const struct value_style *style; /* never NULL */
    bool is_utf8;                    /* decoding: the bytes have been looked at */
    struct buf *buf;                 /* decoding: scratch; encoding: where the value goes */
    struct failure *failure;
};
typedef int value_encoder(const struct value_call *call, const struct cell *cell);
typedef int value_decoder(const struct value_call *call, struct view in, struct cell *ret_cell);

struct value_out {
    struct value_call call;
    value_encoder *encode;
};

/* `style` (NULL: plain) and `out` must outlive it. */
void value_out_init(struct value_out *vo, uint32_t type_oid, int32_t typmod,
                    enum value_format format, const struct value_style *style, struct buf *out,
                    struct failure *failure);

must_check static inline int value_out_put(const struct value_out *vo, const struct cell *cell)
{
    return vo->encode(&vo->call, cell);
}

struct value_in {
    struct value_call call;
    value_decoder *decode;
};

/* `style` (NULL: plain) and `scratch` must outlive it. */
void value_in_init(struct value_in *vi, uint32_t type_oid, int32_t typmod, enum value_format format,
                   const struct value_style *style, struct buf *scratch, struct failure *failure);

must_check int value_in_get(const struct value_in *vi, struct view in, struct cell *ret_cell);
