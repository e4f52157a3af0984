/* daemon/census.h: who waits for a session, whose statements run, and which took long, at one
 * moment: the few that waited or ran the longest, for the status page. */
#pragma once

#include "daemon/slow.h"

#include <stdbool.h>

struct server;

enum { census_most = 20 };

enum census_why {
    CENSUS_RUNS,
    CENSUS_LOCK,   /* it waits for one */
    CENSUS_CLIENT, /* it waits until its client reads */
};

struct census_row {
    struct slow what; /* took_us: so far */
    enum census_why why;
};

/* The longest first. */
struct census_list {
    struct census_row rows[census_most];
    size_t count;
    size_t total; /* with those that are not among the rows */
};

struct census {
    struct census_list waiting; /* for a session; without text */
    struct census_list running;
    struct slow slow[slow_kept]; /* that have ended: the last first */
    size_t slow_count;
};

/* Awaits. It is big: not for a stack. */
void census_take(const struct server *server, struct census *ret_census);
