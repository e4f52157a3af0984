/* daemon/host.c: what statements may ask of the daemon about their own connection. */
#include "daemon/host.h"

#include "async/loop.h"
#include "daemon/notify.h"
#include "daemon/serve.h"
#include "protocol/backend.h"

#include <stdlib.h>

/* These two may come in the middle of a statement, but never inside another message. A client that
 * misses a notice misses no more than that; one that misses a setting would read values wrongly. */
static void host_parameter_status(void *host, const char *name, const char *value)
{
    struct connection *conn = host;
    struct writer w = reply_begin(conn);

    if (!conn->ready) {
        return; /* all are told at the end of the start-up */
    }
    backend_parameter_status(&w, name, value);
    if (writer_result(&w) != 0) {
        output_break(&conn->output);
    }
}

static void host_notice(void *host, const struct failure *notice)
{
    struct connection *conn = host;
    struct writer w = reply_begin(conn);

    backend_notice(&w, notice);
}

static int32_t host_backend_pid(void *host)
{
    return ((struct connection *)host)->cancel_key.pid;
}

static const char *host_user(void *host)
{
    return ((struct connection *)host)->user;
}

static const char *host_database(void *host)
{
    return ((struct connection *)host)->database;
}

static int64_t host_wall_us(void *host)
{
    return clock_wall_us(loop_clock(((struct connection *)host)->worker->loop));
}

static void host_random(void *host, void *bytes, size_t len)
{
    (void)host;
    arc4random_buf(bytes, len);
}

const struct host_ops connection_host_ops = {
    .parameter_status = host_parameter_status,
    .notice = host_notice,
    .notification = host_notification,
    .backend_pid = host_backend_pid,
    .user = host_user,
    .database = host_database,
    .wall_us = host_wall_us,
    .random = host_random,
    .copy_in_begin = copy_in_begin,
    .copy_in_read = copy_in_read,
    .copy_in_end = copy_in_end,
    .copy_out_begin = copy_out_begin,
    .copy_out_row = copy_out_row,
    .copy_out_end = copy_out_end,
    .database_create = host_database_create,
    .database_drop = host_database_drop,
    .database_alter = host_database_alter,
    .each_database = host_each_database,
    .each_pool = host_each_pool,
    .each_backend = host_each_backend,
    .backend_signal = host_backend_signal,
    .mark = host_mark,
    .keep = host_keep,
    .backup = host_backup,
    .template_claim = host_template_claim,
    .template_end = host_template_end,
};
