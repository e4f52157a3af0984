/* daemon/startup.c: from the first byte to the first ReadyForQuery.
 * https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.3
 *
 * SSLRequest and GSSENCRequest are declined, CancelRequest is done without a word, and who starts
 * up is taken at his word (trust); login.c lets him in. */
#include "daemon/connection_impl.h"
#include "daemon/serve.h"

#include "async/await.h"
#include "daemon/console.h"
#include "daemon/log.h"
#include "daemon/login.h"
#include "protocol/backend.h"
#include "protocol/startup.h"

#include <errno.h>

static void send_parameter(void *arg, const char *name, const char *value)
{
    backend_parameter_status(arg, name, value);
}

static int welcome(struct connection *conn)
{
    struct writer w = reply_begin(conn);

    backend_authentication_ok(&w);
    if (conn->console == CONSOLE_NONE) {
        sql_each_reported(conn->sql, send_parameter, &w);
    } else {
        console_greet(conn, &w);
    }
    backend_key_data(&w, conn->cancel_key.pid,
                     view_of(conn->cancel_key.secret, sizeof(conn->cancel_key.secret)));
    int r = reply_done(conn, &w);
    if (r == 0) {
        r = reply_ready(conn);
    }
    conn->ready = r == 0;
    if (conn->ready) {
        traffic_enter(conn, conn->opening_us);
    }
    if (conn->ready && conn->worker->conf->log_connections) {
        log_line(LEVEL_LOG, "[%d] connection authorized: user=%s database=%s", conn->cancel_key.pid,
                 conn->user, conn->database);
    }
    return r;
}

/* Told to end while it waited for a session: by its client, or by us. */
static int on_cancelled(const struct connection *conn)
{
    return conn->goodbye == GOODBYE_NONE ? CONNECTION_END : 0; /* the goodbye comes next */
}

static int on_message(struct connection *conn, const struct startup *startup)
{
    struct failure failure;
    int r = login_route(conn, startup, &failure);

    if (r == CONNECTION_MOVES) {
        return r;
    }
    struct writer w = reply_begin(conn);
    startup_negotiate(&w, startup);
    int told = reply_done(conn, &w);
    if (told != 0) {
        return told;
    }
    if (r == 0) {
        r = login_begin(conn, startup, &failure);
    }
    if (r == FAILED) {
        return reply_fatal(conn, &failure);
    }
    return r == -ECANCELED ? on_cancelled(conn) : r < 0 ? r : welcome(conn);
}

/* One byte, at once: the client waits for it. What it sent behind its request in plain text would
 * be taken for the encrypted stream's by a careless server: it closes the connection. */
static int decline(struct connection *conn, bool *asked)
{
    struct failure failure;

    if (*asked) {
        failure_set(&failure, "08P01", "invalid start-up packet");
        return reply_fatal(conn, &failure);
    }
    *asked = true;
    if (conn->input.ahead.len > 0) {
        return CONNECTION_END;
    }
    int r = buf_append_byte(&conn->output.buf, 'N');
    return r == 0 ? output_flush(&conn->output) : -ENOMEM;
}

struct cancel_request {
    const struct startup *startup;
    struct worker *worker; /* that the number is of */
};

static void cancel_there(void *arg)
{
    const struct cancel_request *request = arg;
    const struct startup *startup = request->startup;
    struct cancel_key *key =
        cancel_key_find(&request->worker->cancel_keys, startup->cancel_pid, startup->cancel_key);

    if (key != NULL) {
        connection_cancel_statement(container_of(key, struct connection, cancel_key));
    }
}

static int on_cancel(struct connection *conn, const struct startup *startup)
{
    struct cancel_request request = {
        .startup = startup,
        .worker = server_worker_of_pid(conn->server, startup->cancel_pid),
    };

    if (request.worker != NULL) {
        await_call(request.worker->loop, cancel_there, &request);
    }
    return CONNECTION_END;
}

static int take_packet(struct connection *conn, const struct startup *startup)
{
    switch (startup->kind) {
    case STARTUP_MESSAGE:
        return on_message(conn, startup);
    case STARTUP_SSL:
        return decline(conn, &conn->ssl_asked);
    case STARTUP_GSSENC:
        return decline(conn, &conn->gssenc_asked);
    case STARTUP_CANCEL:
        return on_cancel(conn, startup);
    }
    return CONNECTION_END;
}

int startup_work(struct connection *conn)
{
    int r = 0;

    while (r == 0 && !conn->ready && conn->goodbye == GOODBYE_NONE) {
        struct view before = conn->input.ahead;
        struct startup startup;
        struct failure failure;

        r = startup_next(&conn->input.ahead, &startup, &failure);
        if (r == STARTUP_MORE) {
            return 0;
        }
        r = r == FAILED ? reply_fatal(conn, &failure) : take_packet(conn, &startup);
        if (r == CONNECTION_MOVES) {
            conn->input.ahead = before; /* read again where it goes */
        }
    }
    return r;
}
