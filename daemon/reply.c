/* daemon/reply.c: answers that every part of the protocol gives. */
#include "daemon/serve.h"

#include "daemon/log.h"
#include "daemon/notify.h"
#include "pool/txn.h"
#include "protocol/backend.h"

#include <errno.h>

struct writer reply_begin(struct connection *conn)
{
    return writer_over(&conn->output.buf);
}

int reply_done(struct connection *conn, const struct writer *w)
{
    if (writer_result(w) != 0) {
        return -ENOMEM; /* an answer is missing: the protocol cannot go on */
    }
    return output_relieve(&conn->output);
}

static void log_end(const struct connection *conn, const struct failure *failure)
{
    struct log_about about = connection_about(conn);
    char whence[connection_whence_bytes];

    connection_print_whence(conn, whence);
    about.sqlstate = failure->sqlstate;
    log_about(LEVEL_LOG, &about, "%s: %s %s (%s)", failure_severity_name(failure),
              failure->sqlstate, failure_get(failure, FIELD_MESSAGE), whence);
}

int reply_failure(struct connection *conn, const struct failure *failure)
{
    struct writer w = reply_begin(conn);

    if (conn->gone) {
        return CONNECTION_END;
    }
    backend_error(&w, failure);
    conn->error_told = true;
    int r = reply_done(conn, &w);
    if (r != 0) {
        return r;
    }
    if (failure->severity == SEVERITY_ERROR) {
        return 0;
    }
    log_end(conn, failure);
    return CONNECTION_END;
}

int reply_fatal(struct connection *conn, struct failure *failure)
{
    failure->severity = SEVERITY_FATAL;
    return reply_failure(conn, failure);
}

int reply_statement_failed(struct connection *conn, const struct failure *failure)
{
    if (conn->lease.session != NULL) {
        txn_failed(conn->lease.session);
    }
    traffic_error(conn);
    return reply_failure(conn, failure);
}

int reply_ready(struct connection *conn)
{
    int r = notify_send(conn);
    if (r != 0) {
        return r;
    }
    if (conn->ready) {
        traffic_query_ends(conn);
    }
    struct writer w = reply_begin(conn);
    backend_ready_for_query(&w, (char)connection_txn_status(conn));
    conn->at_rest = true;
    conn->statement_begun = false;
    return reply_done(conn, &w);
}
