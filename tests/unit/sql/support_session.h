/* tests/unit/sql/support_session.h: a session on an empty clone, and statements run on it in a
 * task. */
#pragma once

#include "base/failure.h"
#include "sql/sql.h"

struct test_session {
    const struct host_ops *ops;
    struct sql_session *sql;
    struct session *session;
    struct failure failure; /* of the last statement that failed */
    char rows[16384];       /* "a|b\nc|d\n", NULL as ~ */
    char tag[64];
    char types[1024]; /* "id:23 name:25" of the last plan */
    char params[256]; /* "23 25" */
};

/* Runs body(session) as a task on a loop of its own, with everything open; fails the test on errors
 * of set-up. */
void with_session(void (*body)(struct test_session *t));
/* A host that has nothing but a pid, a user and a database (both "tester"), and stands still. */
extern const struct host_ops test_host;
/* With another host, whose host pointer is the test_session. */
void with_host(const struct host_ops *ops, void (*body)(struct test_session *t));
/* The same on a second session of the same template as the running one's. */
struct test_session *second_session(struct test_session *t);
/* The same on the same clone. */
struct test_session *neighbour_session(struct test_session *t);
void second_session_close(struct test_session *second);

/* SQLite's own text, for schemas that do not depend on pond's DDL. */
void raw(struct test_session *t, const char *sqlite);
/* Runs all statements of the text as a simple query would. False: failed, see `failure`. */
bool run(struct test_session *t, const char *text);
/* Runs one that must succeed and gives its rows. */
const char *rows(struct test_session *t, const char *text);
/* Runs one that must fail and gives its SQLSTATE. */
const char *state(struct test_session *t, const char *text);
/* Plans only: the SQLite text, or NULL when it fails. */
const char *sqlite_text(struct test_session *t, const char *text);
