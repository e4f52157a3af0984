/* daemon/console_clients.c: SHOW CLIENTS and SHOW SERVERS: each connection, and the session that it
 * has; written on the connection's own loop. Sessions that nobody has are only counted (SHOW
 * POOLS).
 *
 * Both are known by the process number that pg_backend_pid() gives, and that KILL takes. */
#include "daemon/console_show.h"

#include "async/loop.h"
#include "daemon/console_rows.h"
#include "daemon/serve.h"

#include <stdio.h>

static void put_end(struct console_rows *rows, const struct connection *conn,
                    const struct address *address)
{
    char room[address_text_bytes];
    bool is_unix = address_is_unix(address);

    console_put(rows, is_unix ? "unix" : address_in_words(address, room));
    console_put_int(rows, is_unix ? conn->worker->conf->listen_port : address_port(address));
}

static void put_ends(struct console_rows *rows, const struct connection *conn)
{
    struct address here;

    address_of_socket(conn->fd, &here);
    put_end(rows, conn, &conn->from);
    put_end(rows, conn, &here);
}

/* "c14" is the client of number 14, "s14" his session. */
static void put_pointer(struct console_rows *rows, char kind, const struct connection *conn)
{
    char text[16];

    snprintf(text, sizeof(text), "%c%d", kind, conn->cancel_key.pid);
    console_put(rows, text);
}

/* connect_time, request_time, wait, wait_us, close_needed */
static void put_times(struct console_rows *rows, const struct connection *conn, bool waits)
{
    const struct activity *activity = conn->activity;
    int64_t wait_us = waits ? loop_now_us(conn->worker->loop) - conn->start_us : 0;

    console_put_time(rows, activity->backend_start_us);
    console_put_time(rows, activity->query_start_us > 0 ? activity->query_start_us
                                                        : activity->backend_start_us);
    console_put_int(rows, wait_us / 1000000);
    console_put_int(rows, wait_us % 1000000);
    console_put_int(rows, conn->goodbye != GOODBYE_NONE);
}

static void put_application(struct console_rows *rows, const struct connection *conn)
{
    const char *name =
        conn->ready && conn->sql != NULL ? sql_setting(conn->sql, "application_name") : NULL;

    console_put(rows, name == NULL ? "" : name);
}

static void put_client(struct console_rows *rows, const struct connection *conn)
{
    bool waits = !conn->ready && conn->in_line;

    console_row_begin(rows);
    console_put(rows, "C");
    console_put(rows, conn->user);
    console_put(rows, conn->database);
    console_put(rows, waits ? "waiting" : "active");
    put_ends(rows, conn);
    put_times(rows, conn, waits);
    put_pointer(rows, 'c', conn);
    if (conn->lease.session == NULL) {
        console_put(rows, "");
    } else {
        put_pointer(rows, 's', conn);
    }
    console_put_int(rows, conn->cancel_key.pid);
    console_put(rows, ""); /* tls */
    put_application(rows, conn);
    console_row_end(rows);
}

static void put_server(struct console_rows *rows, const struct connection *conn)
{
    console_row_begin(rows);
    console_put(rows, "S");
    console_put(rows, conn->user);
    console_put(rows, conn->database);
    console_put(rows, "active");
    console_put(rows, ""); /* it is behind no socket */
    console_put_int(rows, 0);
    console_put(rows, "");
    console_put_int(rows, 0);
    put_times(rows, conn, false);
    put_pointer(rows, 's', conn);
    put_pointer(rows, 'c', conn);
    console_put_int(rows, conn->cancel_key.pid);
    console_put(rows, "");
    put_application(rows, conn);
    console_row_end(rows);
}

/* Those who have not said who they are, are nobody's clients yet. */
static void list_clients(struct worker *worker, void *rows)
{
    const struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        if (conn->activity != NULL) {
            put_client(rows, conn);
        }
    }
}

static void list_servers(struct worker *worker, void *rows)
{
    const struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        if (conn->activity != NULL && conn->lease.session != NULL) {
            put_server(rows, conn);
        }
    }
}

int console_clients(struct connection *conn, struct console_rows *rows)
{
    server_each_worker(conn->server, list_clients, rows);
    return 0;
}

int console_servers(struct connection *conn, struct console_rows *rows)
{
    server_each_worker(conn->server, list_servers, rows);
    return 0;
}
