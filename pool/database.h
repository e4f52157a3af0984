/* pool/database.h: a database of the configuration: a template, limits, and the pool of its
 * sessions.
 *
 * Shared by all loops (async/respool.h says how), and there until the last of them has ended: one
 * that the configuration does not have any more is `gone`, which nobody finds by its name, but
 * whose named clones go on under its limits. So whoever has a database keeps it without counting.
 *
 * Its options and its template are an edition, which does not change. Each loop has a pointer to
 * the one that holds there, and is given another by its own thread, between two turns of its tasks.
 */
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct account;
struct budget;
struct database;
struct database_edition;
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
    struct template *template_; /* takes its own reference; NULL when it is gone */
    struct durable *durable;    /* taken; it is kept in a file, and shared by all its connections:
                                   registry_start_durable(). NULL: it is a template */
    bool gone;                  /* nobody gets a private clone any more: 3D000 */
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

/* 0 or -ENOMEM, and then the durable one is still the caller's. `world` is borrowed for good. */
must_check int database_create(const struct database_world *world,
                               const struct database_options *options,
                               struct database **ret_database);

/* Ends its idle sessions, on their loops; then closed(arg) is called, on any thread. No lease may
 * be out or asked for any more. */
void database_close(struct database *database, void (*closed)(void *arg), void *arg);

/* After that, or when no session was ever made. */
void database_destroy(struct database *database);

/* As the running loop has them: for this turn, the next may be after a reload. */
const struct database_options *database_options(const struct database *database);

/* What never changes; any thread. */
const char *database_name(const struct database *database);
size_t database_number(const struct database *database); /* in the order of being added, from 0 */

/* ---- another edition ---- */

/* The database's with these options, but for name, oid and file, which stay. 0 or -ENOMEM. */
must_check int database_edition_create(const struct database *database,
                                       const struct database_options *options,
                                       struct database_edition **ret_edition);
/* It must be that of no loop, or, with the database, that of all. NULL is fine. */
void database_edition_destroy(struct database_edition *edition);

/* Makes it the running loop's, and gives the one that was. Sessions on another template than its
 * own are lent to nobody any more. For each loop; does not await. */
struct database_edition *database_install(struct database *database,
                                          struct database_edition *edition);
/* Once, and on any thread: what all loops share (pool_size). */
void database_install_limit(struct database *database, const struct database_edition *edition);

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
    size_t ending;          /* their memory is about to come back */
    size_t waiting;         /* clients in line */
    uint64_t leases;        /* ever, of private clones, as the next one */
    uint64_t created;       /* sessions that had to be made for them */
    uint64_t timed_out;     /* clients that waited in vain */
    int64_t first_since_us; /* when the first in line came; DEADLINE_NONE: nobody waits */
};
/* Of all loops together. Any thread. */
void database_stats(const struct database *database, struct database_stats *ret_stats);
