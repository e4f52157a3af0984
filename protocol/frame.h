/* protocol/frame.h: one message at a time out of the bytes that have come so far.
 *
 * The type and the length are judged as soon as these five bytes are there, before the body is.
 * After an answer other than FRAME_MORE the caller says so and closes; nobody resynchronises.
 * in->data[0] is then the type. Start-up packets, which have no type byte: protocol/startup.h.
 * Pure; any thread. */
#pragma once

#include "base/failure.h"
#include "protocol/message.h"

enum {
    FRAME_MORE = 1,       /* not all there yet */
    FRAME_BAD_LENGTH = 2, /* under 4 or negative: 08P01 */
    FRAME_TOO_LONG = 3,   /* over the cap of this type: 54000 */
    FRAME_BAD_TYPE = 4,   /* no such message from that side: 08P01 */
};

struct frame {
    uint8_t type;
    struct view body;              /* lies in the input */
    const struct message_row *row; /* its first row in the message table */
};

/* Takes the next message of `side` off the front of *in. `cap` is max_packet_size for the messages
 * that may be long; the others have the small cap of the table. 0 or one of the answers above. */
must_check int frame_next(struct view *in, enum message_side side, size_t cap,
                          struct frame *ret_frame);

/* After FRAME_MORE: how many bytes the first message has in all, or the 5 of its head when unknown.
 */
size_t frame_need(struct view in);

/* FATAL failure that tells a client about a FRAME_BAD_LENGTH, _TOO_LONG or _BAD_TYPE. Returns
 * FAILED. */
int frame_failure(int answer, struct view in, struct failure *ret_failure);
