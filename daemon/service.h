/* daemon/service.h: the daemon's life: loads the databases, listens, proves itself by a query, says
 * that it is ready, and on SIGTERM or SIGINT lets its clients finish and ends. */
#pragma once

#include "base/defs.h"

struct conf;

/* SIGHUP and SIGUSR1 wait from now on until it runs: they would end a process that still reads its
 * configuration. */
void service_hold_signals(void);

/* Runs until a signal. `ready_fd` gets the address lines and is closed; -1: none. Gives the
 * process's exit code: 0 after a clean stop, 1 when it could not start or clients had to be left
 * behind. conf stays the caller's. */
int service_run(struct conf *conf, int ready_fd);
