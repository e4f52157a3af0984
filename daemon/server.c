/* daemon/server.c: the workers' life, and who of them takes the next client.
 *
 * A client that goes to another worker is one message: its socket, before a byte was read. */
#include "daemon/server.h"

#include "async/await.h"
#include "async/offload.h"
#include "async/task.h"
#include "async/thread.h"
#include "daemon/address.h"
#include "daemon/connection.h"
#include "daemon/crowd.h"
#include "daemon/linger.h"
#include "daemon/log.h"
#include "daemon/slow.h"
#include "daemon/tls_context.h"
#include "daemon/traffic.h"
#include "pool/registry.h"
#include "pool/sweep.h"
#include "pool/users.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

/* ---- life ---- */

static int open_worker(struct server *server, size_t i)
{
    struct worker *worker = &server->workers[i];
    const struct loop_options options = {
        .number = (unsigned)i,
        .time_slice_us = server->boot_conf->time_slice_us,
    };

    worker->server = server;
    worker->conf = server->boot_conf;
    TAILQ_INIT(&worker->connections);
    cancel_keys_init(&worker->cancel_keys, (int32_t)i + 1, (int32_t)server->worker_count);
    int r = loop_create(&options, &worker->loop);
    server->loops[i] = worker->loop;
    return r == 0 ? slow_open(worker) : r;
}

static size_t count_workers(const struct conf *conf)
{
    long cores = conf->loops > 0 ? (long)conf->loops : sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > loops_most ? loops_most : (size_t)cores;
}

static int open_workers(struct server *server)
{
    size_t count = count_workers(server->boot_conf);

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
    return 0;
}

static int open_registry(struct server *server)
{
    const struct conf *conf = server->boot_conf;

    server->sessions = (struct budget){ .name = "all", .limit = (size_t)conf->max_db_connections };
    int r = users_create(&server->gate, (size_t)conf->max_user_connections, &server->users);
    if (r != 0) {
        return r;
    }
    const struct registry_options options = {
        .world = { .gate = &server->gate,
                   .loops = server->loops,
                   .loop_count = server->worker_count,
                   .sessions = &server->sessions,
                   .users = server->users,
                   .parent = &server->account },
        .max_clones = (size_t)conf->max_clones,
        .max_templates = (size_t)conf->max_templates,
    };
    return registry_create(&options, &server->registry);
}

/* That of the machine: a stranger's salt is the same after a restart. Where a machine has none,
 * as some containers, the first user's verifier is all that the salts hang on. */
static void find_mock_secret(struct server *server)
{
    static const sd_id128_t pond =
        SD_ID128_MAKE(7c, 4e, 9a, 15, 0b, d2, 46, 3f, 9d, 08, e6, 51, a3, 2c, 77, b4);
    sd_id128_t id;

    if (sd_id128_get_machine_app_specific(pond, &id) == 0) {
        static_assert(sizeof(id) <= sizeof(server->mock_secret), "it must fit");
        memcpy(server->mock_secret, &id, sizeof(id));
    }
}

int server_open(struct server *server, const struct conf *conf)
{
    *server = (struct server){
        .boot_conf = conf,
        .account = { .limit = (size_t)conf->memory_limit, .shared = true },
    };
    gate_init(&server->gate);
    claims_init(&server->claims);
    login_limits_init(&server->login_limits);
    server->reloads = (struct budget){ .name = "reload", .limit = 1 };
    server->lookups = (struct budget){ .name = "lookup", .limit = offload_threads_most / 2 };
    find_mock_secret(server);
    int r = open_workers(server);

    if (r == 0) {
        r = crowd_create(&server->crowd);
    }
    if (r == 0) {
        server->start_us = loop_now_us(server_main(server)->loop);
        r = open_registry(server);
    }
    return r;
}

static void stop_main(void *server)
{
    loop_stop(server_main(server)->loop);
}

static void forget_lingering(struct worker *worker, void *arg)
{
    (void)arg;
    linger_finish(worker);
}

void server_drain(struct server *server)
{
    if (!server->runs) {
        stop_main(server); /* nothing was made yet */
        return;
    }
    server_each_worker(server, forget_lingering, NULL);
    registry_close(server->registry, stop_main, server);
}

void server_close(struct server *server)
{
    registry_destroy(server->registry);
    users_destroy(server->users);
    crowd_destroy(server->crowd);
    for (size_t i = 0; i < server->worker_count; i++) {
        output_spares_finish(&server->workers[i].spares);
        traffic_close(&server->workers[i]);
        tls_context_unref(server->workers[i].tls);
        slow_close(&server->workers[i]);
        loop_destroy(server->workers[i].loop);
    }
    if (server->workers != NULL) {
        claims_finish(&server->claims);
        login_limits_finish(&server->login_limits);
        gate_finish(&server->gate);
    }
    mem_free(server->workers);
    conf_destroy(take_ptr(server->conf));
    server->registry = NULL;
    server->users = NULL;
    server->crowd = NULL;
    server->workers = NULL;
    server->worker_count = 0;
}

/* ---- threads ---- */

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

static void run_worker(void *arg)
{
    struct worker *worker = arg;
    int r = loop_run(worker->loop);

    if (r != 0) {
        log_line(LEVEL_ERROR, "loop %u has ended: %s", loop_number(worker->loop), strerror(-r));
    }
    sweep_finish(worker->loop);
}

/* What cannot be made ahead will be made when it is wanted, or its failure told then. */
static void prefill(void *arg)
{
    registry_await_prefill(((struct server *)arg)->registry);
}

static void start_prefill(struct worker *worker, void *arg)
{
    (void)arg;
    if (task_spawn(worker->loop, "prefill", prefill, worker->server, NULL) != 0) {
        log_line(LEVEL_WARNING, "no memory to make sessions ahead");
    }
}

int server_start_workers(struct server *server, struct failure *ret_failure)
{
    int r = 0;

    for (size_t i = 1; i < server->worker_count && r == 0; i++) {
        struct worker *worker = &server->workers[i];
        char name[16];

        snprintf(name, sizeof(name), "pondd-%u", (unsigned)(uint16_t)i);
        r = thread_start(name, run_worker, worker, &worker->thread);
    }
    server->runs = r == 0;
    if (server->runs) {
        server_each_worker(server, start_prefill, NULL);
    }
    return r == -EAGAIN ? failure_set_no_thread(ret_failure) : r;
}

struct telling {
    struct server *server;
    enum server_news news;
    const char *database;
};

static void tell(void *arg)
{
    const struct telling *t = arg;

    t->server->told(t->server, t->news, t->database);
}

void server_await_telling(struct server *server, enum server_news news, const char *database)
{
    struct telling telling = { .server = server, .news = news, .database = database };

    if (server->told != NULL) {
        await_call(server_main(server)->loop, tell, &telling);
    }
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
    sweep_finish(server_main(server)->loop);
}

/* ---- clients ---- */

size_t server_connections(const struct server *server)
{
    return atomic_load(&server->client_count) + atomic_load(&server->refused_count);
}

size_t server_load(const struct server *server)
{
    size_t load = 0;

    for (size_t i = 0; i < server->worker_count; i++) {
        load += atomic_load_explicit(&server->workers[i].load, memory_order_relaxed);
    }
    return load;
}

/* A client on its way to another worker. */
struct arrival {
    struct loop_message message;
    struct worker *worker;
    int fd;
    struct address from;
};

void server_log_untaken(int error)
{
    const struct log_about about = { .of_client = true };

    log_about(LEVEL_ERROR, &about, "a client could not be taken: %s", strerror(error));
}

static void start_client(struct worker *worker, int fd, const struct address *from)
{
    int r = connection_start(worker, fd, from);

    if (r != 0) {
        server_log_untaken(-r);
    }
}

static void client_arrives(struct loop *loop, struct loop_message *message)
{
    cleanup(mem_freep) struct arrival *arrival = container_of(message, struct arrival, message);

    (void)loop;
    start_client(arrival->worker, arrival->fd, &arrival->from);
    atomic_fetch_sub_explicit(&arrival->worker->load, 1, memory_order_relaxed);
}

static int send_client(struct worker *worker, int fd, const struct address *from)
{
    struct arrival *arrival = mem_alloc(sizeof(*arrival));

    if (arrival == NULL) {
        close(fd);
        return -ENOMEM;
    }
    *arrival = (struct arrival){
        .message.run = client_arrives, .worker = worker, .fd = fd, .from = *from
    };
    atomic_fetch_add_explicit(&worker->load, 1, memory_order_relaxed);
    loop_send(worker->loop, &arrival->message);
    return 0;
}

struct worker *server_here(const struct server *server)
{
    return &server->workers[loop_number(loop_current())];
}

struct worker *server_least_loaded(const struct server *server)
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

int server_take_client(struct server *server, int fd, const struct address *from)
{
    struct worker *worker = server_least_loaded(server);

    return worker == server_main(server) ? connection_start(worker, fd, from)
                                         : send_client(worker, fd, from);
}

struct worker *server_worker_of_pid(const struct server *server, int32_t pid)
{
    return pid < 1 ? NULL : &server->workers[(size_t)(pid - 1) % server->worker_count];
}
