/* daemon/manager.c: a timer of the main loop, the pulse, does all that is to be done again and
 * again. */
#include "daemon/manager.h"

#include "async/task.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/stats.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

static const int64_t pulse_most_us = 5000000;
static const int64_t watchdog_pulses = 4;         /* so that one may come late */
static const int64_t load_pulse_most_us = 250000; /* nobody tells how long a time-out is */
static const int64_t load_extension_us = 30000000;
static const int64_t stop_extension_us = 15000000; /* on top of the grace */

/* ---- notes ---- */

/* It is ready, reloads, stops: the last of these has to arrive. */
static void say(struct manager *manager, const char *note)
{
    if (manager_socket_send(&manager->socket, note) == 0) {
        manager->unsaid[0] = '\0';
    } else if (note != manager->unsaid) {
        snprintf(manager->unsaid, sizeof(manager->unsaid), "%s", note);
    }
}

/* What is old soon. */
static int mention(const struct manager *manager, const char *key, const char *value)
{
    char note[sizeof(manager->status) + 32];

    snprintf(note, sizeof(note), "%s=%s", key, value);
    return manager_socket_send(&manager->socket, note);
}

static void ask_for(const struct manager *manager, int64_t us)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRId64, us);
    (void)!mention(manager, "EXTEND_TIMEOUT_USEC", digits);
}

/* ---- status ---- */

/* Says it when it says something new. */
static void tell_status(struct manager *manager, const char *status)
{
    if (strcmp(manager->status, status) != 0 && mention(manager, "STATUS", status) == 0) {
        snprintf(manager->status, sizeof(manager->status), "%s", status);
    }
}

/* In a task: the numbers of the other loops are asked for. */
static void status_task(void *arg)
{
    struct manager *manager = arg;
    cleanup(buf_finish) struct buf text = { 0 };

    if (stats_status(manager->server, &text) == 0 && buf_append_byte(&text, '\0') == 0 &&
        manager->phase == MANAGER_SERVES && !manager->reloads) {
        tell_status(manager, (const char *)text.data);
    }
    manager->status_runs = false;
}

/* One at a time: a loop that hangs holds it up. */
static void begin_status(struct manager *manager)
{
    if (!manager->status_runs && !atomic_load(&manager->server->draining)) {
        manager->status_runs = true;
        if (task_spawn(server_main(manager->server)->loop, "status", status_task, manager, NULL) !=
            0) {
            manager->status_runs = false;
        }
    }
}

/* ---- the pulse ---- */

static bool all_hearts_beat(struct manager *manager)
{
    unsigned silent;
    int64_t silent_us;
    int64_t now_us = loop_now_us(server_main(manager->server)->loop);

    if (heartbeat_ask(&manager->heartbeat, now_us, &silent, &silent_us)) {
        if (manager->silence_told) {
            log_line(LEVEL_WARNING, "all loops turn again");
        }
        manager->silence_told = false;
        return true;
    }
    if (!manager->silence_told && silent_us >= manager->pulse_us / 2) {
        log_line(LEVEL_WARNING, "loop %u has not turned for %.1f s", silent,
                 (double)silent_us / 1e6);
        manager->silence_told = true;
    }
    return false;
}

/* Not while it stops: a reload that hangs then would put off for ever that it is killed. */
static bool loads(const struct manager *manager)
{
    return manager->phase == MANAGER_STARTS ||
           (manager->phase == MANAGER_SERVES && manager->reloads);
}

/* Seeds are loaded at the start and by a reload, and both have a time-out. Moving it on moves the
 * watchdog on, too: never while a loop hangs. */
static void tell_life(const struct manager *manager)
{
    if (manager->watchdog_us > 0) {
        (void)!mention(manager, "WATCHDOG", "1");
    }
    if (loads(manager)) {
        ask_for(manager, load_extension_us);
    }
}

static void tell_life_if_all_live(struct manager *manager)
{
    if (all_hearts_beat(manager)) {
        tell_life(manager);
    }
}

static void pulse_came(evutil_socket_t fd, short what, void *arg)
{
    struct manager *manager = arg;

    (void)fd, (void)what;
    log_tell_left_out(false);
    if (manager->unsaid[0] != '\0') {
        say(manager, manager->unsaid);
    }
    tell_life_if_all_live(manager);
    if (manager->phase == MANAGER_SERVES) {
        begin_status(manager);
        reclaim_look(&manager->reclaim);
    }
}

static int64_t choose_pulse_us(int64_t watchdog_us)
{
    int64_t wanted_us = watchdog_us / watchdog_pulses;

    return wanted_us > 0 && wanted_us < pulse_most_us ? wanted_us : pulse_most_us;
}

/* It goes faster while seeds are loaded. */
static int set_pulse(struct manager *manager)
{
    int64_t us = manager->pulse_us;

    if (loads(manager) && us > load_pulse_most_us) {
        us = load_pulse_most_us;
    }
    const struct timeval every = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
    return event_add(manager->pulse, &every);
}

/* ---- life ---- */

int manager_open(struct manager *manager, struct server *server)
{
    uint64_t watchdog_us = 0;

    manager->server = server;
    int r = manager_socket_open(&manager->socket);
    if (r != 0) {
        return r;
    }
    if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
        manager->watchdog_us = (int64_t)watchdog_us;
    }
    manager->pulse_us = choose_pulse_us(manager->watchdog_us);
    manager->pulse =
        event_new(loop_base(server_main(server)->loop), -1, EV_PERSIST, pulse_came, manager);
    if (manager->pulse == NULL || set_pulse(manager) != 0) {
        return -ENOMEM;
    }
    tell_life_if_all_live(manager);
    return 0;
}

void manager_close(struct manager *manager)
{
    if (manager->pulse != NULL) {
        event_free(take_ptr(manager->pulse));
    }
    manager_socket_close(&manager->socket);
}

void manager_loads(struct manager *manager, const char *database)
{
    char status[sizeof(manager->status)];

    snprintf(status, sizeof(status), "%sloading database %.200s",
             manager->reloads ? "reloading: " : "", database);
    if (manager->phase != MANAGER_STOPS) { /* nothing is said after STOPPING=1 */
        tell_status(manager, status);
    }
}

void manager_is_ready(struct manager *manager)
{
    heartbeat_init(&manager->heartbeat, manager->server->loops, manager->server->worker_count);
    if (manager->phase == MANAGER_STARTS) {
        manager->phase = MANAGER_SERVES;
        (void)set_pulse(manager);
        say(manager, "READY=1");
        begin_status(manager);
    }
}

/* The clock is for managers that want to know which reload this is the begin of. */
void manager_reloads(struct manager *manager)
{
    char note[sizeof(manager->unsaid)];

    manager->reloads = true;
    (void)set_pulse(manager);
    snprintf(note, sizeof(note), "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=reloading",
             clock_now_us(&clock_system));
    say(manager, note);
    tell_life_if_all_live(manager);
}

void manager_reloaded(struct manager *manager)
{
    manager->reloads = false;
    (void)set_pulse(manager);
    manager->status[0] = '\0';              /* the manager has another one */
    if (manager->phase == MANAGER_SERVES) { /* nothing is said after STOPPING=1 */
        say(manager, "READY=1");
        begin_status(manager);
    }
}

void manager_does_not_reload(struct manager *manager)
{
    if (manager->phase == MANAGER_SERVES && !manager->reloads) {
        say(manager, "READY=1");
    }
}

void manager_stops(struct manager *manager, int64_t grace_us)
{
    char note[sizeof(manager->unsaid)];

    if (manager->phase == MANAGER_STOPS) {
        return;
    }
    if (manager->phase == MANAGER_SERVES) {
        say(manager, "READY=1"); /* the end of a reload, before which a stop is not looked at */
    }
    manager->phase = MANAGER_STOPS;
    snprintf(note, sizeof(note), "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=%" PRId64,
             grace_us + stop_extension_us);
    say(manager, note);
}
