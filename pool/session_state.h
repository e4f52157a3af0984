/* pool/session_state.h: what a session is made of; for pool/'s own files.
 *
 * Memory: between session_enter() and session_leave() the session's account is current, so that
 * what SQLite takes is charged to it. Whoever awaits in between puts the caller's back for the time
 * that other tasks run. */
#pragma once

#include "pool/advisory.h"
#include "pool/session.h"
#include "pool/stmt_cache.h"
#include "pool/tempfile.h"
#include "pool/txn.h"

#include <sqlite3.h>
#include <sys/queue.h>

struct task;

TAILQ_HEAD(cursor_list, cursor);

/* What the authorizer refused: SQLite itself only says "not authorized". */
struct guard_denial {
    char sqlstate[6];
    char message[160];
};

struct guard {
    struct guard_denial denial;
    bool creates_view;                    /* the statement that is being prepared does */
    bool (*allows)(const char *function); /* NULL: all that are not refused to everyone */
};

enum txn_stmt { TXN_STMT_BEGIN, TXN_STMT_COMMIT, TXN_STMT_ROLLBACK, TXN_STMTS };

struct txn {
    bool explicit_; /* between BEGIN and COMMIT */
    bool implicit;
    bool several;     /* implicit: of a query string with several statements */
    bool pipelined;   /* implicit: a statement of the pipeline has run in it */
    bool alone;       /* what ran commits at once, whatever follows */
    bool failed;      /* explicit_ only: all but ROLLBACK is refused */
    bool lost;        /* SQLite ended the block by itself: ROLLBACK TO is refused too */
    bool begun;       /* SQLite is in a transaction: we have the writer's place */
    bool touched;     /* a statement has run in it */
    uint64_t rewinds; /* of the clone, when it did */
    bool stuck;       /* a ROLLBACK failed for want of memory: tried again before anything else */
    bool defer_constraints;
    struct txn_modes modes;    /* outside of one: those of the next statement */
    struct txn_modes defaults; /* of the next transaction */
    char **savepoints; /* their names, oldest first; SQLite knows number i as "s<i>" once begun */
    size_t savepoint_count;
    size_t savepoint_cap;
    size_t begun_at; /* savepoints that were there when SQLite's transaction began */
    sqlite3_stmt *stmts[TXN_STMTS];
};

struct session {
    struct sqlite3 *db;
    struct clone *clone;
    struct session_options options;
    struct account account;
    struct account *outer; /* the caller's, while entered > 0 */
    unsigned entered;
    unsigned internal;       /* > 0: pond's own statements run, which the guard lets pass */
    unsigned unstoppable;    /* > 0: what runs now must come to its end */
    bool vacuum;             /* VACUUM runs: it attaches a nameless database */
    bool parked;             /* the connection's root is held for cursors (cursor_park) */
    bool has_temporary;      /* temporary objects were made: not for another lease */
    uint32_t schema_version; /* the clone's when the lease began */
    unsigned registered;     /* the user's */
    void *user;
    int (*equip)(void *user, unsigned registered); /* the user's, for a fresh connection */
    unsigned stepping;                             /* statements of cursors that are in a step */
    unsigned siblings;                             /* connections that cursors have taken */
    struct advisory_holds advisory;                /* its advisory locks */
    bool waits_for_place;
    bool expects_schema; /* txn_expect_schema() */
    bool schema_moved;
    uint32_t expected_schema; /* while it does */
    int64_t waits_since_us;
    struct advisory_wait *waits_for_lock;
    struct {
        uint64_t seen;
        struct session *from;
        STAILQ_ENTRY(session) next;
    } waits;                /* pool/waits.c's */
    int64_t place_since_us; /* when it got the writer's place */
    struct task *waiter;    /* waits for it, or for what else its statement needs */
    bool waiter_stopped;    /* session_stop_statement() cancelled that wait */
    int64_t deadline_us;
    enum stop_reason stop;
    uint64_t steps_most; /* that all statements together may take; 0: no end */
    uint64_t steps;      /* that they took, counted by the thousand */
    struct guard guard;
    struct stmt_cache cache;
    struct tempfile_room temp;
    struct cursor_list cursors;
    struct txn txn;
};

void session_enter(struct session *session);
void session_leave(struct session *session);

/* session_connect.c: opens session->db and sets it up. SQLite's code; when it is not SQLITE_OK
 * there may be a connection all the same, to be closed. */
must_check int session_connect(struct session *session);

/* session_stop.c: has its connection's statements ask for the turn, deadline and stop. */
void session_watch(struct session *session);
/* Runs fn(arg), which blocks, on a helper thread while other tasks run; at once where nobody may
 * await. `owner` is the session. */
void session_run_blocking(void *owner, void (*fn)(void *arg), void *arg);

int64_t session_lock_deadline(const struct session *session); /* of a wait that begins now */

/* The failure of the SQLite call that just answered `code`. Resets stmt (may be NULL), and notes
 * when SQLite has ended the transaction. Returns FAILED. */
int session_fail(struct session *session, int code, struct view sql, sqlite3_stmt *stmt,
                 struct failure *ret_failure);

/* The failure of a statement that was stopped (session->stop). Returns FAILED. */
int session_fail_stopped(struct session *session, struct failure *ret_failure);

/* Runs one of pond's own statements without rows. SQLite's code. */
int session_run_internal(struct session *session, const char *sql);

/* cursor_leave.c: before the session writes, its live cursors leave it. No statement may be lent
 * but theirs. 0 or FAILED. */
must_check int cursor_make_way(struct session *session, struct failure *ret_failure);
/* cursor_leave.c: the same before a statement is prepared, if for their sake it would not see the
 * newest root. */
must_check int cursor_see_newest(struct session *session, struct failure *ret_failure);
/* cursor_leave.c: what the session's cursors will see is what is there now, even if they have not
 * begun to read; the end of a transaction does not matter to those that outlive it. */
void cursor_park(struct session *session);
void cursor_drop_root(struct session *session);
/* cursor_txn.c: their transaction is over: ends every cursor but those that outlived an earlier
 * one. */
void cursor_end_all(struct session *session);
/* cursor_txn.c: the transaction is about to commit: spools what is held and lets it live on. 0 or
 * FAILED. */
must_check int cursor_keep_held(struct session *session, struct failure *ret_failure);
/* cursor_txn.c: ROLLBACK TO savepoint `number` ends cursors opened since; RELEASE makes them its
 * parent's. */
void cursor_rollback_to(struct session *session, size_t number);
void cursor_release(struct session *session, size_t number);
/* cursor.c */
void cursor_close_all(struct session *session);

/* txn.c: before each statement: takes what it needs (root, writer's place, SQLite's transaction). 0
 * or FAILED. */
enum txn_need { TXN_READ, TXN_LOCK, TXN_WRITE, TXN_VACUUM };
must_check int txn_enter(struct session *session, enum txn_need need, struct view sql,
                         struct failure *ret_failure);
/* txn_schema.c: with the writer's place just got: is the schema the expected one? 0, or FAILED:
 * 40001, and txn_schema_moved(). */
must_check int txn_check_schema(struct session *session, struct failure *ret_failure);
/* Once no transaction of SQLite's is open: what was committed is on the disk. 0 or FAILED. */
must_check int txn_settle(struct session *session, struct failure *ret_failure);
/* Has its transaction taken a root that it keeps until its end (REPEATABLE READ)? */
bool txn_has_root(const struct session *session);
/* After each error of SQLite's: has it ended the transaction? */
void txn_check_lost(struct session *session);
void txn_forget_statements(struct session *session); /* of its connection, which is to change */
void txn_finish(struct session *session);            /* for session_close */
/* txn_savepoint.c: number `from` and those that are younger. */
void txn_forget_savepoints(struct txn *txn, size_t from);
