/* daemon/console_show.c: the table of all that SHOW shows. Where PgBouncer has the name, its
 * columns are PgBouncer 1.18's. */
#include "daemon/console_show.h"

#include "daemon/console_parse.h"
#include "daemon/console_rows.h"
#include "daemon/serve.h"
#include "protocol/backend.h"

#include <errno.h>

/* ---- the table ---- */

static const struct console_column client_columns[] = {
    { "type", OID_TEXT },         { "user", OID_TEXT },       { "database", OID_TEXT },
    { "state", OID_TEXT },        { "addr", OID_TEXT },       { "port", OID_INT4 },
    { "local_addr", OID_TEXT },   { "local_port", OID_INT4 }, { "connect_time", OID_TEXT },
    { "request_time", OID_TEXT }, { "wait", OID_INT4 },       { "wait_us", OID_INT4 },
    { "close_needed", OID_INT4 }, { "ptr", OID_TEXT },        { "link", OID_TEXT },
    { "remote_pid", OID_INT4 },   { "tls", OID_TEXT },        { "application_name", OID_TEXT },
};
static const struct console_column clone_columns[] = {
    { "name", OID_TEXT },    { "database", OID_TEXT },    { "owner", OID_TEXT },
    { "lasting", OID_INT4 }, { "create_time", OID_TEXT }, { "loop", OID_INT4 },
    { "clients", OID_INT4 }, { "clone_bytes", OID_INT8 },
};
static const struct console_column config_columns[] = {
    { "key", OID_TEXT },
    { "value", OID_TEXT },
    { "default", OID_TEXT },
    { "changeable", OID_TEXT },
};
static const struct console_column database_columns[] = {
    { "name", OID_TEXT },
    { "host", OID_TEXT },
    { "port", OID_INT4 },
    { "database", OID_TEXT },
    { "force_user", OID_TEXT },
    { "pool_size", OID_INT4 },
    { "min_pool_size", OID_INT4 },
    { "reserve_pool", OID_INT4 },
    { "pool_mode", OID_TEXT },
    { "max_connections", OID_INT4 },
    { "current_connections", OID_INT4 },
    { "paused", OID_INT4 },
    { "disabled", OID_INT4 },
};
static const struct console_column list_columns[] = { { "list", OID_TEXT }, { "items", OID_INT4 } };
static const struct console_column lock_columns[] = {
    { "pid", OID_INT4 },      { "user", OID_TEXT },    { "database", OID_TEXT },
    { "locktype", OID_TEXT }, { "classid", OID_INT8 }, { "objid", OID_INT8 },
    { "objsubid", OID_INT4 }, { "mode", OID_TEXT },    { "granted", OID_INT4 },
    { "wait", OID_INT4 },     { "wait_us", OID_INT4 },
};
static const struct console_column loop_columns[] = {
    { "loop", OID_INT4 },
    { "clients", OID_INT4 },
    { "statements", OID_INT8 },
    { "tasks", OID_INT4 },
    { "turns", OID_INT8 },
    { "longest_hold_us", OID_INT8 },
    { "longest_hold_by", OID_TEXT },
    { "longest_cpu_us", OID_INT8 },
    { "longest_cpu_by", OID_TEXT },
};
static const struct console_column mem_columns[] = {
    { "name", OID_TEXT }, { "size", OID_INT4 },     { "used", OID_INT4 },
    { "free", OID_INT4 }, { "memtotal", OID_INT8 },
};
static const struct console_column pool_columns[] = {
    { "database", OID_TEXT },
    { "user", OID_TEXT },
    { "cl_active", OID_INT4 },
    { "cl_waiting", OID_INT4 },
    { "cl_active_cancel_req", OID_INT4 },
    { "cl_waiting_cancel_req", OID_INT4 },
    { "sv_active", OID_INT4 },
    { "sv_active_cancel", OID_INT4 },
    { "sv_being_canceled", OID_INT4 },
    { "sv_idle", OID_INT4 },
    { "sv_used", OID_INT4 },
    { "sv_tested", OID_INT4 },
    { "sv_login", OID_INT4 },
    { "maxwait", OID_INT4 },
    { "maxwait_us", OID_INT4 },
    { "pool_mode", OID_TEXT },
};
static const struct console_column stats_columns[] = {
    { "database", OID_TEXT },
    { "total_xact_count", OID_NUMERIC },
    { "total_query_count", OID_NUMERIC },
    { "total_received", OID_NUMERIC },
    { "total_sent", OID_NUMERIC },
    { "total_xact_time", OID_NUMERIC },
    { "total_query_time", OID_NUMERIC },
    { "total_wait_time", OID_NUMERIC },
    { "avg_xact_count", OID_NUMERIC },
    { "avg_query_count", OID_NUMERIC },
    { "avg_recv", OID_NUMERIC },
    { "avg_sent", OID_NUMERIC },
    { "avg_xact_time", OID_NUMERIC },
    { "avg_query_time", OID_NUMERIC },
    { "avg_wait_time", OID_NUMERIC },
};
/* Of STATS_TOTALS and STATS_AVERAGES. */
static const struct console_column stats_part_columns[] = {
    { "database", OID_TEXT },       { "xact_count", OID_NUMERIC },
    { "query_count", OID_NUMERIC }, { "bytes_received", OID_NUMERIC },
    { "bytes_sent", OID_NUMERIC },  { "xact_time", OID_NUMERIC },
    { "query_time", OID_NUMERIC },  { "wait_time", OID_NUMERIC },
};
static const struct console_column template_columns[] = {
    { "name", OID_TEXT },
    { "source", OID_TEXT },
    { "owner", OID_TEXT },
    { "image_bytes", OID_INT8 },
};
static const struct console_column version_columns[] = { { "version", OID_TEXT } };

struct show {
    const char *name;
    const struct console_column *columns;
    size_t column_count;
    console_rows_fn *rows;
};

#define SHOW(name, columns, rows)               \
    {                                           \
        name, columns, ARRAY_LEN(columns), rows \
    }

static const struct show shows[] = {
    SHOW("CLIENTS", client_columns, console_clients),
    SHOW("CLONES", clone_columns, console_clones),
    SHOW("CONFIG", config_columns, console_config),
    SHOW("DATABASES", database_columns, console_databases),
    SHOW("LISTS", list_columns, console_lists),
    SHOW("LOCKS", lock_columns, console_locks),
    SHOW("LOOPS", loop_columns, console_loops),
    SHOW("MEM", mem_columns, console_mem),
    SHOW("POOLS", pool_columns, console_pools),
    SHOW("SERVERS", client_columns, console_servers),
    SHOW("STATS", stats_columns, console_stats),
    SHOW("STATS_AVERAGES", stats_part_columns, console_stats_averages),
    SHOW("STATS_TOTALS", stats_part_columns, console_stats_totals),
    SHOW("TEMPLATES", template_columns, console_templates),
    SHOW("VERSION", version_columns, console_version),
};

/* ---- sending ---- */

/* Not more at once than a client that reads slowly should make us hold twice. */
static int send_rows(struct connection *conn, const struct console_rows *rows)
{
    struct writer w = reply_begin(conn);
    struct view rest = buf_view(&rows->messages);

    console_describe(rows, &w);
    int r = reply_done(conn, &w);
    while (r == 0 && rest.len > 0) {
        size_t len = rest.len < 16384 ? rest.len : 16384;

        r = buf_append(&conn->output.buf, rest.data, len) == 0 ? output_relieve(&conn->output)
                                                               : -ENOMEM;
        view_advance(&rest, len);
    }
    return r;
}

static int gather_and_send(struct connection *conn, const struct show *show,
                           struct console_rows *rows, struct failure *ret_failure)
{
    console_rows_init(rows, show->columns, show->column_count);
    int r = show->rows(conn, rows);

    if (r == 0) {
        r = writer_result(&rows->writer);
    }
    if (r == BUF_FULL) {
        return failure_set(ret_failure, "54000", "SHOW %s has too many rows", show->name);
    }
    return r == 0 ? send_rows(conn, rows) : failure_set_nomem(ret_failure);
}

static int show_help(struct connection *conn)
{
    struct failure notice;
    struct writer w = reply_begin(conn);

    failure_set(&notice, "00000", "Console usage");
    notice.severity = SEVERITY_NOTICE;
    failure_add(&notice, FIELD_DETAIL,
                "\n\tSHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|VERSION"
                "\n\tSHOW LISTS|MEM"
                "\n\tSHOW STATS|STATS_TOTALS|STATS_AVERAGES"
                "\n\tSHOW CLONES|TEMPLATES|LOCKS|LOOPS"
                "\n\tSET key = arg"
                "\n\tRELOAD"
                "\n\tPAUSE [<db>]"
                "\n\tRESUME [<db>]"
                "\n\tKILL <pid>|<clone>"
                "\n\tSHUTDOWN [WAIT_FOR_CLIENTS]\n");
    backend_notice(&w, &notice);
    return reply_done(conn, &w);
}

int console_show(struct connection *conn, const struct console_words *words,
                 struct failure *ret_failure)
{
    cleanup(console_rows_finish) struct console_rows rows = { .column_count = 0 };

    if (console_word_is(words, 1, "HELP")) {
        return show_help(conn);
    }
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        if (console_word_is(words, 1, shows[i].name)) {
            return gather_and_send(conn, &shows[i], &rows, ret_failure);
        }
    }
    return CONSOLE_UNKNOWN;
}
