/* daemon/startup.c: from the first byte to the first ReadyForQuery.
 * https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.3
 *
 * GSSENCRequest is declined, SSLRequest when there is no TLS, CancelRequest is done without a word.
 * Who starts up proves who he is (auth.h), then login.c lets him in: where his database lives,
 * which may be on another worker. */
#include "daemon/connection_impl.h"
#include "daemon/connection_tls.h"
#include "daemon/serve.h"

#include "async/await.h"
#include "daemon/console.h"
#include "daemon/log.h"
#include "daemon/login.h"
#include "protocol/backend.h"
#include "protocol/frame.h"
#include "protocol/startup.h"

#include <errno.h>

static void send_parameter(void *arg, const char *name, const char *value)
{
    backend_parameter_status(arg, name, value);
}

static void log_authorized(const struct connection *conn)
{
    const struct log_about about = connection_about(conn);
    char whence[connection_whence_bytes];
    char tls[200];

    connection_print_whence(conn, whence);
    connection_tls_describe(conn, tls, sizeof(tls));
    log_about(LEVEL_LOG, &about, "connection authorized: %s%s", whence, tls);
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
        log_authorized(conn);
    }
    return r;
}

/* Told to end while it waited for a session: by its client, or by us. */
static int on_cancelled(const struct connection *conn)
{
    return conn->goodbye == GOODBYE_NONE ? CONNECTION_END : 0; /* the goodbye comes next */
}

/* What was said so far goes out from here: over there it begins anew. */
static int move(struct connection *conn)
{
    int r = output_flush(&conn->output);

    return r == 0 ? CONNECTION_MOVES : r;
}

static int tell(struct connection *conn, int r, struct failure *failure)
{
    return r == FAILED ? reply_fatal(conn, failure) : r == -ECANCELED ? on_cancelled(conn) : r;
}

/* He has proved who he is. */
static int enter(struct connection *conn)
{
    struct view packet = buf_view(&conn->login->packet);
    struct startup startup;
    struct failure failure;
    int r = startup_next(&packet, &startup, &failure);

    if (r == 0) {
        r = login_route(conn, &failure);
    }
    if (r == CONNECTION_MOVES) {
        return move(conn);
    }
    if (r == 0) {
        r = login_begin(conn, &startup, &failure);
    }
    if (r == 0) {
        login_finish(conn);
    }
    return r == 0 ? welcome(conn) : tell(conn, r, &failure);
}

/* With what auth_begin() or auth_continue() says. */
static int go_on(struct connection *conn, int r, struct failure *failure)
{
    if (r == AUTH_MORE) {
        return 0;
    }
    if (r != 0) {
        return tell(conn, r, failure);
    }
    conn->login->authenticated = true;
    auth_finish(&conn->login->auth);
    return enter(conn);
}

/* `packet`: its bytes. */
static int on_message(struct connection *conn, const struct startup *startup, struct view packet)
{
    struct failure failure;
    int r = connection_tls_check(conn, &failure);

    if (r == 0) {
        r = login_accept(conn, startup, packet, &failure);
    }
    if (r != 0) {
        return tell(conn, r, &failure);
    }
    struct writer w = reply_begin(conn);
    startup_negotiate(&w, startup);
    r = reply_done(conn, &w);
    if (r != 0) {
        return r;
    }
    r = auth_begin(conn, &conn->login->auth, &failure);
    return go_on(conn, r, &failure);
}

/* His answer to what he was asked. 0, STARTUP_MORE, CONNECTION_END or -errno. */
static int take_answer(struct connection *conn)
{
    struct frame frame;
    struct failure failure;
    int answer =
        frame_next(&conn->input.ahead, SIDE_FRONTEND, 2 * (size_t)scram_message_bytes, &frame);

    if (answer == FRAME_MORE) {
        return STARTUP_MORE;
    }
    if (answer != 0) {
        failure_set(&failure, "08P01", "invalid message length");
        return reply_fatal(conn, &failure);
    }
    int r = auth_continue(conn, &conn->login->auth, &frame, &failure);
    return go_on(conn, r, &failure);
}

/* One byte, at once: the client waits for it. What it, or somebody between us, sent behind the
 * request in plain text would be taken for the encrypted stream's by a careless server
 * (CVE-2021-23214): it closes the connection. */
static int answer_request(struct connection *conn, bool *asked, char answer)
{
    struct failure failure;

    if (*asked) {
        failure_set(&failure, "08P01", "invalid start-up packet");
        return reply_fatal(conn, &failure);
    }
    *asked = true;
    if (conn->input.ahead.len > 0) {
        const struct log_about about = connection_about(conn);
        char whence[connection_whence_bytes];

        connection_print_whence(conn, whence);
        log_about(LEVEL_LOG, &about, "received unencrypted data after a request for encryption: %s",
                  whence);
        return CONNECTION_END;
    }
    int r = buf_append_byte(&conn->output.buf, (uint8_t)answer);
    return r == 0 ? output_flush(&conn->output) : -ENOMEM;
}

static int on_ssl_request(struct connection *conn)
{
    bool offered = connection_tls_is_offered(conn) && !connection_is_encrypted(conn);
    int r = answer_request(conn, &conn->ssl_asked, offered ? 'S' : 'N');

    return r == 0 && offered ? connection_tls_begin(conn, view_of(NULL, 0)) : r;
}

enum { tls_handshake_byte = 0x16 };

/* TLS without a request before it, as libpq 17's sslnegotiation=direct. No start-up packet begins
 * like that: it would be too long. */
static bool is_direct_tls(const struct connection *conn)
{
    return conn->tls == NULL && !conn->ssl_asked && !conn->gssenc_asked &&
           connection_tls_is_offered(conn) && conn->input.ahead.len > 0 &&
           conn->input.ahead.data[0] == tls_handshake_byte;
}

static int on_direct_tls(struct connection *conn)
{
    struct view early = conn->input.ahead;

    conn->input.ahead = view_of(NULL, 0);
    return connection_tls_begin(conn, early);
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

/* 0, STARTUP_MORE, CONNECTION_END, CONNECTION_MOVES or -errno. */
static int take_packet(struct connection *conn)
{
    const uint8_t *begin = conn->input.ahead.data;
    struct startup startup;
    struct failure failure;
    int r = startup_next(&conn->input.ahead, &startup, &failure);

    if (r != 0) {
        return r == FAILED ? reply_fatal(conn, &failure) : r;
    }
    switch (startup.kind) {
    case STARTUP_MESSAGE:
        return on_message(conn, &startup, view_of(begin, (size_t)(conn->input.ahead.data - begin)));
    case STARTUP_SSL:
        return on_ssl_request(conn);
    case STARTUP_GSSENC:
        return answer_request(conn, &conn->gssenc_asked, 'N');
    case STARTUP_CANCEL:
        return on_cancel(conn, &startup);
    }
    return CONNECTION_END;
}

size_t startup_missing(const struct connection *conn)
{
    struct view ahead = conn->input.ahead;

    if (conn->ready || conn->tls != NULL || ahead.len == 0) {
        return 0;
    }
    size_t need = conn->login == NULL ? startup_need(ahead) : frame_need(ahead);
    return need > ahead.len ? need - ahead.len : 0;
}

int startup_work(struct connection *conn)
{
    int r = 0;

    while (r == 0 && !conn->ready && conn->goodbye == GOODBYE_NONE) {
        if (conn->login == NULL && is_direct_tls(conn)) {
            return on_direct_tls(conn);
        }
        r = conn->login == NULL          ? take_packet(conn)
            : conn->login->authenticated ? enter(conn)
                                         : take_answer(conn);
    }
    return r == STARTUP_MORE ? 0 : r;
}
