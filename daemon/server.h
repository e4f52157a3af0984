/* daemon/server.h: the one daemon: what its workers share, and how they start and stop.
 *
 * Lives as long as the process. The registry knows itself how it is shared; the counters are
 * atomic.
 *
 * What holds is worker->conf, on the worker's own thread. It is a snapshot that never changes; a
 * reload or SET (daemon/reload.h) makes another one and puts it in the place of each worker's, one
 * worker after the other, each time on its thread and so between two turns of its tasks. When all
 * have it the one before is freed: who awaits has to read worker->conf anew. The same is true of
 * database_options(). boot_conf stays, and what needs a restart is the same in all. */
#pragma once

#include "async/gate.h"
#include "base/alloc.h"
#include "conf/conf.h"
#include "daemon/claims.h"
#include "daemon/login_limits.h"
#include "daemon/worker.h"
#include "protocol/scram.h"

#include <stdbool.h>

struct address;
struct crowd;
struct registry;
struct users;

enum server_news {
    SERVER_RELOADS,  /* the configuration's file is being read again */
    SERVER_LOADS,    /* a database is about to be loaded, at the start or by a reload */
    SERVER_RELOADED, /* the reload is over, whether the file was taken or not */
};

struct server {
    const struct conf *boot_conf; /* what it was opened with */
    struct conf *conf; /* what the workers have instead of it; NULL: nothing. reload.c's */
    struct registry *registry;
    struct gate gate;      /* the line of all who wait for a session */
    struct claims claims;  /* templates that are being built */
    struct budget reloads; /* one at a time (reload.h) */
    struct budget lookups; /* names that are looked up at once (auth_peer.c) */
    struct login_limits login_limits;
    uint8_t mock_secret[scram_key_bytes]; /* strangers' salts hang on it */
    struct users *users;                  /* max_user_connections */
    struct crowd *crowd;                  /* max_client_conn_per_addr */
    struct budget sessions;               /* max_db_connections */
    struct loop *loops[loops_most];       /* the workers' */
    struct account account;               /* memory_limit; parent of every session's account */
    struct worker *workers;               /* never none; the first is the main thread's */
    size_t worker_count;
    int64_t start_us;            /* when it was opened, by the loops' clock */
    bool runs;                   /* all of them */
    atomic_size_t client_count;  /* connections, start-up ones included */
    atomic_size_t refused_count; /* those over max_client_conn, there to be told so */
    atomic_bool draining;        /* it ends: no new connections, statements may finish */
    bool ready;                  /* the start is over. Main thread */
    /* The daemon shall end: as by SIGTERM, or patiently, once all clients have left by themselves.
     * False: it ends already. On the main loop; does not await. */
    bool (*shut_down)(struct server *server, bool patiently);
    /* What server_await_telling() tells. On the main loop; does not await. NULL: nobody wants to
     * know. */
    void (*told)(struct server *server, enum server_news news, const char *database);
};

/* Makes the registry and conf->loops workers, none of which runs yet. 0 or -errno; server_close()
 * is due either way. conf stays the caller's. */
must_check int server_open(struct server *server, const struct conf *conf);

/* Ends the idle sessions, on their loops; then stops the main loop. No connection may be left.
 * Awaits. */
void server_drain(struct server *server);

/* After that, or before a session was made; no worker may run. A zeroed one is fine. */
void server_close(struct server *server);

/* Gives each worker but the main one a thread that runs its loop, and starts to make the sessions
 * that are to be ready. 0, FAILED or -ENOMEM. */
must_check int server_start_workers(struct server *server, struct failure *ret_failure);

/* Tells it on the main loop. `database`: of SERVER_LOADS, else NULL. Awaits. */
void server_await_telling(struct server *server, enum server_news news, const char *database);

/* Stops their loops, after the messages that they have got, and waits for the threads. */
void server_stop_workers(struct server *server);

/* Calls fn on each worker that runs, on its own loop, one after the other. Awaits. */
void server_each_worker(const struct server *server, void (*fn)(struct worker *worker, void *arg),
                        void *arg);

static inline struct worker *server_main(const struct server *server)
{
    return &server->workers[0];
}

/* That of the running loop. */
struct worker *server_here(const struct server *server);

/* Connections that have not ended, refused ones too. Any thread. */
size_t server_connections(const struct server *server);

/* The same with those that are on their way to their worker, for a moment one too many each. Any
 * thread. */
size_t server_load(const struct server *server);

/* The worker with the fewest connections; the main one when it has as few, which needs no message.
 * Any thread. */
struct worker *server_least_loaded(const struct server *server);

/* Gives an accepted socket to the worker with the fewest connections. Main thread. 0 or -errno (the
 * socket is closed then too). */
must_check int server_take_client(struct server *server, int fd, const struct address *from);

/* What a client that could not be taken has the log say. Any thread. */
void server_log_untaken(int error);

/* Which worker has given out this process number? */
struct worker *server_worker_of_pid(const struct server *server, int32_t pid);
