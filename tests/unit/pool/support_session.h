/* What the tests of sessions share: a loop with one task in which the test runs, a clone of a small
 * template, and statements in one line. */
#pragma once

#include "async/loop.h"
#include "async/task.h"
#include "pool/session.h"
#include "pool/txn.h"

#include "support_vfs.h"

/* The loop of the running test; made by setup_loop, checked and destroyed by teardown_loop. */
struct world {
    struct loop *loop;
    struct clock_manual clock;
    struct template *template_;
    struct clone *clone;
    struct session *session; /* on the clone */
};

/* cmocka set-up and tear-down of one test; *state is the world. The template is made by
 * `world_schema`. */
extern const char world_schema[];
int setup_world(void **state);
int teardown_world(void **state);

/* Runs the test's body in a task of the world's loop until all tasks are gone. */
void in_task(struct world *world, void (*body)(struct world *world));

/* A further task. */
void start(struct world *world, task_fn *fn, void *arg);

struct session *session_on(struct clone *clone, const struct session_options *options);

/* FAILED or 0, as session_execute() with the flags that the text calls for. */
int try(struct session *session, const char *sql, struct failure *ret_failure);
/* The same, and it must work / must fail with that SQLSTATE (and message, unless NULL). */
int64_t run(struct session *session, const char *sql);
void fails(struct session *session, const char *sql, const char *sqlstate, const char *message);

struct cursor *open_cursor(struct session *session, const char *sql);
/* The first cell of the cursor's next row as an integer; -1 at the end. */
int64_t next_int(struct cursor *cursor);
/* The first cell of the first row. */
int64_t query_int(struct session *session, const char *sql);

void begin(struct session *session, enum txn_isolation isolation);
void commit(struct session *session);
void rollback(struct session *session);
