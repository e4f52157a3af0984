/* What the tests of durable databases share: one on the disk of support_disk.h, in a loop of its
 * own, and sessions that commit pairs of rows there at the same time. */
#pragma once

#include "pool/durable.h"

#include "support_disk.h"
#include "support_session.h"

struct home {
    struct world world; /* its loop only */
    struct durable *durable;
    struct clone *clone;
    struct failure failure; /* of the opening */
    size_t memory;          /* that the clone may have; 0: no limit */
    _Atomic bool stop;      /* of the opening */
    bool stops_filled;      /* it comes when what a new file begins with is there */
};

/* That of the running test. */
extern struct home home;

/* A test's set-up and tear-down, which do no more than the other two. */
int home_setup(void **state);
int home_teardown(void **state);
void home_begin(void);
void home_end(void);

/* 0 or FAILED. The first time it is filled. */
int home_open(enum durable_sync sync);
/* Closes it, in a task, once no session is left. */
void home_close(void);

enum { committers = 4, commits_each = 5, pairs_most = committers * commits_each };

/* What became of the transactions. */
struct ledger {
    bool acknowledged[pairs_most];
    bool refused[pairs_most]; /* with an SQLSTATE that says that it was not committed */
};

/* In a task: all of them at once. `big` makes each pair some pages large. */
void commit_pairs(struct ledger *ledger, bool big);

/* What an ordinary connection finds in the file: it is whole, and each pair is there or not; those
 * that were acknowledged are; and, if `strict`, those that were refused are not. */
void check_pairs(const struct ledger *ledger, bool strict);
