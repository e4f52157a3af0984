/* daemon/traffic.h: how much goes on, for each database of the configuration and for the console:
 * what PgBouncer's SHOW STATS counts.
 *
 * A query is what ends with a ReadyForQuery, a transaction what ends with one outside of a
 * transaction, as for PgBouncer. A connection counts for itself; at its end that is added to its
 * worker's sums, so that nothing is shared between loops. Worker's thread. */
#pragma once

#include "base/defs.h"

struct connection;
struct database;
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
    size_t number;      /* of the sum that it is added to, and 1; 0: none */
    struct traffic sum; /* but for the bytes */
    int64_t query_start_us;
    int64_t transaction_start_us; /* 0: in none */
};

/* The sums are numbered: the console's, then those of the databases by their own numbers. A worker
 * has those that were needed so far. */
enum { traffic_console };
size_t traffic_number(const struct database *database);
void traffic_close(struct worker *worker);

/* The client is in, after that many microseconds. Without memory it counts for nobody. */
void traffic_enter(struct connection *conn, int64_t wait_us);
void traffic_leave(struct connection *conn);
void traffic_query_begins(struct connection *conn);
void traffic_query_ends(struct connection *conn);

/* Adds what a worker's connections did, those that are gone too, to the first `count` sums. */
void traffic_add(const struct worker *worker, struct traffic *sums, size_t count);
