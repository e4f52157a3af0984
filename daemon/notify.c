/* daemon/notify.c: see notify.h. The messages wait as the client will get them. */
#include "daemon/notify.h"

#include "base/alloc.h"
#include "daemon/serve.h"
#include "daemon/server.h"
#include "pool/txn.h"
#include "protocol/backend.h"

#include <errno.h>

void host_notification(void *host, int32_t pid, struct view channel, struct view payload)
{
    struct connection *conn = host;
    cleanup(account_restorep) maybe_unused struct account *was =
        account_swap(&conn->server->account);
    struct writer w = writer_over(&conn->told);

    conn->told.max = notify_waiting_most;
    backend_notification(&w, pid, channel, payload);
    if (writer_result(&w) != 0 && conn->goodbye == GOODBYE_NONE) {
        conn->goodbye = GOODBYE_NOTIFICATIONS;
    }
    if (conn->task == NULL && (notify_is_due(conn) || conn->goodbye != GOODBYE_NONE)) {
        connection_serve(conn);
    }
}

bool notify_is_due(const struct connection *conn)
{
    return conn->told.len > 0 && conn->ready && connection_txn_status(conn) == TXN_IDLE;
}

int notify_send(struct connection *conn)
{
    if (!notify_is_due(conn)) {
        return 0;
    }
    int r = buf_append_view(&conn->output.buf, buf_view(&conn->told));
    if (r != 0) {
        return -ENOMEM; /* as for any answer that is missing */
    }
    buf_clear(&conn->told);
    buf_shrink(&conn->told);
    return output_relieve(&conn->output);
}
