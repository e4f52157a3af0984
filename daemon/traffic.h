/* daemon/traffic.h: how much goes on, for each database of the configuration and for the console:
 * what PgBouncer's SHOW STATS counts.
 *
 * A query is what ends with a ReadyForQuery, a transaction what ends with one outside of a
 * transaction, as for PgBouncer. A connection counts for itself; at its end that is added to its
 * worker's sums, so that nothing is shared between loops. Worker's thread. */
#pragma once

#include "base/defs.h"

struct connection;
struct server;
struct worker;

struct traffic {
    uint64_t transactions;
    uint64_t queries;
    uint64_t received; /* bytes */
    uint64_t sent;
    uint64_t transaction_us;
    uint64_t query_us;
    uint64_t wait_us; /* until a session was there */
};

/* Embedded in a connection; zero bytes are one that counts for nobody. */
struct traffic_meter {
    struct traffic *total; /* that it is added to; NULL: none */
    struct traffic sum;    /* but for the bytes */
    int64_t query_start_us;
    int64_t transaction_start_us; /* 0: in none */
};

/* The sums of a worker, one for each database of the configuration and the last for the console. 0
 * or -ENOMEM. */
must_check int traffic_open(struct worker *worker);
void traffic_close(struct worker *worker);

/* How many sums there are. */
size_t traffic_count(const struct server *server);

/* The client is in, after that many microseconds. */
void traffic_enter(struct connection *conn, int64_t wait_us);
void traffic_leave(struct connection *conn);
void traffic_query_begins(struct connection *conn);
void traffic_query_ends(struct connection *conn);

/* Adds what a worker's connections did, those that are gone too, to traffic_count() sums. */
void traffic_add(const struct worker *worker, struct traffic *sums);
