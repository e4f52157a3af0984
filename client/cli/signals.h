/* client/cli/signals.h: the signals that are meant for the program that pond runs.
 *
 * While they are taken they do nothing to pond itself; whoever awaits them passes them on. Those
 * that pond was started to ignore stay ignored. Once in a process. */
#pragma once

#include "base/defs.h"

#include <signal.h>
#include <stdbool.h>

struct signals {
    int fd;          /* -1: not taken */
    sigset_t before; /* the mask for children */
};

/* 0 or -errno. */
must_check int signals_take(struct signals *signals);
/* As it was before. */
void signals_give_back(struct signals *signals);

struct signals_came {
    int number;
    bool by_terminal; /* all of its foreground group got it, not pond alone */
};
/* False: none has come. */
bool signals_read(const struct signals *signals, struct signals_came *ret_came);
/* The next one, in a task: 0, or what await_readable() says. */
must_check int signals_await(const struct signals *signals, struct signals_came *ret_came);

/* SIGUSR1 and SIGUSR2 tell something to one who goes on; the others are to end. */
bool signals_is_news(int number);
/* One has come that was not awaited yet. */
bool signals_pending(bool with_news);
