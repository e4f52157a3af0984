/* sql/host.h: what sql/ asks of its host, the daemon, and what the two tell each other about
 * databases and the connections to them.
 *
 * The structs are plain data, lent for one call: whoever wants to keep a text copies it. Names are
 * as SQL has them: folded, without quotes, at most 63 bytes, any characters but NUL. Times are wall
 * clock, in microseconds since 1970; 0: there is none. */
#pragma once

#include "base/failure.h"
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

/* A row of pg_database, and of pond_clones. */
struct database_row {
    const char *name;
    const char *owner; /* NULL: pond itself */
    uint32_t oid;      /* the same for as long as the database is there; not 0 */
    bool is_template;
    bool allows_connections;
    int32_t connection_limit; /* -1: none */
    int64_t bytes;            /* of its image; of a named clone, what it does not share */
    bool is_clone;            /* a named one; else it is of the configuration */
    const char *origin;       /* such a one: the database of the configuration that it comes from */
    bool is_lasting;          /* such a one lives until DROP DATABASE, not only while it is used */
    int64_t created_us;       /* such a one */
};

/* A row of pond_pools: a database of the configuration, and what comes out of it. */
struct pool_row {
    const char *name;
    uint32_t oid;
    size_t pool_size;     /* most sessions at once; 0: no limit */
    size_t min_pool_size; /* kept ready on each loop */
    size_t in_use;
    size_t idle;
    size_t waiting;
    int64_t longest_wait_us; /* of those who wait now; -1: nobody does */
    uint64_t leases;         /* ever */
    uint64_t created;
    uint64_t timed_out;
    size_t clones;
    size_t clone_bytes;
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

typedef void pool_fn(void *arg, const struct pool_row *row);
typedef void database_fn(void *arg, const struct database_row *row);
typedef void backend_fn(void *arg, const struct backend_row *row);

/* An answer of copy_in_read(): CopyDone came. */
enum { COPY_IN_DONE = 2 };

/* What only the daemon can do. All may be called during sql_run(). Those of COPY, of databases and
 * of backends may await, the others do not. NULL where a comment says so: 0A000. */
struct host_ops {
    void (*parameter_status)(void *host, const char *name,
                             const char *value); /* a reported setting changed */
    void (*notice)(void *host, const struct failure *notice);
    /* Something was said on a channel that the session listens to. At any time, from the task of
     * another connection too: it is only noted, for when the client is between transactions. NULL:
     * there is nobody to hear it. Does not await. */
    void (*notification)(void *host, int32_t pid, struct view channel, struct view payload);
    int32_t (*backend_pid)(void *host);
    const char *(*user)(void *host);
    const char *(*database)(void *host);
    int64_t (*wall_us)(void *host); /* the seam of now() */
    void (*random)(void *host, void *bytes,
                   size_t len); /* the seam of random(), gen_random_uuid() */
    /* COPY FROM STDIN: begin, read until COPY_IN_DONE or something goes wrong, end (always, after a
     * begin that said 0). What read gives lives until the next read or end. NULL: there is no such
     * stream here. 0, COPY_IN_DONE, FAILED or -errno. */
    int (*copy_in_begin)(void *host, bool binary, size_t columns, struct failure *ret_failure);
    int (*copy_in_read)(void *host, struct view *ret_data, struct failure *ret_failure);
    void (*copy_in_end)(void *host);
    /* COPY TO STDOUT: begin, a row at a time, end. 0 or -errno; a row too many: FAILED. */
    int (*copy_out_begin)(void *host, bool binary, size_t columns);
    int (*copy_out_row)(void *host, struct view row, struct failure *ret_failure);
    int (*copy_out_end)(void *host);

    /* Databases and backends. Each of these may be NULL: not available here. 0, or FAILED and
     * nothing is done. They are called on the connection's task, and all but database_create and
     * database_drop from inside of sqlite3_step(): they may give up the turn there, but may run
     * nothing on the connection's own session; a wait ends with FAILED when the session is told to
     * stop. each_... and backend_signal come in whatever transaction there is, the others in none,
     * and without the writer's place. fn may not await.
     *
     * 42P04: the name is taken · 3D000: no such template · 55006: others write to it · 53400: too
     * many. The new database is there for everybody when it returns. */
    int (*database_create)(void *host, const struct database_request *request,
                           struct failure *ret_failure);
    /* 3D000 · 42809: a template · 55006: others are connected, and do not leave within some seconds
     * of having been terminated; `force` terminates them. Never the connection's own one. */
    int (*database_drop)(void *host, const char *name, bool force, struct failure *ret_failure);
    /* 3D000 · 42P04: the new name is taken · 55006: others are connected (only for a new name) ·
     * 0A000: what cannot be changed of this one. */
    int (*database_alter)(void *host, const char *name, const struct database_change *change,
                          struct failure *ret_failure);
    int (*each_database)(void *host, database_fn *fn, void *arg, struct failure *ret_failure);
    int (*each_pool)(void *host, pool_fn *fn, void *arg, struct failure *ret_failure);
    int (*each_backend)(void *host, backend_fn *fn, void *arg, struct failure *ret_failure);
    /* May be the connection itself. False in *ret_found: there is no such pid. Does not wait for it
     * to end. */
    int (*backend_signal)(void *host, int32_t pid, enum backend_signal signal, bool *ret_found,
                          struct failure *ret_failure);

    /* Marks of the connection's clone. `name` is NULL for MARK_RESET only. Sets, moves or goes back
     * to a mark, or back to the template; what other connections of the clone are in the middle of
     * keeps its root. Awaits the writer's place (55P03, 57014). 42704: no such mark · 53400: too
     * many · 0A000: not a clone. */
    int (*mark)(void *host, enum mark_op op, const char *name, struct failure *ret_failure);
    /* The connection's named clone has no owner any more, and stays until it is dropped. Does not
     * await. 0A000: the connection has a private clone. */
    int (*keep)(void *host, struct failure *ret_failure);
    /* Writes what the session sees to a new file of that name in the server's folder for backups.
     * Awaits its end; others go on writing. 55000: there is no such folder · 42602, 42622: not the
     * name of a file in it · 58P02: it is there already · 53100, 58030: it could not be written. */
    int (*backup)(void *host, const char *name, int64_t *ret_bytes, struct failure *ret_failure);
    /* A template that the first who asks builds for all. True in *ret_build: a database of that
     * name has been made, empty or a copy of `from` (NULL: template1), and this connection is its
     * builder; if it ends before template_end() was called, the database is dropped and the next
     * one who waits becomes the builder of a new one. False: it is a template, and ready. Waits
     * while another builds (57014, as any statement). 42P04: the name is that of another database ·
     * 3D000: no such `from` · 53400: too many. */
    int (*template_claim)(void *host, const char *name, const char *from, bool *ret_build,
                          struct failure *ret_failure);
    /* From whatever connection: it is built, and becomes a template as it was last committed; or it
     * is not, as if the builder's connection had ended. 55000: nobody builds one of that name. */
    int (*template_end)(void *host, const char *name, bool ready, struct failure *ret_failure);
};
