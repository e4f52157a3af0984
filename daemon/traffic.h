/* daemon/traffic.h: how much goes on, for each database of the configuration and for the console:
 * what PgBouncer's SHOW STATS counts, and how long things take.
 *
 * A query is what ends with a ReadyForQuery, a transaction what ends with one outside of a
 * transaction, as for PgBouncer; a statement is one of a simple query's, or an Execute. Each worker
 * has its own sums, so that nothing is shared between loops.
 *
 * What is measured begins when the message was there, and that is known already: when the task was
 * resumed, or when the message before it ended. So a query asks for the time when it ends, and when
 * its first row does, and no more often than without. Worker's thread. */
#pragma once

#include "base/histogram.h"

#include <stdbool.h>

struct connection;
struct database;
struct worker;

struct traffic {
    uint64_t transactions;
    uint64_t queries;
    uint64_t received; /* bytes, as of the last time that a client was answered */
    uint64_t sent;
    uint64_t errors; /* statements that failed */
    uint64_t transaction_us;
    uint64_t query_us;
    struct histogram wait;      /* until a client that got in had a session */
    struct histogram statement; /* from its message to its completion, failed ones too */
    struct histogram first_row; /* from its message to its first row */
};

/* Embedded in a connection; zero bytes are one that counts for nobody. */
struct traffic_meter {
    size_t number;     /* of the sum that it is added to, and 1; 0: none */
    uint64_t received; /* bytes that are in there */
    uint64_t sent;
    int64_t now_us; /* when the clock was read the last time */
    int64_t query_start_us;
    int64_t transaction_start_us; /* 0: in none */
    int64_t statement_start_us;
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
void traffic_statement_begins(struct connection *conn);
void traffic_first_row(struct connection *conn);
/* Gives how long it took. */
int64_t traffic_statement_ends(struct connection *conn);
void traffic_error(struct connection *conn);
/* All that was to be said is with the kernel. */
void traffic_rests(struct connection *conn);

/* A message was served: has the task held the loop for its slice? Asks for the time unless that was
 * done since `before_us`, which is what the meter had then. */
bool traffic_slice_over(struct connection *conn, int64_t before_us);

/* Adds a worker's to the first `count` sums. */
void traffic_add(const struct worker *worker, struct traffic *sums, size_t count);
