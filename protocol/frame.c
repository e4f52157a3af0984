/* protocol/frame.c: type byte, length (which counts itself), body. */
#include "protocol/frame.h"

#include "protocol/reader.h"

enum { head_bytes = 5 };

static size_t body_cap(const struct message_row *row, size_t cap)
{
    return row->is_long || cap < message_small_bytes ? cap : message_small_bytes;
}

int frame_next(struct view *in, enum message_side side, size_t cap, struct frame *ret_frame)
{
    struct reader r = reader_over(*in);

    if (reader_left(&r) == 0) {
        return FRAME_MORE;
    }
    uint8_t type = reader_u8(&r);
    const struct message_row *row = message_find(side, type);

    if (row == NULL) {
        return FRAME_BAD_TYPE;
    }
    uint32_t len = reader_u32(&r);

    if (r.failed) {
        return FRAME_MORE;
    }
    if (len < 4 || len > INT32_MAX) {
        return FRAME_BAD_LENGTH;
    }
    if (len - 4 > body_cap(row, cap)) {
        return FRAME_TOO_LONG;
    }
    if (len - 4 > reader_left(&r)) {
        return FRAME_MORE;
    }
    *ret_frame = (struct frame){ .type = type, .body = reader_take(&r, len - 4), .row = row };
    view_advance(in, 1 + (size_t)len);
    return 0;
}

size_t frame_need(struct view in)
{
    struct reader r = reader_over(in);

    reader_u8(&r);
    uint32_t len = reader_u32(&r);

    return r.failed ? head_bytes : 1 + (size_t)len;
}

int frame_failure(int answer, struct view in, struct failure *ret_failure)
{
    uint8_t type = in.len > 0 ? in.data[0] : 0;

    if (answer == FRAME_BAD_TYPE) {
        failure_set(ret_failure, "08P01", "invalid frontend message type %d", type);
    } else if (answer == FRAME_TOO_LONG) {
        failure_set(ret_failure, "54000", "message of type %d is too long: %zu bytes", type,
                    frame_need(in));
        failure_add(ret_failure, FIELD_HINT,
                    "The longest message that is accepted is set by \"max_packet_size\".");
    } else {
        failure_set(ret_failure, "08P01", "invalid message length");
    }
    ret_failure->severity = SEVERITY_FATAL;
    return FAILED;
}
