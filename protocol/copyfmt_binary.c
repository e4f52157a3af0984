/* protocol/copyfmt_binary.c: the rows of a COPY in binary, behind the file's header. */
#include "protocol/copyfmt_impl.h"

#include "protocol/reader.h"

#include <string.h>

enum {
    signature_bytes = sizeof(copy_signature),
    header_bytes = signature_bytes + 8,
    field_bytes_most = 0x3fffffff
};

static int check_header(struct reader *in, struct failure *f)
{
    const uint8_t *magic = reader_bytes(in, signature_bytes);

    if (magic == NULL || memcmp(magic, copy_signature, signature_bytes) != 0) {
        return copy_fail(f, "COPY file signature not recognized");
    }
    uint32_t flags = reader_u32(in);
    if (in->failed) {
        return copy_fail(f, "invalid COPY file header (missing flags)");
    }
    if ((flags & 1U << 16) != 0) {
        return copy_fail(f, "invalid COPY file header (WITH OIDS)");
    }
    if (flags >> 16 != 0) {
        return copy_fail(f, "unrecognized critical flags in COPY file header");
    }
    uint32_t more = reader_u32(in);
    if (in->failed || more > INT32_MAX) {
        return copy_fail(f, "invalid COPY file header (missing length)");
    }
    (void)reader_bytes(in, more);
    return 0;
}

static int read_header(struct copy_reader *r, struct view *data, bool at_end, struct failure *f)
{
    struct reader in = reader_over(*data);
    size_t seen = data->len < signature_bytes ? data->len : signature_bytes;

    if (data->len < header_bytes && !at_end &&
        (seen == 0 || memcmp(data->data, copy_signature, seen) == 0)) {
        return COPY_MORE;
    }
    int result = check_header(&in, f);
    if (result != 0) {
        return result;
    }
    if (in.failed) {
        return at_end ? copy_fail(f, "invalid COPY file header (wrong length)") : COPY_MORE;
    }
    r->began = true;
    view_advance(data, data->len - reader_left(&in));
    return 0;
}

/* PostgreSQL's limit, of which it says so before it has seen the bytes. */
static int refuse_long_field(int32_t len, struct failure *f)
{
    failure_set(f, "54000", "out of memory");
    failure_add(f, FIELD_DETAIL,
                "Cannot enlarge string buffer containing 0 bytes by %d more bytes.", len);
    return FAILED;
}

/* *at: the field that is read, for the message. */
static int read_fields(struct reader *in, struct copy_field *fields, size_t count, bool at_end,
                       size_t *at, struct failure *f)
{
    for (size_t i = 0; i < count; i++) {
        int32_t len = (int32_t)reader_u32(in);

        *at = i + 1;
        if (!in->failed && len < -1) {
            return copy_fail(f, "invalid field size");
        }
        if (!in->failed && len >= field_bytes_most) {
            return refuse_long_field(len, f);
        }
        fields[i] = (struct copy_field){ .is_null = len < 0 };
        if (len > 0) {
            fields[i].bytes = reader_take(in, (size_t)len);
        }
        if (in->failed) {
            return at_end ? copy_fail(f, "unexpected EOF in COPY data") : COPY_MORE;
        }
    }
    return 0;
}

static int end_of_tuples(struct copy_reader *r, const struct view *data, bool at_end,
                         struct failure *f)
{
    if (data->len > 2) {
        return copy_fail(f, "received copy data after EOF marker");
    }
    r->ended = at_end;
    return at_end ? COPY_END : COPY_MORE;
}

int copy_next_tuple(struct copy_reader *r, struct view *data, bool at_end,
                    struct copy_field *fields, size_t count, struct failure *ret_failure)
{
    int result = r->ended || r->began ? 0 : read_header(r, data, at_end, ret_failure);

    r->field = 0;
    if (r->ended || result != 0) {
        return r->ended ? COPY_END : result;
    }
    struct reader in = reader_over(*data);
    int16_t have = (int16_t)reader_u16(&in);
    if (in.failed) {
        return at_end ? COPY_END : COPY_MORE;
    }
    if (have == -1) {
        r->line++;
        result = end_of_tuples(r, data, at_end, ret_failure);
        r->line -= result == COPY_MORE;
        return result;
    }
    if (have < 0 || (size_t)have != count) {
        r->line++;
        return failure_set(ret_failure, "22P04", "row field count is %d, expected %d", have,
                           (int)count);
    }
    result = read_fields(&in, fields, count, at_end, &r->field, ret_failure);
    r->line += result != COPY_MORE;
    if (result == 0) {
        view_advance(data, data->len - reader_left(&in));
    }
    return result;
}
