/* daemon/service_stop.c: from the wish to stop to the end of the main loop.
 *
 * Stopping is a task: it closes the listeners, asks the connections to end, waits for them at most
 * shutdown_grace, and then cuts their statements short. A second wish cuts the grace. A patient
 * stop waits for all connections before it asks any; a second wish ends that, too. A start or a
 * reload that is told to end and hangs, in a disk or a pipe, is left behind by a second wish. */
#include "daemon/service_impl.h"

#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "daemon/connection.h"
#include "daemon/http.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/reload.h"

static const int64_t drain_step_us = 2000; /* how often the task looks whether all are gone */
static const int64_t patient_step_us = 50000;
/* statements that were told to stop have this long */
static const int64_t cut_timeout_us = 3000000;

/* False when some are still there at the deadline, or (with `hurry`) when another signal came. */
static bool await_connections(struct service *service, int64_t deadline_us, bool hurry)
{
    while (server_connections(&service->server) > 0) {
        int64_t now_us = loop_now_us(service_loop(service));
        if (now_us >= deadline_us || (hurry && service->stops != service->begun_at)) {
            return false;
        }
        if (await_until(now_us + drain_step_us) != 0) {
            return false;
        }
    }
    return true;
}

/* Until the last has left, or somebody wants the stop now. */
static void await_leaving(struct service *service)
{
    struct loop *loop = service_loop(service);

    log_line(LEVEL_LOG, "waiting for %zu connections to leave",
             server_connections(&service->server));
    while (server_connections(&service->server) > 0 && service->stops == service->begun_at &&
           await_until(loop_now_us(loop) + patient_step_us) == 0) {
    }
    service->begun_at = service->stops;
}

/* Behind the messages that bring it clients, so that none is forgotten. */
static void shut_down_worker(struct worker *worker, void *now)
{
    connections_shutdown(worker, *(const bool *)now);
}

static void shut_down_workers(const struct server *server, bool now)
{
    server_each_worker(server, shut_down_worker, &now);
}

/* What a helper thread hangs in only ends with the process. */
static void leave_behind(struct service *service, const char *what)
{
    log_line(LEVEL_ERROR, "%s does not end", what);
    service->hangs = true;
    service->exit_code = 1;
    loop_stop(service_loop(service));
}

/* It has been told to end. False: it does not, and another signal came. */
static bool await_reload(struct service *service)
{
    struct loop *loop = service_loop(service);
    int64_t end_us = loop_now_us(loop) + cut_timeout_us;

    while (reload_runs(&service->server)) {
        int64_t now_us = loop_now_us(loop);

        if (service->stops == service->begun_at) {
            end_us = now_us + cut_timeout_us;
        }
        if (now_us >= end_us || await_until(now_us + drain_step_us) != 0) {
            return false;
        }
    }
    return true;
}

static void stop_task(void *arg)
{
    struct service *service = arg;
    struct server *server = &service->server;
    const struct clock *clock = loop_clock(service_loop(service));

    listener_close(service->listener);
    service->listener = NULL;
    if (service->patient) {
        await_leaving(service);
        manager_stops(&service->manager, server_main(server)->conf->shutdown_grace_us);
    }
    log_line(LEVEL_LOG, "stopping: %zu connections", server_connections(server));
    shut_down_workers(server, false);
    if (!await_connections(
            service, clock_after_us(clock, server_main(server)->conf->shutdown_grace_us), true)) {
        shut_down_workers(server, true);
        if (!await_connections(service, clock_after_us(clock, cut_timeout_us), false)) {
            log_line(LEVEL_ERROR, "%zu connections did not end", server_connections(server));
            service->exit_code = 1;
        }
    }
    http_close(take_ptr(service->http));
    if (server_connections(server) > 0) {
        loop_stop(service_loop(service));
    } else if (await_reload(service)) {
        server_drain(server);
    } else {
        leave_behind(service, "a reload");
    }
}

void service_begin_stop(struct service *service)
{
    atomic_store(&service->server.draining, true);
    service->begun_at = service->stops;
    if (task_spawn(service_loop(service), "stop", stop_task, service, NULL) != 0) {
        service->exit_code = 1;
        loop_stop(service_loop(service));
    }
}

void service_want_stop(struct service *service)
{
    service->stops++;
    atomic_store(&service->stop, true);
    if (!service->patient) {
        manager_stops(&service->manager, server_main(&service->server)->conf->shutdown_grace_us);
    }
    if (service->stops == 1 && service->starting == NULL) {
        service_begin_stop(service);
    } else if (service->stops > 1 && service->starting != NULL) {
        leave_behind(service, "the start");
    }
}

bool service_shut_down(struct server *server, bool patiently)
{
    struct service *service = container_of(server, struct service, server);

    if (patiently && service->stops > 0) {
        return false;
    }
    service->patient = service->patient || patiently;
    service_want_stop(service);
    return true;
}
