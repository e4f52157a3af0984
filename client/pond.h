/* client/pond.h: libpond, a client for pondd and for PostgreSQL.
 *
 * One set of functions, used in three ways:
 *   blocking  outside of any task a call runs the loop of its object until the call is done;
 *   tasks     inside a task of that loop (pond_spawn, pond_all) the same call awaits: the task
 *             stands still, the loop's other tasks go on;
 *   callbacks a loop over the caller's own event_base (pond_loop_create_on), whose tasks call back
 *             at their end.
 *
 * Calls that can fail return 0 (or what they document above 0), or one of enum pond_kind, below 0,
 * and then have filled *error, which the caller owns and which may be NULL. Outputs come last
 * before it and are written on success only. Objects belong to their loop and are for one thread at
 * a time. A connection serves one call at a time: a second one, by another task, is refused. What
 * is used after its end, but before its destroy, says so; it is never undefined. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POND_API   __attribute__((visibility("default")))
#define POND_CHECK __attribute__((warn_unused_result))

/* ---- errors ---- */

enum pond_kind {
    POND_USAGE = -1,     /* the caller's: a bad setting, a closed or a busy object */
    POND_CONNECT = -2,   /* no connection, or it was lost */
    POND_TIMEOUT = -3,   /* a deadline passed */
    POND_SQL = -4,       /* the server says so: see sqlstate */
    POND_PROTOCOL = -5,  /* what the server sent is not the protocol; the connection is closed */
    POND_NOMEM = -6,     /* out of memory or threads, or over a limit that the caller has set */
    POND_CANCELLED = -7, /* the task was cancelled, by pond_all() or the end of its loop */
    POND_APP = -8,       /* for functions of the caller's own */
};

struct pond_error {
    int kind;          /* enum pond_kind; 0: nothing has failed */
    int position;      /* 1-based, in characters of the statement; 0: unknown */
    char sqlstate[6];  /* of POND_SQL always, of others where PostgreSQL has one; else empty */
    char severity[10]; /* "ERROR", "FATAL", "NOTICE" ...; of errors of the library's own: "ERROR" */
    char message[1024];
    char detail[512];
    char hint[256];
    char table[64];
    char column[64];
    char constraint[64];
};

/* Fills it; for functions of the caller's that are given one. Gives kind back. */
POND_API int pond_error_set(struct pond_error *error, int kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- loops and tasks ---- */

struct pond_loop;
struct event_base;

/* A function that runs as a task: straight-line code. 0 or <0. */
typedef int pond_fn(void *arg, struct pond_error *error);
/* Called once, as the last thing in the task: it may make calls as the task itself. */
typedef void pond_done_fn(void *arg, int result, const struct pond_error *error);

POND_API POND_CHECK int pond_loop_create(struct pond_loop **ret_loop, struct pond_error *error);
/* Over the caller's own base (of libevent 2.1), which he dispatches and which outlives the loop.
 * Objects of such a loop are used inside tasks only. */
POND_API POND_CHECK int pond_loop_create_on(struct event_base *base, struct pond_loop **ret_loop,
                                            struct pond_error *error);
/* Cancels the tasks that are left and, unless it is over the caller's base, waits for their ends.
 * Objects that live on it keep it until their own destroy. Outside of any task, but for a loop over
 * the caller's base. NULL is fine. */
POND_API void pond_loop_destroy(struct pond_loop *loop);
/* Runs until no task is left. Not for a loop over the caller's base. */
POND_API POND_CHECK int pond_loop_run(struct pond_loop *loop, struct pond_error *error);

/* Runs fn(arg) as a task in the next turn; loop NULL: that of the running task. done may be NULL.
 */
POND_API POND_CHECK int pond_spawn(struct pond_loop *loop, pond_fn *fn, void *arg,
                                   pond_done_fn *done, struct pond_error *error);
POND_API bool pond_in_task(void);
/* Lets the other tasks run for so long (0: one turn). In a task only. */
POND_API POND_CHECK int pond_sleep(int64_t ms, struct pond_error *error);

/* Several functions at once, each a task, and waits for all. At the first error the others are
 * cancelled; it is this error that is told. loop NULL: that of the running task. */
struct pond_job {
    pond_fn *fn;
    void *arg;
    int result; /* filled: what fn returned, POND_CANCELLED when it was never begun */
};
POND_API POND_CHECK int pond_all(struct pond_loop *loop, struct pond_job *jobs, size_t count,
                                 struct pond_error *error);

/* ---- connections ---- */

struct pond_conn;

/* conninfo as libpq's: a URI or key=value words; then a service file, PG* variables, ~/.pgpass and
 * defaults. NULL is "". loop NULL: that of the running task; outside of a task a loop of the
 * connection's own, for blocking calls. TLS as libpq's sslmode and its kin have it. A setting or a
 * server that demands a password is refused. */
POND_API POND_CHECK int pond_conn_open(struct pond_loop *loop, const char *conninfo,
                                       struct pond_conn **ret_conn, struct pond_error *error);
/* Says good-bye and hangs up; the object stays and says that it is closed. Never waits. */
POND_API void pond_conn_close(struct pond_conn *conn);
/* Says good-bye and waits until the server has hung up: what it frees with the connection, such as
 * a database that this one owns, is free then. It is closed afterwards in any case. */
POND_API POND_CHECK int pond_conn_hang_up(struct pond_conn *conn, struct pond_error *error);
/* Closes and frees; what was made of it (statements, rows ...) stays valid until its own end. NULL
 * is fine. */
POND_API void pond_conn_destroy(struct pond_conn *conn);

POND_API bool pond_conn_is_open(const struct pond_conn *conn);
/* 'I' idle, 'T' in a transaction, 'E' in one that has failed, 0 closed. */
POND_API char pond_conn_status(const struct pond_conn *conn);
/* What the server reported, such as "server_version"; NULL: nothing. Until the next call. */
POND_API const char *pond_conn_parameter(const struct pond_conn *conn, const char *name);
/* Where it led to, whoever said so: "host" (a name, an address, or the folder of a socket),
 * "hostaddr" (empty: not said), "port", "user", "dbname", "sslmode" (NULL: not said),
 * "sslrootcert", "sslcert", "sslkey", "sslcrl"; NULL: another name. As long as the connection. */
POND_API const char *pond_conn_setting(const struct pond_conn *conn, const char *name);
/* "TLSv1.3" or "TLSv1.2"; NULL: it is not encrypted. */
POND_API const char *pond_conn_encryption(const struct pond_conn *conn);
POND_API int pond_conn_pid(const struct pond_conn *conn);
/* To be watched only, between two calls: when it is readable the server has said something unasked
 * or has hung up, and pond_conn_await_notification(), which sends nothing, tells what. -1: closed.
 */
POND_API int pond_conn_socket(const struct pond_conn *conn);

/* Each call from now on may take so long; 0: for ever. A call that runs out of time cancels its
 * statement and leaves the connection usable, or, if the server does not follow, closed. */
POND_API void pond_conn_set_timeout(struct pond_conn *conn, int64_t ms);
/* All calls together, counted from now; below 0: no deadline any more. */
POND_API void pond_conn_set_deadline_in(struct pond_conn *conn, int64_t ms);
/* How long the server may stop in the middle of a message; 0 (the default): for ever. Then the
 * connection is closed. Between messages it may think as long as the other limits let it. */
POND_API void pond_conn_set_stall(struct pond_conn *conn, int64_t ms);
/* The longest message and the largest result that are accepted; default 256 MiB. */
POND_API void pond_conn_set_limit(struct pond_conn *conn, size_t bytes);

/* Called while another call of the connection reads. They must not use the connection. */
typedef void pond_notice_fn(void *arg, const struct pond_error *notice);
typedef void pond_notification_fn(void *arg, const char *channel, const char *payload, int pid);
POND_API void pond_conn_on_notice(struct pond_conn *conn, pond_notice_fn *fn, void *arg);
POND_API void pond_conn_on_notification(struct pond_conn *conn, pond_notification_fn *fn,
                                        void *arg);
/* Waits until at least one notification came and was given to the callback. */
POND_API POND_CHECK int pond_conn_await_notification(struct pond_conn *conn,
                                                     struct pond_error *error);

/* Asks the server to stop what another task's call on this connection does. */
POND_API POND_CHECK int pond_conn_cancel(struct pond_conn *conn, struct pond_error *error);

/* ---- queries ---- */

/* A parameter's value, for $1, $2 ... The server decides on its type, but for bytes. What it
 * points to is needed until the call returns. */
enum pond_value_kind {
    POND_VALUE_NULL,
    POND_VALUE_TEXT,
    POND_VALUE_INT,
    POND_VALUE_DOUBLE,
    POND_VALUE_BOOL,
    POND_VALUE_BYTES
};
struct pond_value {
    enum pond_value_kind kind;
    const void *data;
    size_t len;
    int64_t i;
    double d;
};
#define POND_VALUE_ static inline __attribute__((unused)) struct pond_value
POND_VALUE_ pond_null(void)
{
    struct pond_value v = { POND_VALUE_NULL, NULL, 0, 0, 0 };
    return v;
}
POND_VALUE_ pond_text(const char *s) /* NULL: a null */
{
    struct pond_value v = { s == NULL ? POND_VALUE_NULL : POND_VALUE_TEXT, s,
                            s == NULL ? 0 : __builtin_strlen(s), 0, 0 };
    return v;
}
POND_VALUE_ pond_int(int64_t i)
{
    struct pond_value v = { POND_VALUE_INT, NULL, 0, i, 0 };
    return v;
}
POND_VALUE_ pond_double(double d)
{
    struct pond_value v = { POND_VALUE_DOUBLE, NULL, 0, 0, d };
    return v;
}
POND_VALUE_ pond_bool(bool b)
{
    struct pond_value v = { POND_VALUE_BOOL, NULL, 0, b, 0 };
    return v;
}
POND_VALUE_ pond_bytes(const void *data, size_t len)
{
    struct pond_value v = { POND_VALUE_BYTES, data, len, 0, 0 };
    return v;
}
#undef POND_VALUE_

/* The two arguments that say "these parameters", and "none":
 *     pond_query(conn, "SELECT $1 + $2", POND_WITH(pond_int(1), pond_int(2)), &result, &error) */
#define POND_WITH(...)                            \
    ((const struct pond_value[]){ __VA_ARGS__ }), \
        (sizeof((const struct pond_value[]){ __VA_ARGS__ }) / sizeof(struct pond_value))
#define POND_NONE NULL, 0

struct pond_result;

/* A row that lies in a result, or in the page of a pond_rows: valid as long as that is. */
struct pond_row {
    const struct pond_page *page_;
    size_t index_;
};

/* Several statements, no parameters; the simple protocol. ret_result (may be NULL): the first
 * statement's result; see pond_result_next(). */
POND_API POND_CHECK int pond_exec(struct pond_conn *conn, const char *sql,
                                  struct pond_result **ret_result, struct pond_error *error);
/* One statement with parameters. */
POND_API POND_CHECK int pond_query(struct pond_conn *conn, const char *sql,
                                   const struct pond_value *values, size_t count,
                                   struct pond_result **ret_result, struct pond_error *error);

/* What is done with an answer as it comes: no row is kept, however many there are. The functions
 * are called while the call reads and must not use the connection; each may be NULL. Below 0 ends
 * the call, whose answer it is, and the server is told to stop. */
struct pond_sink {
    /* Rows of these columns follow: the row has names and types, but no values. */
    int (*columns)(void *arg, struct pond_row columns, struct pond_error *error);
    /* It lies there until the function returns. */
    int (*row)(void *arg, struct pond_row row, struct pond_error *error);
    /* A piece of what COPY TO STDOUT sends. NULL: such a statement is refused. */
    int (*copy)(void *arg, const char *data, size_t len, struct pond_error *error);
    /* A statement is complete; "" is the tag of an empty one. */
    int (*complete)(void *arg, const char *tag, struct pond_error *error);
};
/* Several statements without parameters, or one with them. */
POND_API POND_CHECK int pond_stream(struct pond_conn *conn, const char *sql,
                                    const struct pond_value *values, size_t count,
                                    const struct pond_sink *sink, void *arg,
                                    struct pond_error *error);

struct pond_stmt;
POND_API POND_CHECK int pond_stmt_prepare(struct pond_conn *conn, const char *sql,
                                          struct pond_stmt **ret_stmt, struct pond_error *error);
POND_API POND_CHECK int pond_stmt_query(struct pond_stmt *stmt, const struct pond_value *values,
                                        size_t count, struct pond_result **ret_result,
                                        struct pond_error *error);
POND_API size_t pond_stmt_params(const struct pond_stmt *stmt);
/* Frees it in any case. NULL is fine. */
POND_API int pond_stmt_close(struct pond_stmt *stmt, struct pond_error *error);

/* ---- results and rows ---- */

/* All that belongs to the first is freed with it. NULL is fine. */
POND_API void pond_result_destroy(struct pond_result *result);
/* The next statement's, or NULL. */
POND_API struct pond_result *pond_result_next(const struct pond_result *result);
POND_API const char *pond_result_tag(const struct pond_result *result);  /* "INSERT 0 1" */
POND_API int64_t pond_result_affected(const struct pond_result *result); /* by its tag; else 0 */
POND_API size_t pond_result_rows(const struct pond_result *result);

/* No such row: its getters say POND_USAGE. */
POND_API struct pond_row pond_result_row(const struct pond_result *result, size_t index);
POND_API size_t pond_result_columns(const struct pond_result *result);

POND_API size_t pond_row_columns(struct pond_row row);
POND_API int pond_row_find(struct pond_row row, const char *name); /* the first so named, or -1 */
POND_API const char *pond_row_name(struct pond_row row, size_t column); /* NULL: no such column */
POND_API uint32_t pond_row_type(struct pond_row row, size_t column);    /* OID; 0: no such column */
POND_API bool pond_row_is_null(struct pond_row row, size_t column);

/* What a getter says when it gave no value; below 0: there is no such row or column. */
enum {
    POND_IS_NULL = 1,
    POND_RANGE = 2, /* a value that does not fit: too large, or with a fraction */
    POND_TYPE = 3,  /* the column is of a type that is none of these */
};
POND_API POND_CHECK int pond_row_int32(struct pond_row row, size_t column, int32_t *ret_value);
POND_API POND_CHECK int pond_row_int64(struct pond_row row, size_t column, int64_t *ret_value);
POND_API POND_CHECK int pond_row_double(struct pond_row row, size_t column, double *ret_value);
POND_API POND_CHECK int pond_row_bool(struct pond_row row, size_t column, bool *ret_value);
/* Any type, as the server writes it; ends with a NUL that ret_len (may be NULL) does not count. */
POND_API POND_CHECK int pond_row_text(struct pond_row row, size_t column, const char **ret_text,
                                      size_t *ret_len);
/* Of a bytea, into the caller's memory. ret_len is written also with POND_RANGE, when `room` is
 * too small for so many. */
POND_API POND_CHECK int pond_row_bytes(struct pond_row row, size_t column, void *out, size_t room,
                                       size_t *ret_len);

/* ---- rows: an async iterator over the rows of a statement ---- */

/* Never holds more than one page of rows and one that is being fetched. In a transaction it is a
 * named portal, and the connection is free for other calls between two pages. Outside of one the
 * connection is its own until its end. */
struct pond_rows;
struct pond_rows_options {
    size_t page_rows; /* 0: 100 */
    bool no_prefetch; /* the next page is asked for only when it is wanted */
    /* What pond_rows_next_item() makes of a row. */
    int (*transform)(void *arg, struct pond_row row, void *ret_item, struct pond_error *error);
    void *transform_arg;
};
enum { POND_ROW = 1 };

/* options NULL: as zero bytes. */
POND_API POND_CHECK int pond_rows_open(struct pond_conn *conn, const char *sql,
                                       const struct pond_value *values, size_t count,
                                       const struct pond_rows_options *options,
                                       struct pond_rows **ret_rows, struct pond_error *error);
POND_API POND_CHECK int pond_stmt_rows(struct pond_stmt *stmt, const struct pond_value *values,
                                       size_t count, const struct pond_rows_options *options,
                                       struct pond_rows **ret_rows, struct pond_error *error);
/* What its rows have: a row with names and types, but no values; false: the statement gives none.
 * As long as the rows. */
POND_API bool pond_rows_columns(const struct pond_rows *rows, struct pond_row *ret_columns);
/* POND_ROW and a row, which lies there until the page's end is passed; 0: there is none any more.
 */
POND_API POND_CHECK int pond_rows_next(struct pond_rows *rows, struct pond_row *ret_row,
                                       struct pond_error *error);
POND_API POND_CHECK int pond_rows_next_item(struct pond_rows *rows, void *ret_item,
                                            struct pond_error *error);
/* The rest of the page, or the next page: POND_ROW, its first row and how many there are; the
 * others by pond_row_at(). */
POND_API POND_CHECK int pond_rows_next_page(struct pond_rows *rows, struct pond_row *ret_first,
                                            size_t *ret_count, struct pond_error *error);
POND_API struct pond_row pond_row_at(struct pond_row first, size_t offset);
/* Closes the portal, early or not, and frees: in any case. NULL is fine. */
POND_API int pond_rows_close(struct pond_rows *rows, struct pond_error *error);

/* fn for each row of a statement, and the rows are closed whatever happens. fn may await. It goes
 * on while fn says 0; another answer ends it and is the call's. */
typedef int pond_row_fn(void *arg, struct pond_row row, struct pond_error *error);
POND_API POND_CHECK int pond_each(struct pond_conn *conn, const char *sql,
                                  const struct pond_value *values, size_t count,
                                  const struct pond_rows_options *options, pond_row_fn *fn,
                                  void *arg, struct pond_error *error);

/* ---- transactions ---- */

/* BEGIN, or inside of a transaction a SAVEPOINT: they nest, and end the innermost first. modes
 * (may be NULL): "ISOLATION LEVEL SERIALIZABLE" and the like; the outermost only. */
struct pond_txn;
POND_API POND_CHECK int pond_txn_begin(struct pond_conn *conn, const char *modes,
                                       struct pond_txn **ret_txn, struct pond_error *error);
/* Both free it in any case. A commit of a transaction that has failed rolls back and says POND_SQL.
 * NULL is fine for a rollback. */
POND_API POND_CHECK int pond_txn_commit(struct pond_txn *txn, struct pond_error *error);
POND_API int pond_txn_rollback(struct pond_txn *txn, struct pond_error *error);
/* fn(arg) in a transaction: committed when it says 0, else rolled back and its answer told. */
POND_API POND_CHECK int pond_txn_with(struct pond_conn *conn, const char *modes, pond_fn *fn,
                                      void *arg, struct pond_error *error);

/* ---- COPY ---- */

/* A COPY FROM STDIN is written to, a COPY TO STDOUT read from; the connection is its own until its
 * end. A time-out or a cancel in its middle ends the copy. */
struct pond_copy;
POND_API POND_CHECK int pond_copy_open(struct pond_conn *conn, const char *sql,
                                       struct pond_copy **ret_copy, struct pond_error *error);
POND_API POND_CHECK int pond_copy_write(struct pond_copy *copy, const void *data, size_t len,
                                        struct pond_error *error);
/* POND_ROW and the next piece (in text and CSV a line), which lies there until the next call; 0:
 * the end. */
POND_API POND_CHECK int pond_copy_read(struct pond_copy *copy, const char **ret_data,
                                       size_t *ret_len, struct pond_error *error);
/* All is written, or all that is wanted has been read: ret_rows (may be NULL) is how many the
 * server counted, 0 when it was stopped early. Frees it in any case. */
POND_API POND_CHECK int pond_copy_end(struct pond_copy *copy, int64_t *ret_rows,
                                      struct pond_error *error);
/* Gives it up: what was written is dropped. Frees it. NULL is fine. */
POND_API int pond_copy_abort(struct pond_copy *copy, struct pond_error *error);

/* ---- scopes: clean-ups that run last-in first-out, on success and on error ---- */

/* Zero bytes are an empty one. */
struct pond_scope {
    struct pond_scope_item *top_;
    struct pond_error *report; /* POND_SCOPED: where the first failed clean-up goes; may be NULL */
};
typedef int pond_cleanup_fn(void *arg, struct pond_error *error);

/* fn(arg) at the scope's end. In a task that was cancelled the scopes' own clean-ups still reach
 * the server, for a second at most; ordinary calls in fn say POND_CANCELLED at once. When there is
 * no memory for the note it runs at once. */
POND_API POND_CHECK int pond_scope_defer(struct pond_scope *scope, pond_cleanup_fn *fn, void *arg,
                                         struct pond_error *error);
/* Forgets the youngest such note, without running it; false: there is none. */
POND_API bool pond_scope_forget(struct pond_scope *scope, pond_cleanup_fn *fn, void *arg);
/* Runs all, also when some fail; tells the first that failed. The scope is empty afterwards. */
POND_API int pond_scope_close(struct pond_scope *scope, struct pond_error *error);

/* Taken, and given back at the scope's end. */
POND_API POND_CHECK int pond_scope_conn(struct pond_scope *scope, struct pond_loop *loop,
                                        const char *conninfo, struct pond_conn **ret_conn,
                                        struct pond_error *error);
POND_API POND_CHECK int pond_scope_rows(struct pond_scope *scope, struct pond_conn *conn,
                                        const char *sql, const struct pond_value *values,
                                        size_t count, const struct pond_rows_options *options,
                                        struct pond_rows **ret_rows, struct pond_error *error);
/* Rolled back at the scope's end unless pond_scope_commit() came before. */
POND_API POND_CHECK int pond_scope_txn(struct pond_scope *scope, struct pond_conn *conn,
                                       const char *modes, struct pond_txn **ret_txn,
                                       struct pond_error *error);
POND_API POND_CHECK int pond_scope_commit(struct pond_scope *scope, struct pond_txn *txn,
                                          struct pond_error *error);
/* pg_advisory_lock(key). */
POND_API POND_CHECK int pond_scope_lock(struct pond_scope *scope, struct pond_conn *conn,
                                        int64_t key, struct pond_error *error);
/* The inner scope ends with the outer one, in its turn; it must live until then. */
POND_API POND_CHECK int pond_scope_nest(struct pond_scope *outer, struct pond_scope *inner,
                                        struct pond_error *error);

/* For POND_SCOPED. Leaves an error that is set already as it is. */
POND_API void pond_scope_leave(struct pond_scope *scope);
/* A scope that ends with the block: POND_SCOPED(scope, error); */
#define POND_SCOPED(name, error) \
    __attribute__((__cleanup__(pond_scope_leave))) struct pond_scope name = { NULL, (error) }

/* ---- pools ---- */

struct pond_pool;
struct pond_pool_options {
    const char *conninfo;
    size_t max;         /* lent or kept at once; 0: 10 */
    size_t min;         /* made ahead, and kept */
    size_t max_waiters; /* 0: no limit */
    int64_t idle_ms;    /* how long one is kept unused; 0: for ever */
    int64_t life_ms;    /* how long one is lent again and again; 0: for ever */
    bool ping;          /* each is asked before it is lent; else only looked at */
};
struct pond_pool_stats {
    size_t in_use;
    size_t idle;
    size_t waiting;
    uint64_t leases; /* ever */
    uint64_t opened;
    uint64_t closed;
};

/* Connections for many tasks of a loop, who are served first come first served; loop as with
 * pond_conn_open(). Opens `min` of them. */
POND_API POND_CHECK int pond_pool_create(struct pond_loop *loop,
                                         const struct pond_pool_options *options,
                                         struct pond_pool **ret_pool, struct pond_error *error);
/* Nobody gets a connection any more; waits until all are back, and frees. NULL is fine. */
POND_API int pond_pool_destroy(struct pond_pool *pool, struct pond_error *error);
/* Waits so long for one; below 0: for ever. */
POND_API POND_CHECK int pond_pool_acquire(struct pond_pool *pool, int64_t timeout_ms,
                                          struct pond_conn **ret_conn, struct pond_error *error);
/* Rolls back and resets what its user has changed; one that cannot be is closed. Objects made of
 * the connection must be closed before. */
POND_API void pond_pool_release(struct pond_pool *pool, struct pond_conn *conn);
/* fn with a connection, which is released whatever happens. */
typedef int pond_conn_fn(void *arg, struct pond_conn *conn, struct pond_error *error);
POND_API POND_CHECK int pond_pool_with(struct pond_pool *pool, int64_t timeout_ms, pond_conn_fn *fn,
                                       void *arg, struct pond_error *error);
POND_API POND_CHECK int pond_scope_acquire(struct pond_scope *scope, struct pond_pool *pool,
                                           int64_t timeout_ms, struct pond_conn **ret_conn,
                                           struct pond_error *error);
POND_API void pond_pool_stats(struct pond_pool *pool, struct pond_pool_stats *ret_stats);
/* The one that its connections live on, for pond_all() and pond_spawn(). */
POND_API struct pond_loop *pond_pool_loop(const struct pond_pool *pool);

#ifdef __cplusplus
}
#endif
