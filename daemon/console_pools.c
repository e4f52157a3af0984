/* daemon/console_pools.c: SHOW POOLS, DATABASES and LISTS: the databases of the configuration and
 * the sessions that come out of them, and how many there are of everything.
 *
 * A pool is a database's: its sessions are not kept by user, and so `user` is the one that owns the
 * daemon's own things. A session is in use as long as its client stays, as with PgBouncer's
 * pool_mode "session". */
#include "daemon/console_show.h"

#include "async/loop.h"
#include "daemon/console.h"
#include "daemon/console_rows.h"
#include "daemon/serve.h"
#include "pool/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char pool_user[] = "pond";
static const char console_database[] = "pond";
static const char pool_mode[] = "session";

/* ---- who is there ---- */

struct census {
    size_t clients;
    size_t of_console;
    size_t logging_in;
    struct buf users; /* NUL-terminated names */
    int result;
};

static void census_finish(struct census *census)
{
    buf_finish(&census->users);
}

static void count_clients(struct worker *worker, void *arg)
{
    struct census *census = arg;
    const struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        census->clients++;
        census->of_console += conn->ready && conn->console != CONSOLE_NONE;
        census->logging_in += !conn->ready;
        if (conn->ready && census->result == 0) {
            census->result = buf_append(&census->users, conn->user, strlen(conn->user) + 1);
        }
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 0 or -ENOMEM. */
static int count_users(const struct census *census, size_t *ret_count)
{
    const char *next = (const char *)census->users.data;
    size_t names = census->clients - census->logging_in;
    cleanup(mem_freep) const char **list = mem_alloc((names + 1) * sizeof(*list));
    size_t distinct = 0;

    if (list == NULL || census->result != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < names; i++) {
        list[i] = next;
        next += strlen(next) + 1;
    }
    qsort(list, names, sizeof(*list), compare_names);
    for (size_t i = 0; i < names; i++) {
        distinct += i == 0 || strcmp(list[i - 1], list[i]) != 0;
    }
    *ret_count = distinct;
    return 0;
}

/* ---- SHOW POOLS ---- */

struct pool_numbers {
    const char *database;
    size_t in_use;
    size_t waiting;
    size_t idle;
    int64_t wait_us; /* of the first in line */
};

static void put_pool(struct console_rows *rows, const struct pool_numbers *pool, size_t servers)
{
    console_row_begin(rows);
    console_put(rows, pool->database);
    console_put(rows, pool_user);
    console_put_uint(rows, pool->in_use);
    console_put_uint(rows, pool->waiting);
    console_put_zeros(rows, 2); /* a cancel asks for no session */
    console_put_uint(rows, servers);
    console_put_zeros(rows, 2);
    console_put_uint(rows, pool->idle);
    console_put_zeros(rows, 3); /* a session is reset at its release, and made by who wants it */
    console_put_int(rows, pool->wait_us / 1000000);
    console_put_int(rows, pool->wait_us % 1000000);
    console_put(rows, pool_mode);
    console_row_end(rows);
}

static int64_t waited_us(const struct connection *conn, int64_t since_us)
{
    int64_t now_us = loop_now_us(conn->worker->loop);

    return since_us == DEADLINE_NONE || since_us > now_us ? 0 : now_us - since_us;
}

int console_pools(struct connection *conn, struct console_rows *rows)
{
    cleanup(census_finish) struct census census = { .clients = 0 };
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    size_t count;

    if (registry_list_pools(conn->server->registry, &pools, &count) != 0) {
        return -ENOMEM;
    }
    server_each_worker(conn->server, count_clients, &census);
    put_pool(rows,
             &(struct pool_numbers){ .database = console_database, .in_use = census.of_console },
             0);
    for (size_t i = 0; i < count; i++) {
        const struct database_stats *stats = &pools[i].stats;

        put_pool(rows,
                 &(struct pool_numbers){ .database = pools[i].name,
                                         .in_use = stats->sessions,
                                         .waiting = stats->waiting,
                                         .idle = stats->idle,
                                         .wait_us = waited_us(conn, stats->first_since_us) },
                 stats->sessions);
    }
    return 0;
}

/* ---- SHOW DATABASES ---- */

static void put_database(struct console_rows *rows, int64_t port, const struct registry_pool *pool)
{
    console_row_begin(rows);
    console_put(rows, pool->name);
    console_put(rows, NULL); /* host: here */
    console_put_int(rows, port);
    console_put(rows, pool->name);
    console_put(rows, NULL); /* force_user */
    console_put_uint(rows, pool->pool_size);
    console_put_uint(rows, pool->min_pool_size);
    console_put_int(rows, 0); /* reserve_pool */
    console_put(rows, pool_mode);
    console_put_int(rows, 0); /* max_connections: pool_size is the limit */
    console_put_uint(rows, pool->stats.sessions + pool->stats.idle);
    console_put_int(rows, pool->stats.paused);
    console_put_int(rows, pool->gone); /* disabled */
    console_row_end(rows);
}

int console_databases(struct connection *conn, struct console_rows *rows)
{
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    int64_t port = conn->worker->conf->listen_port;
    size_t count;

    if (registry_list_pools(conn->server->registry, &pools, &count) != 0) {
        return -ENOMEM;
    }
    put_database(rows, port, &(struct registry_pool){ .name = console_database });
    for (size_t i = 0; i < count; i++) {
        put_database(rows, port, &pools[i]);
    }
    return 0;
}

/* ---- SHOW LISTS ---- */

static void put_item(struct console_rows *rows, const char *list, size_t items)
{
    console_row_begin(rows);
    console_put(rows, list);
    console_put_uint(rows, items);
    console_row_end(rows);
}

int console_lists(struct connection *conn, struct console_rows *rows)
{
    cleanup(census_finish) struct census census = { .clients = 0 };
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    struct registry_stats stats;
    size_t databases;
    size_t users;

    server_each_worker(conn->server, count_clients, &census);
    if (count_users(&census, &users) != 0 ||
        registry_list_pools(conn->server->registry, &pools, &databases) != 0) {
        return -ENOMEM;
    }
    size_t most = (size_t)conn->worker->conf->max_client_conn;
    registry_stats(conn->server->registry, &stats);
    put_item(rows, "databases", databases + 1); /* and the console */
    put_item(rows, "users", users);
    put_item(rows, "pools", databases + 1);
    put_item(rows, "free_clients", most > census.clients ? most - census.clients : 0);
    put_item(rows, "used_clients", census.clients - census.logging_in);
    put_item(rows, "login_clients", census.logging_in);
    put_item(rows, "free_servers", stats.sessions.idle);
    put_item(rows, "used_servers", stats.sessions.sessions);
    put_item(rows, "dns_names", 0);
    put_item(rows, "dns_zones", 0);
    put_item(rows, "dns_queries", 0);
    put_item(rows, "dns_pending", 0);
    return 0;
}
