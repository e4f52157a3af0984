/* tests/unit/async/support_gate.h: guests at a gate, who log what became of them. */
#pragma once

#include "support.h"

#include "async/gate.h"

extern struct gate gate;
extern struct budget shop, store; /* databases */
extern struct budget ann, bob;    /* users */

int gate_setup(void **state);
int gate_teardown(void **state);

struct guest {
    const char *name; /* logged when he is let in; else f(ull), t(imed out), c(ancelled), s(hut) */
    struct budget *budgets[gate_budgets_max];
    bool never_waits;    /* else, when two others do */
    int64_t patience_us; /* 0: for ever */
    int result;
    struct permit permit;
    struct task *task;
};

/* Comes in the running task, logs what became of him, and leaves with the permit in his hand. */
void come(void *guest);

/* The same in a task of his own. */
void invite(struct guest *guest);

/* Lets all others have their turn. */
void pause_here(void);

/* Runs the host and those whom he invites; nobody may be inside or in the line at the end. */
void run_with(task_fn *host);
