/* daemon/server.h: the one daemon: its loop, its databases, its connections, its counters.
 *
 * Created by main.c, lives as long as the process. Loop's thread only. */
#pragma once

#include "base/alloc.h"
#include "base/defs.h"
#include "conf/conf.h"
#include "daemon/cancel.h"
#include "daemon/output.h"

#include <stdbool.h>
#include <sys/queue.h>

struct connection;
struct loop;
struct registry;

TAILQ_HEAD(connection_list, connection);

struct server_stats {
    uint64_t connections_total;
    uint64_t connections_refused;
    uint64_t statements;
    uint64_t clone_open_us_total; /* clone + session + first query, inside the daemon */
    uint64_t clone_open_us_max;
    uint64_t clone_open_count;
};

struct server {
    struct loop *loop;
    struct registry *registry;
    struct conf *conf;
    struct account account;             /* memory_limit; parent of every session's account */
    struct connection_list connections; /* all, start-up ones included */
    size_t connection_count;
    size_t refused_count; /* of these: over max_client_conn, there to be told so */
    struct cancel_keys cancel_keys;
    struct output_spares spares;
    int32_t next_pid;
    bool draining; /* SIGTERM came: no new connections, statements may finish */
    struct server_stats stats;
};
