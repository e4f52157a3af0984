/* daemon/service.c: from configuration to ready.
 *
 * Starting is a task: each database is loaded on a helper thread, then the listeners open, then
 * each database is asked a query, and then clients are let in. Those who waited in the sockets
 * while the daemon was away would take the places that the queries need: a small pool's, or all. */
#include "daemon/service.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/fd.h"
#include "daemon/activation.h"
#include "daemon/descriptors.h"
#include "daemon/durables.h"
#include "daemon/http.h"
#include "daemon/listener.h"
#include "daemon/load.h"
#include "daemon/log.h"
#include "daemon/probe.h"
#include "daemon/reclaim.h"
#include "daemon/service_impl.h"
#include "daemon/stats.h"
#include "daemon/tls_context.h"
#include "pool/registry.h"
#include "pool/sqlite_setup.h"
#include "pool/tempfile.h"
#include "pool/template.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int64_t probe_timeout_us = 10000000;
static const int signal_numbers[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };

/* ---- start: databases ---- */

static int load_and_add(struct service *service, const struct conf_database *conf,
                        struct failure *ret_failure)
{
    struct server *server = &service->server;
    struct loaded loaded;
    int r = load_database(server, conf, &service->stop, &loaded, ret_failure);

    if (r == 0) {
        const struct database_options options = load_options(server, conf, &loaded);

        r = registry_add(server->registry, &options);
        if (r == 0) {
            loaded.durable = NULL; /* it has it now */
        }
        loaded_finish(&loaded);
    }
    return r;
}

static int load_databases(struct service *service, struct failure *ret_failure)
{
    const struct conf *conf = service->server.boot_conf;
    int r = 0;

    for (size_t i = 0; i < conf->database_count && r == 0; i++) {
        r = service->stops > 0 ? -ECANCELED
                               : load_and_add(service, &conf->databases[i], ret_failure);
    }
    return r;
}

/* A folder that takes no temporary files is no reason not to start: few cursors need one. */
static void try_temp_dir(const struct conf *conf)
{
    struct tempfile_room room = { .dir = conf->temp_dir, .limit = 1 };
    struct tempfile *file = NULL;
    struct failure failure;
    int r = tempfile_create(&room, &file);

    if (r != 0) {
        (void)tempfile_fail(&room, r, &failure);
        log_failure(LEVEL_WARNING, "temp_dir", &failure);
    }
    tempfile_destroy(file);
}

/* ---- start: listening, proving, saying so ---- */

static void client_accepted(void *owner, int fd, const struct address *from)
{
    struct service *service = owner;
    int r = server_take_client(&service->server, fd, from);

    if (r != 0) {
        server_log_untaken(-r);
    }
}

/* More clients would take the descriptors that those who are in have need of. */
static bool has_room(void *owner)
{
    const struct service *service = owner;

    return server_load(&service->server) < descriptors_room(service->server.worker_count);
}

static int open_listener(struct service *service, struct failure *ret_failure)
{
    const struct conf *conf = service->server.boot_conf;
    struct activation given;
    struct listener_options options = { .addresses = conf->listen_addr,
                                        .port = (uint16_t)conf->listen_port,
                                        .unix_socket_dir = conf->unix_socket_dir,
                                        .given = &given,
                                        .accepted = client_accepted,
                                        .has_room = has_room,
                                        .owner = service };

    int r = activation_take(&given, ret_failure);
    if (r != 0) {
        return r;
    }
    return listener_open(service_loop(service), &options, &service->listener, ret_failure);
}

/* Before all else: it tells that the daemon is not ready yet. */
static int open_http(struct service *service, struct failure *ret_failure)
{
    const char *at = service->server.boot_conf->http_listen;
    int r = *at == '\0' ? 0 : http_open(&service->server, at, &service->http, ret_failure);

    if (service->http != NULL) {
        log_line(LEVEL_LOG, "listening: http://%s/", http_address(service->http));
    }
    return r;
}

static int probe_databases(struct service *service, struct failure *ret_failure)
{
    struct server *server = &service->server;
    int r = 0;

    size_t count = server->boot_conf->database_count - server->boot_conf->builtin_count;

    for (size_t i = 0; i < count && r == 0; i++) {
        int64_t deadline_us = clock_after_us(loop_clock(service_loop(service)), probe_timeout_us);
        r = service->stops > 0 ? -ECANCELED
                               : probe_database(server, server->boot_conf->databases[i].name,
                                                deadline_us, ret_failure);
    }
    return r;
}

/* Hands the addresses to whoever started us and waits for them. */
static int tell_starter(struct service *service, struct view text)
{
    while (service->ready_fd >= 0 && text.len > 0) {
        ssize_t n = write(service->ready_fd, text.data, text.len);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        view_advance(&text, n > 0 ? (size_t)n : 0);
    }
    if (service->ready_fd >= 0) {
        close(fd_take(&service->ready_fd));
    }
    return 0;
}

static void log_addresses(struct view text)
{
    while (text.len > 0) {
        size_t len = (size_t)((const uint8_t *)memchr(text.data, '\n', text.len) - text.data);

        log_line(LEVEL_LOG, "listening: %.*s", (int)len, (const char *)text.data);
        view_advance(&text, len + 1);
    }
}

static int say_ready(struct service *service)
{
    cleanup(buf_finish) struct buf text = { 0 };
    int r = listener_describe(service->listener, &text);

    if (r == 0) {
        r = listener_accept(service->listener);
    }
    if (r == 0) {
        service->server.ready = true;
        log_addresses(buf_view(&text));
        log_line(LEVEL_LOG, "pondd %s is ready", POND_VERSION);
        manager_is_ready(&service->manager);
        r = tell_starter(service, buf_view(&text)); /* last: what it says stands below the log */
    }
    return r;
}

/* Certificates come first: a mistake there shall not be told behind long seeds. */
static int start_workers(struct service *service, struct failure *ret_failure)
{
    struct tls_context *tls = NULL;
    int r = tls_context_await_load(service->server.boot_conf, &tls, ret_failure);

    if (r == 0) {
        r = load_databases(service, ret_failure);
    }
    if (r == 0) {
        r = server_start_workers(&service->server, ret_failure);
    }
    if (r != 0) {
        tls_context_unref(tls);
        return r;
    }
    tls_context_use(&service->server, tls);
    return 0;
}

static int start(struct service *service, struct failure *ret_failure)
{
    try_temp_dir(service->server.boot_conf);

    int r = open_http(service, ret_failure);
    if (r == 0) {
        r = start_workers(service, ret_failure);
    }
    if (r == 0) {
        r = durables_start(&service->server);
    }
    if (r == 0) {
        r = open_listener(service, ret_failure);
    }
    if (r == 0) {
        r = probe_databases(service, ret_failure);
    }
    return r == 0 ? say_ready(service) : r;
}

/* ---- from signal to stop, from start to ready ---- */

static void signal_came(struct service *service, int number)
{
    if (number == SIGUSR1) {
        if (!atomic_load(&service->server.draining)) {
            stats_log(&service->server);
        }
        return;
    }
    log_line(LEVEL_LOG, "%s", strsignal(number));
    if (number == SIGHUP) {
        service_want_reload(service);
    } else {
        service_want_stop(service);
    }
}

static void signals_came(evutil_socket_t fd, short what, void *arg)
{
    struct signalfd_siginfo came;

    (void)what;
    while (read(fd, &came, sizeof(came)) == (ssize_t)sizeof(came)) {
        signal_came(arg, (int)came.ssi_signo);
    }
}

static void start_task(void *arg)
{
    struct service *service = arg;
    struct failure failure = { 0 };

    log_line(LEVEL_LOG, "pondd %s starts with %s", POND_VERSION, service->server.boot_conf->path);
    int r = start(service, &failure);

    service->starting = NULL;
    if (r != 0 && service->stops == 0) {
        if (r != FAILED) {
            failure_set(&failure, "58000", "%s", strerror(-r));
        }
        log_failure(LEVEL_FATAL, "cannot start", &failure);
        service->exit_code = 1;
    }
    if (r != 0 || service->stops > 0) {
        service_begin_stop(service);
    } else {
        service_reload_if_wanted(service);
    }
}

/* ---- life ---- */

/* All threads are to be begun with them held: they are read from a descriptor, so that none of them
 * interrupts a task, whatever it does. */
static void hold(const int *numbers, size_t count, sigset_t *ret_held)
{
    sigemptyset(ret_held);
    for (size_t i = 0; i < count; i++) {
        sigaddset(ret_held, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, ret_held, NULL);
}

/* Those that would end who does not listen yet. */
void service_hold_signals(void)
{
    static const int early[] = { SIGHUP, SIGUSR1 };
    sigset_t held;

    hold(early, ARRAY_LEN(early), &held);
}

static int open_signals(struct service *service, const sigset_t *held)
{
    struct event_base *base = loop_base(service_loop(service));

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a temporary file at the process's limit is an error of its write */
    for (size_t i = 0; i < ARRAY_LEN(signal_numbers); i++) {
        signal(signal_numbers[i], SIG_DFL); /* who began us may have ignored it */
    }
    service->signal_fd = signalfd(-1, held, SFD_NONBLOCK | SFD_CLOEXEC);
    if (service->signal_fd < 0) {
        return -errno;
    }
    service->signals =
        event_new(base, service->signal_fd, EV_READ | EV_PERSIST, signals_came, service);
    return service->signals == NULL || event_add(service->signals, NULL) != 0 ? -ENOMEM : 0;
}

static int service_init(struct service *service, struct conf *conf, int ready_fd)
{
    sigset_t held;

    service->ready_fd = ready_fd;
    hold(signal_numbers, ARRAY_LEN(signal_numbers), &held);
    log_set_limit((uint64_t)conf->log_limit);
    reclaim_init();
    if (sqlite_setup() != 0) {
        return -ENOTSUP;
    }
    int r = server_open(&service->server, conf);
    service->server.shut_down = service_shut_down;
    service->server.told = service_told;
    if (r == 0) {
        (void)descriptors_raise(conf->max_client_conn, service->server.worker_count);
    }
    if (r == 0) {
        r = manager_open(&service->manager, &service->server);
    }
    return r == 0 ? open_signals(service, &held) : r;
}

static void service_finish(struct service *service)
{
    listener_close(service->listener);
    if (service->signals != NULL) {
        event_free(service->signals);
    }
    if (service->signal_fd >= 0) {
        close(service->signal_fd);
    }
    manager_close(&service->manager);
    server_close(&service->server);
    if (service->ready_fd >= 0) {
        close(service->ready_fd);
    }
}

int service_run(struct conf *conf, int ready_fd)
{
    struct service service = { .signal_fd = -1, .ready_fd = -1 };
    int r = service_init(&service, conf, ready_fd);

    if (r == 0) {
        r = task_spawn(service_loop(&service), "start", start_task, &service, &service.starting);
    }
    if (r == 0) {
        r = loop_run(service_loop(&service));
    }
    if (r != 0) {
        log_line(LEVEL_FATAL, "%s", strerror(-r));
        service.exit_code = 1;
    }
    log_tell_left_out(true);
    if (service.hangs || server_connections(&service.server) > 0) {
        /* tasks still stand on their stacks: nothing may be freed */
        _exit(service.exit_code);
    }
    server_stop_workers(&service.server);
    service_finish(&service);
    return service.exit_code;
}
