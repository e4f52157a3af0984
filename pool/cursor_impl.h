/* pool/cursor_impl.h: what a cursor is made of, for the files cursor_*.c. The session is entered.
 */
#pragma once

#include "pool/session_state.h"
#include "pool/spool.h"
#include "pool/stmt_row.h"

struct sibling;

/* What is copied rather than that a connection is opened for it, or a statement run again. */
enum { few_rows = 256, few_bytes = 64 << 10 };

enum cursor_state {
    CURSOR_LIVE,    /* has a statement, perhaps half-run */
    CURSOR_SPOOLED, /* the rows that are left lie in the spool */
    CURSOR_DONE,
    CURSOR_GONE, /* its transaction is over */
    CURSOR_LOST, /* it had to be spooled, and there was no memory even to say why that failed */
};

struct cursor {
    TAILQ_ENTRY(cursor) entry; /* in session->cursors */
    struct session *session;
    sqlite3_stmt *stmt;      /* lent by the session's cache while live, or by */
    struct sibling *sibling; /* the connection that it has taken; NULL: the session's */
    enum cursor_state state;
    bool started;
    bool pending;   /* the row that the statement stands on was not given yet */
    bool stepping;  /* inside sqlite3_step(): what functions of that statement run must leave it
                       alone */
    bool locks;     /* holds the writer's place for itself: FOR UPDATE outside a transaction */
    bool wrote;     /* what it had to change is changed; only its rows are left */
    bool scrolls;   /* the spool has all rows that were read */
    bool rewinds;   /* that may end with the next row: it can be run again */
    bool through;   /* it could, and has given its last row: its statement must not be stepped */
    uint64_t given; /* rows, when it rewinds and does not scroll any more */
    bool held;      /* outlives its transaction if that commits */
    bool kept;      /* has done so */
    size_t depth;   /* savepoints that there were when it was opened */
    int64_t changes;
    struct spool spool;
    struct failure *late; /* mem_free; what comes behind the spool's rows, in the place of the end
                           */
    struct stmt_row row;
    struct cell room[]; /* of the row */
};

/* ---- cursor_step.c: parameters into SQLite's statement, rows out of it ---- */

/* Parameters that the statement does not name are not its business. 0 or FAILED. */
must_check int cursor_bind(struct session *session, sqlite3_stmt *stmt, const struct cell *params,
                           size_t count, struct failure *ret_failure);

/* 0: the cells hold a row; CURSOR_END: the statement is through; FAILED: so is the cursor. */
must_check int cursor_step(struct cursor *cursor, struct failure *ret_failure);

/* A reset in the middle of a RETURNING commits what it has changed, unless SQLite is made to see an
 * error. */
void cursor_undo_write(struct cursor *cursor);

/* Gives the statement back, and the writer's place if the cursor has it for itself. */
void cursor_let_go(struct cursor *cursor);

/* ---- cursor_leave.c: cursors leave the session ---- */

/* The row that the cells hold goes into the spool. 0, or FAILED and the cursor is done. */
must_check int cursor_spool_row(struct cursor *cursor, struct failure *ret_failure);

/* Takes all rows that are left into the spool, behind those that a scrollable cursor has there, and
 * lets go of the statement. 0, or FAILED and the cursor is done. */
must_check int cursor_spool_rest(struct cursor *cursor, struct failure *ret_failure);

/* The same for a cursor that has to leave its session. What its rows fail with is for those who
 * read it: then this is 0 too. */
must_check int cursor_leave(struct cursor *cursor, struct failure *ret_failure);

/* Is its statement half-run on the session's connection, or about to be? */
bool cursor_is_on_session(const struct cursor *cursor);
/* Is one's, or has one's root been held? */
bool cursor_is_in_the_way(const struct session *session);

/* ---- cursor_rewind.c ---- */

/* Of one that rewinds: keeps the row that the cells hold, while there are few. */
void cursor_keep_few(struct cursor *cursor);
/* One that rewinds and keeps no rows has its statement run again up to where it is, and keeps them
 * from now on. 0, or FAILED and it is done. */
must_check int cursor_run_again(struct cursor *cursor, struct failure *ret_failure);

/* ---- cursor_txn.c ---- */

/* The cursor has no rows any more: its transaction is over, or it is about to be closed. */
void cursor_end(struct cursor *cursor);
