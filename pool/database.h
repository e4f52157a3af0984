/* pool/database.h: a database of the configuration: a template, limits, and the pool of its
 * sessions.
 *
 * Made before the loops run and ended after; shared by all loops (async/respool.h says how). */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct account;
struct budget;
struct database;
struct durable;
struct gate;
struct loop;
struct respool;
struct template;
struct users;

/* What all databases of the daemon share; it outlives them. */
struct database_world {
    struct gate *gate;
    struct loop *const *loops; /* by their numbers */
    size_t loop_count;
    struct budget *sessions; /* of the daemon (max_db_connections); NULL: no limit */
    struct users *users;     /* max_user_connections; NULL: no limit */
    struct account *parent;  /* charged with what sessions and clones take; may be NULL */
};

struct database_options {
    const char *name;           /* copied */
    struct template *template_; /* takes its own reference */
    struct durable *durable;    /* taken; it is kept in a file, and shared by all its connections:
                                   registry_start_durable(). NULL: it is a template */
    uint32_t oid;               /* 0: the registry gives it one */
    size_t pool_size;     /* most sessions at once, those of its named clones too; 0: no limit */
    size_t min_pool_size; /* kept ready on each loop */
    size_t max_waiters;   /* clients that wait for a session; SIZE_MAX: no limit */
    int64_t query_wait_timeout_us;  /* so long; 0: for ever */
    int64_t server_idle_timeout_us; /* a session is kept unused so long; 0: for ever */
    int64_t server_lifetime_us;     /* and lent again for so long */
    size_t clone_memory;
    size_t session_memory;
    size_t work_mem; /* these three as in struct session_options */
    uint64_t temp_file_limit;
    const char *temp_dir;      /* borrowed; outlives the database */
    size_t max_marks;          /* of each clone */
    size_t max_result_size;    /* bytes of rows that one statement may give; 0: no limit */
    size_t max_statement_size; /* longest SQL text; 0: 1 MiB */
    int64_t linger_us;         /* of a `~` clone that nobody uses any more */
    int64_t lock_timeout_us;
    int64_t statement_timeout_us;
    int64_t idle_in_transaction_timeout_us;
};

/* 0 or -ENOMEM. `world` is borrowed for good. */
must_check int database_create(const struct database_world *world,
                               const struct database_options *options,
                               struct database **ret_database);

/* Ends its idle sessions, on their loops; then closed(arg) is called, on any thread. No lease may
 * be out or asked for any more. */
void database_close(struct database *database, void (*closed)(void *arg), void *arg);

/* After that, or when no session was ever made. */
void database_destroy(struct database *database);

const struct database_options *database_options(const struct database *database);

/* Makes sessions of this loop until there are min_pool_size. Awaits. 0, FAILED or -errno. */
must_check int database_await_prefill(struct database *database);

/* Nobody gets a session any more, of its named clones neither, until the pause is ended; those that
 * are in use stay so. False: it is as it was. Any thread. */
bool database_pause(struct database *database, bool paused);

/* Its idle sessions end soon: their memory is needed. Any thread; not at the daemon's end. */
void database_shed(struct database *database);

struct database_stats {
    bool paused;
    size_t sessions;        /* in use, those of its named clones too */
    size_t idle;            /* kept for the next */
    size_t waiting;         /* clients in line */
    uint64_t leases;        /* ever, of private clones, as the next one */
    uint64_t created;       /* sessions that had to be made for them */
    uint64_t timed_out;     /* clients that waited in vain */
    int64_t first_since_us; /* when the first in line came; DEADLINE_NONE: nobody waits */
};
/* Of all loops together. Any thread. */
void database_stats(const struct database *database, struct database_stats *ret_stats);
