/* daemon/console_clones.c: SHOW CLONES, TEMPLATES and LOCKS: the databases that are not of the
 * configuration alone, and who holds what in them. What belongs to a loop is written there. */
#include "daemon/console_show.h"

#include "async/loop.h"
#include "daemon/console_rows.h"
#include "daemon/serve.h"
#include "pool/advisory.h"
#include "pool/clone.h"
#include "pool/registry.h"

#include <errno.h>

/* ---- SHOW CLONES ---- */

struct clones {
    struct console_rows *out;
    const struct registry_row *rows;
    size_t count;
};

static void put_clone(struct console_rows *rows, const struct registry_row *row,
                      const struct named *named)
{
    console_row_begin(rows);
    console_put(rows, row->name);
    console_put(rows, row->origin);
    console_put(rows, row->attributes.owner);
    console_put_int(rows, row->lasting);
    console_put_time(rows, row->created_us);
    console_put_uint(rows, named_loop(named));
    console_put_uint(rows, named_leases(named));
    console_put_uint(rows, clone_own_bytes(named_clone(named)));
    console_row_end(rows);
}

/* It may have gone since the list was made, or have become a template. */
static void list_clones(struct worker *worker, void *arg)
{
    const struct clones *clones = arg;

    for (size_t i = 0; i < clones->count; i++) {
        const struct registry_row *row = &clones->rows[i];
        const struct named *named =
            row->named && !row->frozen
                ? registry_named(worker->server->registry, view_of_str(row->name))
                : NULL;

        if (named != NULL) {
            put_clone(clones->out, row, named);
        }
    }
}

int console_clones(struct connection *conn, struct console_rows *rows)
{
    cleanup(mem_freep) struct registry_row *list = NULL;
    struct clones clones = { .out = rows };

    if (registry_list(conn->server->registry, &list, &clones.count) != 0) {
        return -ENOMEM;
    }
    clones.rows = list;
    server_each_worker(conn->server, list_clones, &clones);
    return 0;
}

/* ---- SHOW TEMPLATES ---- */

/* Those of the configuration, and those that pond_template() made. */
int console_templates(struct connection *conn, struct console_rows *rows)
{
    cleanup(mem_freep) struct registry_row *list = NULL;
    size_t count;

    if (registry_list(conn->server->registry, &list, &count) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (!(list[i].named || list[i].durable) || list[i].frozen) {
            console_row_begin(rows);
            console_put(rows, list[i].name);
            console_put(rows, list[i].named ? "made" : "configuration");
            console_put(rows, list[i].attributes.owner);
            console_put_uint(rows, list[i].bytes);
            console_row_end(rows);
        }
    }
    return 0;
}

/* ---- SHOW LOCKS ---- */

struct locks {
    struct console_rows *out;
    const struct connection *conn; /* whose locks are being listed */
};

static void put_holder(const struct locks *locks, const char *type)
{
    console_put_int(locks->out, locks->conn->cancel_key.pid);
    console_put(locks->out, locks->conn->user);
    console_put(locks->out, locks->conn->database);
    console_put(locks->out, type);
}

/* mode to wait_us */
static void put_state(const struct locks *locks, const char *mode, bool granted, int64_t since_us)
{
    int64_t wait_us = granted ? 0 : loop_now_us(locks->conn->worker->loop) - since_us;

    console_put(locks->out, mode);
    console_put_int(locks->out, granted);
    console_put_int(locks->out, wait_us / 1000000);
    console_put_int(locks->out, wait_us % 1000000);
}

static void list_advisory(void *arg, const struct advisory_row *row)
{
    const struct locks *locks = arg;
    uint64_t number = (uint64_t)row->key.number;

    if (row->session != locks->conn->lease.session) {
        return;
    }
    console_row_begin(locks->out);
    put_holder(locks, "advisory");
    console_put_uint(locks->out, number >> 32);
    console_put_uint(locks->out, (uint32_t)number);
    console_put_int(locks->out, row->key.pair ? 2 : 1);
    put_state(locks, row->mode == ADVISORY_SHARED ? "ShareLock" : "ExclusiveLock", row->granted,
              row->since_us);
    console_row_end(locks->out);
}

static void list_writer(void *arg, const struct session *session, bool granted, int64_t since_us)
{
    const struct locks *locks = arg;

    if (session != locks->conn->lease.session) {
        return;
    }
    console_row_begin(locks->out);
    put_holder(locks, "transactionid");
    console_put(locks->out, NULL);
    console_put(locks->out, NULL);
    console_put(locks->out, NULL);
    put_state(locks, granted ? "ExclusiveLock" : "ShareLock", granted, since_us);
    console_row_end(locks->out);
}

static void list_locks(struct worker *worker, void *rows)
{
    struct locks locks = { .out = rows };

    TAILQ_FOREACH (locks.conn, &worker->connections, entry) {
        const struct session *session = locks.conn->lease.session;

        if (session != NULL) {
            session_each_writer(session, list_writer, &locks);
            advisory_each(session_clone(session), list_advisory, &locks);
        }
    }
}

int console_locks(struct connection *conn, struct console_rows *rows)
{
    server_each_worker(conn->server, list_locks, rows);
    return 0;
}
