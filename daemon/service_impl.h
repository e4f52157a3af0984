/* daemon/service_impl.h: what service.c, the start, shares with service_stop.c, the end, and with
 * service_reload.c between them. Main thread. */
#pragma once

#include "daemon/manager.h"
#include "daemon/server.h"

struct event;
struct http;
struct listener;
struct task;

struct service {
    struct server server;
    struct manager manager;
    struct listener *listener;
    struct http *http; /* NULL: http_listen is empty */
    int signal_fd;     /* the signals that it waits for are read from it */
    struct event *signals;
    struct task *starting; /* NULL once started */
    _Atomic bool stop;     /* it is to stop; seeds look at it */
    unsigned stops;        /* wishes so far */
    unsigned begun_at;     /* those when the stop began: one more cuts the grace */
    bool patient;          /* the stop waits until all clients have left */
    bool hangs;            /* something does not end: nothing may be freed */
    bool reload_wanted;    /* since the last one began */
    bool reloads;          /* for a signal */
    int ready_fd;
    int exit_code;
};

static inline struct loop *service_loop(const struct service *service)
{
    return server_main(&service->server)->loop;
}

/* ---- service_reload.c ---- */

void service_want_reload(struct service *service);
/* What was wanted during the start. */
void service_reload_if_wanted(struct service *service);

/* A server's told: reloads by signal and by the console. */
void service_told(struct server *server, enum server_news news, const char *database);

/* ---- service_stop.c ---- */

/* It shall stop. While the start is under way it sees that itself, at its next step, and a second
 * wish ends the process at once; when the stop is, nobody is waited for any longer. */
void service_want_stop(struct service *service);

/* A server's shut_down. */
bool service_shut_down(struct server *server, bool patiently);

/* Once. */
void service_begin_stop(struct service *service);
