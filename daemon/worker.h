/* daemon/worker.h: one loop of the daemon and the connections that live on it.
 *
 * The first one runs on the main thread, where it also listens; each of the others has a thread.
 * All but `load` is for the worker's own thread; another asks by await_call(worker->loop, ...). */
#pragma once

#include "async/loop.h"
#include "daemon/cancel.h"
#include "daemon/output.h"

#include <stdatomic.h>
#include <sys/queue.h>

struct conf;
struct connection;
struct server;
struct thread;
struct tls_context;

TAILQ_HEAD(connection_list, connection);

struct worker_stats {
    uint64_t connections_total;
    uint64_t connections_refused;
    uint64_t statements;
    uint64_t clone_open_us_total; /* clone + session + first query, inside the daemon */
    uint64_t clone_open_us_max;
    uint64_t clone_open_count;
};

struct worker {
    struct server *server;
    const struct conf *conf; /* as things are; for this turn only (server.h) */
    struct loop *loop;
    struct thread *thread;              /* NULL: the main thread runs it, or none yet */
    struct connection_list connections; /* all, start-up ones included */
    atomic_size_t load;                 /* connections that are here, or new and on their way */
    struct tls_context *tls;            /* of new connections; NULL: none */
    struct cancel_keys cancel_keys;
    struct output_spares spares;
    LIST_HEAD(, lingering) lingering; /* linger.h */
    struct worker_stats stats;
    struct traffic *traffic; /* traffic.h; as many as there was need for */
    size_t traffic_count;
    struct slow_list *slow; /* slow.h */
    int64_t shed_us;        /* when it last had the idle sessions given up (memory.h) */
};
