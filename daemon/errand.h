/* daemon/errand.h: one thing to be done with a named clone, on its own loop, by a call from
 * wherever it was asked for. For database*.c. */
#pragma once

#include "base/failure.h"

struct database;
struct named;
struct server;
struct session;
struct template;

struct errand {
    struct server *server;
    const char *name;
    uint32_t oid; /* of the one that is meant; 0: whichever has the name */
    int (*run)(struct errand *errand, struct named *named); /* does not await */
    const void *arg;
    const char *user; /* who wants it; NULL: the daemon itself */
    struct failure *failure;
    int result;
    struct template *template_; /* what came of it */
    struct database *database;
};

/* An answer of `run`: others use it, but not for long. */
enum { ERRAND_WAITS = 32 };

/* Runs it. What `run` says, or FAILED with 3D000 when there is no such clone. */
must_check int errand_await(struct errand *errand);

/* The same, from the clone's own loop, if it lives there; does not await. */
void errand_run(struct errand *errand);

/* For `run`: 0; FAILED with 55006 while others use the clone, or ERRAND_WAITS when all of them were
 * told to go or have hung up. */
must_check int errand_want_unused(struct errand *errand, const struct named *named);

/* Runs it again until it does not wait any more, or for some seconds: for who terminates others, or
 * closes his connections, and right then drops the database. The session's statement waits. */
must_check int errand_await_unused(struct session *session, struct errand *errand);

/* 3D000 and 42P04. FAILED. */
int errand_fail_unknown(const char *what, const char *name, struct failure *ret_failure);
int errand_fail_taken(const char *name, struct failure *ret_failure);
