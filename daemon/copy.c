/* daemon/copy.c: the conversation of COPY, inside the task that serves its statement: CopyData is
 * read one message at a time, awaiting the client, and written through the output as rows are.
 * https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-COPY */
#include "daemon/host.h"

#include "base/alloc.h"
#include "daemon/serve.h"
#include "protocol/backend.h"
#include "protocol/utf8.h"

#include <errno.h>

/* ---- FROM STDIN ---- */

int copy_in_begin(void *host, bool binary, size_t columns, struct failure *ret_failure)
{
    struct connection *conn = host;
    struct writer w = reply_begin(conn);

    conn->copy_scratch = mem_alloc(input_scratch_bytes);
    if (conn->copy_scratch == NULL) {
        return failure_set_nomem(ret_failure);
    }
    int r = input_hold(&conn->input, conn->copy_scratch);
    if (r != 0) {
        return r; /* what came ahead is lost: the connection cannot go on */
    }
    backend_copy_response(&w, 'G', binary ? FORMAT_BINARY : FORMAT_TEXT, (uint16_t)columns);
    r = reply_done(conn, &w);
    if (r == 0) {
        r = output_flush(&conn->output);
    }
    if (r != 0) {
        copy_in_end(conn);
    }
    return r;
}

void copy_in_end(void *host)
{
    struct connection *conn = host;

    if (input_let_go(&conn->input) != 0) {
        output_break(&conn->output); /* messages are lost: nothing after them may be served */
    }
    mem_free(conn->copy_scratch);
    conn->copy_scratch = NULL;
}

static int fatal(struct failure *failure)
{
    if (failure != NULL) {
        failure->severity = SEVERITY_FATAL;
    }
    return FAILED;
}

static int next_frame(struct connection *conn, struct frame *ret_frame, struct failure *f)
{
    struct input *in = &conn->input;
    size_t cap = (size_t)conn->worker->conf->max_packet_size;
    int answer;

    while ((answer = frame_next(&in->ahead, SIDE_FRONTEND, cap, ret_frame)) == FRAME_MORE) {
        int r = input_fill(in, frame_need(in->ahead));

        if (r == INPUT_NOTHING) {
            r = session_await_readable(conn->lease.session, in->fd, f);
        } else if (r == INPUT_EOF) {
            conn->gone = true;
            r = -ECONNRESET;
        }
        if (r != 0) {
            return r;
        }
    }
    if (answer != 0) {
        frame_failure(answer, in->ahead, f);
        return fatal(f);
    }
    return 0;
}

static int copy_failed(const struct frame *frame, struct failure *f)
{
    struct frontend_message msg;
    int r = frontend_read(frame, &msg, f);

    if (r == 0) {
        r = utf8_check(msg.copy_fail, f);
    }
    if (r != 0) {
        return r;
    }
    return failure_set(f, "57014", "COPY from stdin failed: %.*s", (int)msg.copy_fail.len,
                       (const char *)msg.copy_fail.data);
}

int copy_in_read(void *host, struct view *ret_data, struct failure *ret_failure)
{
    struct connection *conn = host;
    struct frame frame;
    int r;

    while ((r = next_frame(conn, &frame, ret_failure)) == 0) {
        switch (frame.type) {
        case 'd':
            *ret_data = frame.body;
            return 0;
        case 'c':
            return COPY_IN_DONE;
        case 'f':
            return copy_failed(&frame, ret_failure);
        case 'H':
        case 'S':
            break; /* of clients that send it behind every Execute */
        default:
            failure_set(ret_failure, "08P01",
                        "unexpected message type 0x%02X during COPY from stdin", frame.type);
            return fatal(ret_failure);
        }
    }
    return r;
}

/* ---- TO STDOUT ---- */

int copy_out_begin(void *host, bool binary, size_t columns)
{
    struct connection *conn = host;
    struct writer w = reply_begin(conn);

    backend_copy_response(&w, 'H', binary ? FORMAT_BINARY : FORMAT_TEXT, (uint16_t)columns);
    return reply_done(conn, &w);
}

int copy_out_row(void *host, struct view row, struct failure *ret_failure)
{
    struct connection *conn = host;

    if (statement_result_grows(conn, row.len, ret_failure) != 0) {
        return FAILED;
    }
    struct writer w = reply_begin(conn);

    backend_copy_data(&w, row);
    return reply_done(conn, &w);
}

int copy_out_end(void *host)
{
    struct connection *conn = host;
    struct writer w = reply_begin(conn);

    backend_copy_done(&w);
    return reply_done(conn, &w);
}
