/* daemon/dispatch.c: one message after the other, each to the function of its row. After an error
 * in the extended protocol all is skipped up to the next Sync. */
#include "daemon/serve.h"

#include "async/await.h"
#include "async/task.h"
#include "daemon/console.h"

typedef int handle_fn(struct connection *conn, const struct frontend_message *msg,
                      struct failure *ret_failure);

static int on_query(struct connection *conn, const struct frontend_message *msg,
                    struct failure *ret_failure)
{
    (void)ret_failure;
    return conn->console == CONSOLE_NONE ? query_simple(conn, &msg->query)
                                         : console_query(conn, &msg->query);
}

static int on_parse(struct connection *conn, const struct frontend_message *msg,
                    struct failure *ret_failure)
{
    return extended_parse(conn, &msg->parse, ret_failure);
}

static int on_bind(struct connection *conn, const struct frontend_message *msg,
                   struct failure *ret_failure)
{
    return extended_bind(conn, &msg->bind, ret_failure);
}

static int on_describe(struct connection *conn, const struct frontend_message *msg,
                       struct failure *ret_failure)
{
    return extended_describe(conn, &msg->describe, ret_failure);
}

static int on_execute(struct connection *conn, const struct frontend_message *msg,
                      struct failure *ret_failure)
{
    return extended_execute(conn, &msg->execute, ret_failure);
}

static int on_close(struct connection *conn, const struct frontend_message *msg,
                    struct failure *ret_failure)
{
    return extended_close(conn, &msg->close, ret_failure);
}

static int on_flush(struct connection *conn, const struct frontend_message *msg,
                    struct failure *ret_failure)
{
    (void)msg, (void)ret_failure;
    return output_flush(&conn->output);
}

static int on_sync(struct connection *conn, const struct frontend_message *msg,
                   struct failure *ret_failure)
{
    (void)msg, (void)ret_failure;
    if (conn->console != CONSOLE_NONE) {
        conn->skip_to_sync = false;
        return reply_ready(conn);
    }
    return extended_sync(conn);
}

static int on_terminate(struct connection *conn, const struct frontend_message *msg,
                        struct failure *ret_failure)
{
    (void)conn, (void)msg, (void)ret_failure;
    return CONNECTION_END;
}

static int on_function_call(struct connection *conn, const struct frontend_message *msg,
                            struct failure *ret_failure)
{
    (void)conn, (void)msg;
    return failure_set(ret_failure, "0A000", "function calls are not supported");
}

/* Outside of COPY these are what a client still sent before it heard that its COPY had failed. */
static int on_copy(struct connection *conn, const struct frontend_message *msg,
                   struct failure *ret_failure)
{
    (void)conn, (void)msg, (void)ret_failure;
    return 0;
}

struct handler {
    uint8_t type;
    bool extended;      /* an error skips to Sync; else it is followed by ReadyForQuery */
    bool while_skipped; /* served (and ending the skipping) even then */
    const char *name;   /* as the protocol has it; who holds the loop is told by it */
    handle_fn *handle;
};

static const struct handler handlers[] = {
    { 'B', true, false, "Bind", on_bind },
    { 'C', true, false, "Close", on_close },
    { 'D', true, false, "Describe", on_describe },
    { 'E', true, false, "Execute", on_execute },
    { 'F', false, false, "FunctionCall", on_function_call },
    { 'H', true, false, "Flush", on_flush },
    { 'P', true, false, "Parse", on_parse },
    { 'Q', false, false, "Query", on_query },
    { 'S', false, true, "Sync", on_sync },
    { 'X', false, true, "Terminate", on_terminate },
    { 'c', false, false, "CopyDone", on_copy },
    { 'd', false, false, "CopyData", on_copy },
    { 'f', false, false, "CopyFail", on_copy },
};

static const struct handler *handler_of(uint8_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        if (handlers[i].type == type) {
            return &handlers[i];
        }
    }
    return NULL;
}

static int message_failed(struct connection *conn, const struct handler *handler,
                          const struct failure *failure)
{
    int r = reply_statement_failed(conn, failure);

    if (r != 0) {
        return r;
    }
    if (handler->extended) {
        conn->skip_to_sync = true;
        return 0;
    }
    conn->skip_to_sync = false;
    return reply_ready(conn);
}

static int frame_refused(struct connection *conn, int answer)
{
    struct failure failure;

    frame_failure(answer, conn->input.ahead, &failure);
    return reply_fatal(conn, &failure);
}

static int serve_frame(struct connection *conn, const struct frame *frame)
{
    const struct handler *handler = handler_of(frame->type);
    struct frontend_message msg;
    struct failure failure;

    if (handler == NULL) {
        failure_set(&failure, "08P01", "invalid frontend message type %d", frame->type);
        return reply_fatal(conn, &failure);
    }
    if (conn->skip_to_sync && !handler->while_skipped) {
        return 0;
    }
    if (conn->at_rest && handler->handle != on_copy) {
        conn->at_rest = false;
        traffic_query_begins(conn);
    }
    task_set_name(conn->task, handler->name);
    int r = frontend_read(frame, &msg, &failure);
    if (r == 0 && conn->console != CONSOLE_NONE && handler->extended &&
        handler->handle != on_flush) {
        r = console_refuse_extended(&failure);
    }
    if (r == 0) {
        r = handler->handle(conn, &msg, &failure);
    }
    return r == FAILED ? message_failed(conn, handler, &failure) : r;
}

int dispatch_work(struct connection *conn)
{
    size_t cap = (size_t)conn->worker->conf->max_packet_size;
    int r = 0;

    while (r == 0 && (conn->goodbye == GOODBYE_NONE || !conn->at_rest)) {
        int64_t before_us = conn->traffic.now_us;
        struct frame frame;
        int answer = frame_next(&conn->input.ahead, SIDE_FRONTEND, cap, &frame);

        if (answer == FRAME_MORE) {
            return 0;
        }
        r = answer == 0 ? serve_frame(conn, &frame) : frame_refused(conn, answer);
        if (r == 0 && traffic_slice_over(conn, before_us)) {
            r = await_turn();
        }
    }
    return r;
}
