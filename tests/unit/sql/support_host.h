/* tests/unit/sql/support_host.h: a host with databases and backends, which gives up the turn in
 * each call that may. */
#pragma once

#include "tests/unit/sql/support_session.h"

struct fake_database {
    char name[64];
    char owner[64];
    struct database_row row;
};

struct fake_host {
    struct host_ops ops;
    struct fake_database databases[8];
    size_t count;
    struct backend_row backends[4];
    size_t backend_count;
    char log[1024];       /* what it was asked to do: "create a from shop; " */
    char notices[2048];   /* "NOTICE 00000 text; " */
    const char *sqlstate; /* not NULL: every call fails with that */
};

/* Anew: the databases shop (a template of pond's own), tester and mine; the backends 4711 (who
 * asks), 4712 and 4713. */
void fake_host_init(void);
extern struct fake_host fake;

/* What it was asked for since the last time. */
const char *fake_log(void);
const char *fake_notices(void);
/* Runs the body with it. */
void with_fake_host(void (*body)(struct test_session *t));
