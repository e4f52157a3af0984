/* pool/session.h: one SQLite connection on one clone, ready to run statements.
 *
 * Belongs to one loop and to one task at a time. Everything that runs SQL here may await (time
 * slice, writer's line); nothing else does. Errors come as PostgreSQL's (pool/sqlite_error.h).
 *
 * Life: session_open -> cursors and transactions -> session_reset (for the next lease) or
 * session_close. */
#pragma once

#include "base/alloc.h"
#include "base/cell.h"
#include "base/failure.h"

#include <stdbool.h>

struct clone;
struct cursor;
struct session;
struct spool;
struct sqlite3;
struct sqlite3_stmt;

/* Why a running statement must stop. */
enum stop_reason {
    STOP_NONE,
    STOP_CANCEL,            /* CancelRequest, pg_cancel_backend: 57014 "due to user request" */
    STOP_STATEMENT_TIMEOUT, /* 57014 "due to statement timeout" */
    STOP_SHUTDOWN,          /* FATAL 57P01 */
    STOP_HANGUP,            /* the client is gone: nobody hears the failure */
};

/* Who uses a session, as others of its clone are told. */
struct session_who {
    int32_t pid;
    struct view statement; /* the last one; may be empty */
};

struct session_options {
    size_t memory; /* bytes of SQLite's own memory for this session; 0: none. Over it: 53200 */
    struct account *parent;   /* the daemon's account, or NULL */
    size_t statement_bytes;   /* longest SQL text; 0: 1 MiB */
    size_t work_mem;          /* bytes of rows kept in memory for one cursor before they go to a
                                 temporary file; 0: 4 MiB */
    uint64_t temp_file_limit; /* bytes of all its temporary files; 0: it has none, and what needs
                                 more than work_mem fails with 53200. Over it: 53100 */
    const char *temp_dir; /* where they are; NULL or empty: $TMPDIR, else /tmp. Outlives the session
                           */
    int64_t lock_timeout_us; /* wait for the writer's place at most so long; 0: for ever. Over it:
                                55P03 */
    /* Called at the end of each time slice of a running statement; not STOP_NONE stops it. May be
     * NULL. */
    enum stop_reason (*should_stop)(void *owner);
    struct session_who (*who)(void *owner); /* may be NULL */
    void *owner;
};

/* 0 or FAILED. Holds a reference on the clone. */
must_check int session_open(struct clone *clone, const struct session_options *options,
                            struct session **ret_session, struct failure *ret_failure);

/* Makes it as good as new for the next lease: rolls back, drops cursors, cached statements and all
 * that was written. What is expensive stays: the parsed schema, and what the user registered on the
 * connection. False: it holds what cannot be taken back (a changed schema, temporary objects, a
 * ROLLBACK that failed), or could not read a schema anew: close it. May give up its turn where it
 * reads one. */
must_check bool session_reset(struct session *session);

/* Gives a reset session its new options. */
void session_lend(struct session *session, const struct session_options *options);

/* Who uses the session now, for the functions that were registered on its connection (NULL between
 * leases), and which of them are: the user's own bits, which outlive session_reset().
 *
 * The connection may change at any statement, when cursors keep the one that they read from
 * (session_sqlite()). `equip` then registers on the fresh one what the bits say was on the other,
 * and sets them; not 0: it cannot, and the other one stays. It may not await. */
void session_set_user(struct session *session, void *user,
                      int (*equip)(void *user, unsigned registered));
void *session_user(const struct session *session);
unsigned session_registered(const struct session *session);
void session_set_registered(struct session *session, unsigned registered);

/* Rolls back, closes all cursors (their handles are gone then) and cached statements. Whatever else
 * was charged to the session's account must be freed before. NULL is fine. */
void session_close(struct session *session);

struct sqlite3 *session_sqlite(const struct session *session);
struct clone *session_clone(const struct session *session);
struct account *session_account(struct session *session);
const struct session_options *session_options(const struct session *session);
void session_set_lock_timeout(struct session *session, int64_t timeout_us);
void session_set_work_mem(struct session *session, size_t bytes); /* of cursors that come */
/* From now on statements may call only functions that this says true of, inside of views, too:
 * 42501. NULL: all that clients may. A statement that is prepared already is not asked about. */
void session_allow_functions(struct session *session, bool (*allows)(const char *function));
/* Stands for what a statement would see that begins now: it is the same number as long as that is
 * the same. False: others have committed something that it would not see yet. */
bool session_sees_newest(const struct session *session, uint64_t *ret_version);
/* What statements do from now on may take so many steps of SQLite's machine, all together; then
 * they are stopped as by a cancel, and those that come, too. 0: no end. */
void session_limit_steps(struct session *session, uint64_t steps);

/* Asks the statement that runs now (if any) to stop, from another task of this loop. */
void session_stop_statement(struct session *session, enum stop_reason reason);

/* For statements that are more than one of SQLite's, between two of their steps: gives up the turn
 * when the time slice is over. 0, or FAILED when the statement must stop. */
must_check int session_breathe(struct session *session, struct failure *ret_failure);
/* Awaits something for the running statement: wait(arg, deadline) is an await of the running task,
 * which is cancelled when the statement must stop. What wait says, or FAILED when it must stop. */
must_check int session_await(struct session *session, int (*wait)(void *arg, int64_t deadline_us),
                             void *arg, struct failure *ret_failure);
/* The same for bytes. 0, FAILED or -errno. */
must_check int session_await_readable(struct session *session, int fd, struct failure *ret_failure);

/* What it waits for: the writer's place of its clone, or an advisory lock. */
bool session_waits_for_place(const struct session *session);
bool session_waits_for_lock(const struct session *session);

int32_t session_pid(const struct session *session); /* of its user; 0: unknown */
int64_t session_now_us(void); /* microseconds of the loop's clock, which awaits go by */

/* Who has the writer's place of its clone (`granted`), and who waits for it, first come first. */
void session_each_writer(const struct session *session,
                         void (*fn)(void *arg, const struct session *writer, bool granted,
                                    int64_t since_us),
                         void *arg);

/* Brackets one client statement: sets its deadline (DEADLINE_NONE: none) and forgets an earlier
 * stop. */
void session_statement_begin(struct session *session, int64_t deadline_us);

/* ---- prepared sqlite3_stmts: a cache by text ---- */

/* Lends a prepared, reset statement for exactly this SQLite text; give it back with
 * session_release(). 0 or FAILED. Prepare runs on the caller's stack; the guard (pool/guard.h)
 * refuses what would be too deep. */
must_check int session_prepare(struct session *session, struct view sql,
                               struct sqlite3_stmt **ret_stmt, struct failure *ret_failure);
void session_release(struct session *session, struct sqlite3_stmt *stmt);
/* The same for one that will be wanted again before any other: even a large one is kept till then.
 */
void session_release_soon(struct session *session, struct sqlite3_stmt *stmt);

/* ---- the schema ---- */

/* Stands for the schema that the session's next statement has before it, unless a transaction still
 * sees an older root: as long as it is the same number, so is the schema. */
uint32_t session_schema_version(const struct session *session);

/* Reads the schema that is in the session's view now, when it is another one than it knows, and
 * gives its version: session_schema_version(), unless a transaction still sees an older root.
 * Half-run cursors that do leave for it. 0 or FAILED. May await. */
must_check int session_read_schema(struct session *session, uint32_t *ret_version,
                                   struct failure *ret_failure);

/* Puts another CREATE TABLE text in a table's place; its rows stay as they are and must fit. For a
 * session that has the writer's place (CURSOR_LOCKS) and no open cursors. 0, or FAILED and nothing
 * is changed: SQLite cannot read the text. Awaits nothing. */
must_check int session_edit_schema(struct session *session, bool temporary, const char *table,
                                   const char *text, struct failure *ret_failure);

/* ---- rows that are kept ---- */

/* An empty spool (pool/spool.h) with the session's work_mem and temporary files, whose end it must
 * not outlive. */
void session_spool_init(struct session *session, struct spool *spool);

/* ---- cursors: half-run statements as async iterators ---- */

enum cursor_flags {
    CURSOR_WRITES = 1 << 0,  /* takes the writer's place first: INSERT, UPDATE, DELETE, DDL */
    CURSOR_LOCKS = 1 << 1,   /* SELECT ... FOR UPDATE/SHARE, LOCK TABLE: the same without writing */
    CURSOR_SCROLL = 1 << 2,  /* all rows that were read are kept: cursor_seek() */
    CURSOR_PARKED = 1 << 3,  /* it is not read at once, and sees what is there now all the same */
    CURSOR_REWINDS = 1 << 4, /* it may have to scroll: cursor_keep_rows(). For what only reads, and
                                may be run more than once */
};

enum { CURSOR_END = 2 }; /* no more rows */

/* Starts a statement: opens the deferred transaction as needed, binds the parameters (copied).
 * sql is SQLite's; ?1..?n are the parameters. 0 or FAILED. */
must_check int cursor_open(struct session *session, struct view sql, const struct cell *params,
                           size_t param_count, unsigned flags, struct cursor **ret_cursor,
                           struct failure *ret_failure);

/* The next row: 0 and cells that live until the next call for this cursor or any other use of the
 * session, CURSOR_END, or FAILED (24000 when the cursor's transaction has ended). */
must_check int cursor_next(struct cursor *cursor, const struct cell **ret_cells,
                           struct failure *ret_failure);
size_t cursor_columns(const struct cursor *cursor);
/* 0A000: what was prepared gives other columns than its client was told of. Drivers that see it
 * prepare anew. Returns FAILED. */
int cursor_fail_stale(struct failure *ret_failure);
int64_t cursor_changes(const struct cursor *cursor); /* rows changed, once at its end */
void cursor_close(struct cursor *cursor); /* NULL is fine; dropping it half-way is fine */

/* The next row shall be this one (0: the first), which must have been read before. The cursor keeps
 * its rows: CURSOR_SCROLL, or cursor_keep_rows() came before. */
void cursor_seek(struct cursor *cursor, uint64_t row);
/* From now on the cursor, which is CURSOR_SCROLL or CURSOR_REWINDS, can go to all rows that were
 * read: if they were not kept, it is run again, on what it sees. 0 or FAILED. */
must_check int cursor_keep_rows(struct cursor *cursor, struct failure *ret_failure);
/* The cursor outlives the transaction if that commits: if it has written, what is left of its rows
 * is spooled then. With no transaction it outlives whatever comes. 0 or FAILED. */
must_check int cursor_hold(struct cursor *cursor, struct failure *ret_failure);
/* It belongs to a time when there were so few savepoints: ROLLBACK TO a younger one lets it live.
 */
void cursor_set_depth(struct cursor *cursor, size_t savepoints);
/* Its transaction, or the savepoint that it was opened under, has ended. */
bool cursor_is_gone(const struct cursor *cursor);

/* Both, for statements without rows of interest: runs to the end. ret_changes may be NULL. */
must_check int session_execute(struct session *session, struct view sql, const struct cell *params,
                               size_t param_count, unsigned flags, int64_t *ret_changes,
                               struct failure *ret_failure);
