/* client/cli/job.h: one program with a clone of its own, from the clone's begin to its end. */
#pragma once

#include "client/cli/child.h"
#include "client/cli/clone.h"

struct task;

struct job_options {
    struct cli *cli;
    const char *database;
    const char *name; /* of the clone; NULL: a random one */
    char *const *argv;
    const sigset_t *mask; /* the program's */
    int fd[3];            /* as child_options has it */
    bool own_group;
    bool outlives_news; /* SIGUSR1 or SIGUSR2 before the program is started does not stop it */
    bool keep_on_failure;
};

enum job_end {
    JOB_RAN, /* code is what the program said, or 126 or 127, with a message, when there is none */
    JOB_FAILED,  /* no clone, or no process: error or message tell why */
    JOB_LOST,    /* the server went away, and the program had to go: as above */
    JOB_STOPPED, /* by a signal, before the program was started */
};

/* Filled by job_run(). */
struct job {
    const struct job_options *options;
    struct child child;
    struct task *preparing; /* the task that has not started the program yet */
    enum job_end end;
    int code;
    struct pond_error error; /* kind 0: see message */
    char message[512];
    char kept[1024]; /* how to get at the clone that was kept; empty: it was not */
};

/* In a task. Always gives 0: how it went is in the job. */
int job_run(struct job *job);

/* Passes a signal on to the program; one that is not started yet never will be, unless it
 * outlives_news. From another task
 * of the same loop. */
void job_signal(struct job *job, int number);
