/* tests/unit/async/support_respool.h: a pool of things on test_loop, and users of them.
 *
 * Everything that is done to a thing is logged: "+a" made, "?a" looked at before it is lent again,
 * "!a" reset, "-a" ended; the things are a, b, c ... in the order of their making. The end of the
 * pool is "." */
#pragma once

#include "support.h"

#include "async/respool.h"

struct thing {
    struct respool_item item;
    char name;
};

enum { NO_THING = 1 }; /* why none could be made */

/* What goes wrong or takes its time; a test sets these. */
extern struct thing_faults {
    int create; /* so many fail */
    int validate;
    int reset;
    bool slow; /* all take a turn of the loop; who is cancelled meanwhile has failed */
} faults;

extern size_t things_alive; /* and the most that there ever were */
extern size_t things_most;

extern struct gate thing_gate;
extern struct respool *pool; /* NULL once it has ended */

/* loop_setup() and a gate; a test makes its pool with pool_open(). */
int pool_setup(void **state);

/* Also sees to it that the pool has ended and no thing is left. */
int pool_teardown(void **state);

/* max_waiters is 2 unless it is said; ops, gate and loops are filled in. */
void pool_open(struct respool_options options);

/* Once; run_pool() does it when its host has not. */
void pool_close(void);

/* A user, in a task of his own: u(sed) when he has a lease, which he keeps until user_leaves();
 * else f(ull), t(imed out), c(ancelled), s(hut), n(o thing), m (no memory). */
struct user {
    int64_t patience_us; /* 0: for ever */
    int result;
    struct thing *thing;
    struct task *task;
};
void user_comes(struct user *user);
void user_leaves(struct user *user);

/* A lease for the running task, which must get one. */
struct thing *lease(void);
void leave(struct thing *thing);

/* Lets all others have their turn, or turns if they take some. */
void settle(void);

/* Later; all that falls due has then been done. */
void time_passes(int64_t us);

/* Runs the host, then closes the pool and waits for its end. */
void run_pool(task_fn *host);
