/* sql/host.h: what sql/ and its host tell each other about databases and the connections to them.
 *
 * Plain data, lent for one call: whoever wants to keep a text copies it. Names are as SQL has them:
 * folded, without quotes, at most 63 bytes, any characters but NUL. Times are wall clock, in
 * microseconds since 1970; 0: there is none. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

/* CREATE DATABASE. */
struct database_request {
    const char *name;
    const char *template_name; /* NULL: template1, which is empty unless the host has one */
    const char *owner;         /* NULL: who asks */
    bool is_template;
    bool allows_connections;
    int32_t connection_limit; /* -1: none */
};

/* ALTER DATABASE. NULL: stays as it is; zero bytes change nothing. */
struct database_change {
    const char *name; /* RENAME TO */
    const char *owner;
    const bool *is_template;
    const bool *allows_connections;
    const int32_t *connection_limit;
};

/* A row of pg_database. */
struct database_row {
    const char *name;
    const char *owner; /* NULL: pond itself */
    uint32_t oid;      /* the same for as long as the database is there; not 0 */
    bool is_template;
    bool allows_connections;
    int32_t connection_limit; /* -1: none */
    int64_t bytes;            /* of its image, shared pages counted as its own */
};

enum backend_state {
    BACKEND_STARTING, /* not ready for its first query */
    BACKEND_IDLE,
    BACKEND_ACTIVE,
    BACKEND_IN_TRANSACTION, /* idle in one */
    BACKEND_IN_FAILED,      /* idle in one that has failed */
    BACKEND_STATES
};

/* A row of pg_stat_activity. */
struct backend_row {
    int32_t pid;
    const char *database; /* NULL: it is in none (the console) */
    uint32_t database_oid;
    const char *user;
    const char *application_name; /* never NULL */
    const char *client_address;   /* as inet prints it; NULL: a unix socket */
    int32_t client_port;          /* -1: a unix socket */
    enum backend_state state;
    struct view query; /* the last one's text, as far as the host keeps it */
    int64_t backend_start_us;
    int64_t transaction_start_us; /* 0: in none */
    int64_t query_start_us;
    int64_t state_change_us;
    const char *wait_event_type; /* NULL: it does not wait */
    const char *wait_event;
};

enum backend_signal {
    BACKEND_CANCEL,    /* what it runs, as a CancelRequest */
    BACKEND_TERMINATE, /* the connection: FATAL 57P01 */
};

enum mark_op { MARK_SET, MARK_REWIND, MARK_RESET };

typedef void database_fn(void *arg, const struct database_row *row);
typedef void backend_fn(void *arg, const struct backend_row *row);
