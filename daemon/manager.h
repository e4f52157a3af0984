/* daemon/manager.h: what the service manager (systemd) is told: that the daemon is ready, reloads
 * or stops, how it fares, and that it lives. https://systemd.io/, sd_notify(3)
 *
 * It lives as long as each of its loops turns (heartbeat.h): only then is the watchdog told so, and
 * one that is told nothing kills and restarts the daemon. Without a manager ($NOTIFY_SOCKET) the
 * log alone hears of a loop that hangs. One that does not read is not waited for. Main thread. */
#pragma once

#include "daemon/heartbeat.h"
#include "daemon/manager_socket.h"
#include "daemon/reclaim.h"

struct event;
struct server;

enum manager_phase { MANAGER_STARTS, MANAGER_SERVES, MANAGER_STOPS };

struct manager {
    struct server *server;
    struct manager_socket socket;
    char unsaid[128];    /* what it is to know and had no room for: tried again at each pulse */
    struct event *pulse; /* every pulse_us, or more often */
    int64_t pulse_us;
    int64_t watchdog_us; /* 0: nobody watches */
    enum manager_phase phase;
    struct heartbeat heartbeat;
    struct reclaim reclaim;
    bool silence_told; /* the log knows that a loop hangs */
    bool status_runs;  /* the task that gathers the numbers */
    bool reloads;
    char status[256]; /* the last one told */
};

/* Before the loops run. 0 or -errno; a zeroed one may be closed. */
must_check int manager_open(struct manager *manager, struct server *server);
void manager_close(struct manager *manager);

/* A database is being loaded, which may take its time: the time-out of the start, or of the reload,
 * is moved on as long as the main loop turns. */
void manager_loads(struct manager *manager, const char *database);

/* All loops run, all templates are loaded, a query was answered. */
void manager_is_ready(struct manager *manager);

/* The configuration is being read again, until manager_reloaded(), whether it was taken or not. The
 * time-out is moved on here, too. */
void manager_reloads(struct manager *manager);
void manager_reloaded(struct manager *manager);

/* A reload that was wanted does not even begin. Who wanted it may have told the manager already
 * that it has, as pondd.service does. */
void manager_does_not_reload(struct manager *manager);

/* It does not go on: statements may take up to `grace_us` to end. Once is enough. */
void manager_stops(struct manager *manager, int64_t grace_us);
