/* daemon/server.c: the workers' life, and who of them takes the next client.
 *
 * A client that goes to another worker is one message: its socket, before a byte was read. */
#include "daemon/server.h"

#include "async/await.h"
#include "async/thread.h"
#include "daemon/connection.h"
#include "daemon/log.h"
#include "pool/registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- life ---- */

static int open_worker(struct server *server, size_t i)
{
    struct worker *worker = &server->workers[i];
    const struct loop_options options = {
        .number = (unsigned)i,
        .time_slice_us = server->conf->time_slice_us,
    };

    worker->server = server;
    TAILQ_INIT(&worker->connections);
    cancel_keys_init(&worker->cancel_keys, (int32_t)i + 1, (int32_t)server->worker_count);
    return loop_create(&options, &worker->loop);
}

static size_t count_workers(const struct conf *conf)
{
    long cores = conf->loops > 0 ? (long)conf->loops : sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > loops_most ? loops_most : (size_t)cores;
}

int server_open(struct server *server, struct conf *conf)
{
    size_t count = count_workers(conf);

    *server = (struct server){ .conf = conf, .account.limit = (size_t)conf->memory_limit };
    server->workers = mem_zalloc(count * sizeof(*server->workers));
    if (server->workers == NULL) {
        return -ENOMEM;
    }
    server->worker_count = count;
    for (size_t i = 0; i < count; i++) {
        int r = open_worker(server, i);

        if (r != 0) {
            return r;
        }
    }
    return registry_create(&server->registry);
}

void server_close(struct server *server)
{
    registry_destroy(server->registry);
    for (size_t i = 0; i < server->worker_count; i++) {
        output_spares_finish(&server->workers[i].spares);
        loop_destroy(server->workers[i].loop);
    }
    mem_free(server->workers);
    server->workers = NULL;
    server->worker_count = 0;
}

/* ---- threads ---- */

static void run_worker(void *arg)
{
    struct worker *worker = arg;
    int r = loop_run(worker->loop);

    if (r != 0) {
        log_line(LEVEL_ERROR, "loop %u has ended: %s", loop_number(worker->loop), strerror(-r));
    }
}

int server_start_workers(struct server *server)
{
    int r = 0;

    for (size_t i = 1; i < server->worker_count && r == 0; i++) {
        struct worker *worker = &server->workers[i];
        char name[16];

        snprintf(name, sizeof(name), "pondd-%u", (unsigned)(uint16_t)i);
        r = thread_start(name, run_worker, worker, &worker->thread);
    }
    return r;
}

void server_stop_workers(struct server *server)
{
    for (size_t i = 1; i < server->worker_count; i++) {
        struct worker *worker = &server->workers[i];

        if (worker->thread != NULL) {
            loop_stop(worker->loop);
            thread_join(take_ptr(worker->thread));
        }
    }
}

struct visit {
    struct worker *worker;
    void (*fn)(struct worker *worker, void *arg);
    void *arg;
};

static void visit_worker(void *arg)
{
    const struct visit *visit = arg;

    visit->fn(visit->worker, visit->arg);
}

static bool worker_runs(const struct worker *worker)
{
    return worker == server_main(worker->server) || worker->thread != NULL;
}

void server_each_worker(const struct server *server, void (*fn)(struct worker *worker, void *arg),
                        void *arg)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        struct visit visit = { .worker = &server->workers[i], .fn = fn, .arg = arg };

        if (worker_runs(visit.worker)) {
            await_call(visit.worker->loop, visit_worker, &visit);
        }
    }
}

/* ---- clients ---- */

size_t server_connections(const struct server *server)
{
    return atomic_load(&server->client_count) + atomic_load(&server->refused_count);
}

/* A client on its way to another worker. */
struct arrival {
    struct loop_message message;
    struct worker *worker;
    int fd;
    bool is_unix;
};

static void start_client(struct worker *worker, int fd, bool is_unix)
{
    int r = connection_start(worker, fd, is_unix);

    if (r != 0) {
        log_line(LEVEL_ERROR, "a client could not be taken: %s", strerror(-r));
    }
}

static void client_arrives(struct loop *loop, struct loop_message *message)
{
    cleanup(mem_freep) struct arrival *arrival = container_of(message, struct arrival, message);

    (void)loop;
    start_client(arrival->worker, arrival->fd, arrival->is_unix);
    atomic_fetch_sub_explicit(&arrival->worker->load, 1, memory_order_relaxed);
}

static int send_client(struct worker *worker, int fd, bool is_unix)
{
    struct arrival *arrival = mem_alloc(sizeof(*arrival));

    if (arrival == NULL) {
        close(fd);
        return -ENOMEM;
    }
    *arrival = (struct arrival){
        .message.run = client_arrives, .worker = worker, .fd = fd, .is_unix = is_unix
    };
    atomic_fetch_add_explicit(&worker->load, 1, memory_order_relaxed);
    loop_send(worker->loop, &arrival->message);
    return 0;
}

/* The main one first, when several have as few: it needs no message. */
static struct worker *least_loaded(const struct server *server)
{
    struct worker *best = server_main(server);

    for (size_t i = 1; i < server->worker_count; i++) {
        struct worker *worker = &server->workers[i];

        if (worker_runs(worker) && atomic_load_explicit(&worker->load, memory_order_relaxed) <
                                       atomic_load_explicit(&best->load, memory_order_relaxed)) {
            best = worker;
        }
    }
    return best;
}

int server_take_client(struct server *server, int fd, bool is_unix)
{
    struct worker *worker = least_loaded(server);

    return worker == server_main(server) ? connection_start(worker, fd, is_unix)
                                         : send_client(worker, fd, is_unix);
}

struct worker *server_worker_of_pid(const struct server *server, int32_t pid)
{
    return pid < 1 ? NULL : &server->workers[(size_t)(pid - 1) % server->worker_count];
}
