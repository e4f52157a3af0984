/* client/cli/child.h: a program that pond starts and watches.
 *
 * It gets SIGTERM when pond ends before it, however pond ends: by PR_SET_PDEATHSIG, which is about
 * the thread that started it, so that must be the main one. The kernel takes it back from a program
 * that gets other rights by its exec (set-user-ID). */
#pragma once

#include "base/defs.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Zero bytes are none. */
struct child {
    pid_t pid; /* 0: none; until child_reap() it is nobody else's */
    int pidfd; /* readable once it has ended */
    bool own_group;
};

struct child_options {
    char *const *argv;    /* argv[0] is looked up in PATH */
    char *const *envp;    /* NULL: pond's own */
    const sigset_t *mask; /* its signal mask; NULL: pond's own */
    bool own_group;       /* a process group of its own, which signals go to */
    int fd[3];            /* what its descriptors 0, 1 and 2 are: 0, 1, 2 for pond's own */
};

/* What shells answer when there is no program to run. */
enum { CHILD_NOT_EXECUTABLE = 126, CHILD_NOT_FOUND = 127 };

/* Returns when the program runs. 0, one of the two (and errno says why), or -errno. */
must_check int child_start(const struct child_options *options, struct child *ret_child);

/* To it, or to all of its group. Nothing when there is none. */
void child_signal(const struct child *child, int number);

/* After pidfd has become readable: frees it; its exit code, or 128 and the signal that killed it.
 */
must_check int child_reap(struct child *child);

/* That it has ended is not known yet: kills it, waits and frees. Fine when there is none. */
void child_kill(struct child *child);
