/* tests/fuzz/fuzz_frame.c: a stream of messages. The first byte says whose: bit 0 the side, the
 * rest the cap. */
#include "fuzz.h"

#include "protocol/backend.h"

#include <string.h>

/* The frame, written again, is the bytes that were used up. */
static void check_frame(const struct frame *frame, struct view before, struct view after)
{
    uint8_t head[5] = { frame->type };
    size_t used = before.len - after.len;
    uint32_t len = __builtin_bswap32((uint32_t)frame->body.len + 4);

    memcpy(head + 1, &len, sizeof(len));
    must(used == sizeof(head) + frame->body.len);
    must(memcmp(before.data, head, sizeof(head)) == 0);
    must(frame->body.len == 0 || frame->body.data == before.data + sizeof(head));
    must(frame->row->type == frame->type);
}

static void read_message(enum message_side side, const struct frame *frame)
{
    struct frontend_message front;
    struct backend_message back;
    struct failure f = { 0 };
    int r =
        side == SIDE_FRONTEND ? frontend_read(frame, &front, &f) : backend_read(frame, &back, &f);

    must(r == 0 || (r == FAILED && failure_is_set(&f)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view in = view_of(data, size);
    struct failure f;
    int r;

    if (size == 0) {
        return 0;
    }
    enum message_side side = data[0] & 1 ? SIDE_BACKEND : SIDE_FRONTEND;
    size_t cap = (size_t)(data[0] >> 1) * 16;

    view_advance(&in, 1);
    for (;;) {
        struct view before = in;
        struct frame frame;

        r = frame_next(&in, side, cap, &frame);
        if (r != 0) {
            must(in.data == before.data && in.len == before.len);
            break;
        }
        must(frame.body.len <= cap);
        check_frame(&frame, before, in);
        read_message(side, &frame);
    }
    if (r == FRAME_MORE) {
        must(frame_need(in) > in.len);
    } else {
        must(frame_failure(r, in, &f) == FAILED && f.severity == SEVERITY_FATAL);
    }
    return 0;
}
