/* tests/fuzz/fuzz_value.c: one value. The first byte selects the type, the second the format and
 * the style.
 *
 * What was decoded, encoded in either format and decoded again must be the same cell. */
#include "fuzz.h"

#include "protocol/pgtype.h"
#include "protocol/value.h"

#include <string.h>

static const uint32_t oids[] = {
    OID_BOOL,        OID_BYTEA,    OID_CHAR,    OID_NAME,    OID_INT8,   OID_INT2,
    OID_INT4,        OID_TEXT,     OID_OID,     OID_JSON,    OID_FLOAT4, OID_FLOAT8,
    OID_UNKNOWN,     OID_BPCHAR,   OID_VARCHAR, OID_DATE,    OID_TIME,   OID_TIMESTAMP,
    OID_TIMESTAMPTZ, OID_INTERVAL, OID_TIMETZ,  OID_NUMERIC, OID_VOID,   OID_UUID,
    OID_JSONB,       1007,         OID_XID,     OID_INET,
};

static bool same_cell(const struct cell *a, const struct cell *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case CELL_INT:
        return a->i == b->i;
    case CELL_REAL:
        return memcmp(&a->r, &b->r, sizeof(a->r)) == 0;
    case CELL_TEXT:
    case CELL_BLOB:
        return view_equal(a->bytes, b->bytes);
    case CELL_NULL:
        break;
    }
    return false;
}

static void check_round(uint32_t oid, enum value_format format, const struct cell *cell)
{
    struct buf wire = { 0 };
    struct buf scratch = { 0 };
    struct cell again;
    struct failure f = { 0 };
    int r = value_encode(oid, -1, format, cell, NULL, &wire, &f);

    if (r != 0) { /* only a type that has no binary form */
        must(r == FAILED && strcmp(f.sqlstate, "0A000") == 0);
        return;
    }
    must(value_decode(oid, -1, format, buf_view(&wire), NULL, &scratch, &again, &f) == 0);
    must(same_cell(cell, &again));
    buf_finish(&wire);
    buf_finish(&scratch);
}

/* Any cell in any type's clothes: an answer or a failure, never more. */
static void check_foreign(uint8_t selector, const struct cell *cell,
                          const struct value_style *style)
{
    for (int format = FORMAT_TEXT; format <= FORMAT_BINARY; format++) {
        struct buf wire;
        struct failure f = { 0 };

        buf_init(&wire, 256);
        int r = value_encode(oids[selector % ARRAY_LEN(oids)], -1, (enum value_format)format, cell,
                             style, &wire, &f);

        must(r == 0 || r == BUF_FULL || (r == FAILED && failure_is_set(&f)));
        buf_finish(&wire);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf scratch = { 0 };
    struct failure f = { 0 };
    struct cell cell;

    if (size < 2) {
        return 0;
    }
    uint32_t oid = oids[data[0] % ARRAY_LEN(oids)];
    enum value_format format = data[1] & 1 ? FORMAT_BINARY : FORMAT_TEXT;
    struct value_style style = {
        .date_order = (enum date_order)(data[1] >> 1 & 3) % 3,
        .date_output = (enum date_output)(data[1] >> 3 & 3),
        .interval_output = (enum interval_output)(data[1] >> 5 & 3),
        .bytea_escape = data[1] >> 7,
        .rounded_floats = data[1] >> 7,
    };
    int r = value_decode(oid, -1, format, view_of(data + 2, size - 2), &style, &scratch, &cell, &f);

    must(r == 0 || (r == FAILED && failure_is_set(&f)));
    if (r == 0) {
        check_round(oid, FORMAT_TEXT, &cell);
        check_round(oid, FORMAT_BINARY, &cell);
        check_foreign((uint8_t)(data[0] / ARRAY_LEN(oids) + size), &cell, &style);
        check_foreign(data[0], &cell, &style);
    }
    buf_finish(&scratch);
    return 0;
}
