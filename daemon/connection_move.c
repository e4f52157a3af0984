/* daemon/connection_move.c: a connection goes to the worker on whose loop its database lives.
 *
 * It goes when it has proved who it is and before it has a session, so that all that follows
 * happens there; between the two it belongs to the message that brings it. A running stack never
 * moves: its task here has ended, a new one begins there. */
#include "daemon/connection_impl.h"

#include "daemon/deadline.h"

#include <errno.h>
#include <event2/event.h>

static int settle(struct connection *conn)
{
    int r = connection_assign_events(conn);

    if (r == 0 && event_add(&conn->read_event, NULL) != 0) {
        r = -ENOMEM;
    }
    if (r == 0) {
        deadline_resume_login(conn);
    }
    return r;
}

static void arrive(struct loop *loop, struct loop_message *message)
{
    struct connection *conn = container_of(message, struct connection, message);

    (void)loop;
    connection_join_worker(conn, conn->destination);
    output_init(&conn->output, conn->worker, conn->fd);
    conn->output.tls = conn->input.tls;
    conn->read_off = false;
    conn->has_moved = true;
    if (settle(conn) != 0) {
        connection_destroy(conn);
        return;
    }
    connection_serve(conn);
}

int connection_move(struct connection *conn)
{
    int r = input_end(&conn->input);

    if (r != 0) {
        return r;
    }
    output_end(&conn->output);
    connection_remove_events(conn);
    connection_leave_worker(conn);
    conn->message.run = arrive;
    loop_send(conn->destination->loop, &conn->message);
    return 0;
}
