/* pool/cursor_leave.c: how half-run cursors leave their session before it goes on.
 *
 * First a few rows of each move to its spool: most results end there. Where one does not, all that
 * are left take the session's connection, as it is, and the session goes on with a fresh one
 * (sibling.h). If that may not be, their rows are spooled to the end.
 *
 * A row may fail to be had: a division by zero in the one after next. Who has asked for something
 * else is not told of that; the cursor keeps the failure behind the rows that it has. */
#include "pool/sibling.h"

#include "pool/vfs.h"

/* ---- spooling ---- */

static int fail_spool(struct cursor *cursor, int r, struct failure *ret_failure)
{
    cursor_undo_write(cursor);
    cursor->state = CURSOR_DONE;
    cursor_let_go(cursor);
    return spool_fail(&cursor->spool, r, ret_failure);
}

int cursor_spool_row(struct cursor *cursor, struct failure *ret_failure)
{
    int r = spool_put(&cursor->spool, cursor->row.cells, cursor->row.columns);

    return r == 0 ? 0 : fail_spool(cursor, r, ret_failure);
}

enum { SPOOL_MORE = 3 }; /* there are rows left */

/* All are in the spool. */
static int spooled(struct cursor *cursor)
{
    cursor->state = CURSOR_SPOOLED;
    cursor_let_go(cursor);
    return 0;
}

/* One that keeps no rows but may have to go back leaves with all of them or with its statement. */
static bool must_run_again(const struct cursor *cursor)
{
    return cursor->rewinds && !cursor->scrolls;
}

/* A few rows into the spool, behind those that are there. 0: that were all, and the statement was
 * let go of; SPOOL_MORE: the others, from the one that found no room on, are still in it; FAILED.
 */
static int spool_few(struct cursor *cursor, struct failure *ret_failure)
{
    uint64_t end = spool_bytes(&cursor->spool);
    int r = 0;

    if (must_run_again(cursor)) {
        return SPOOL_MORE;
    }
    for (int rows = 0; rows < few_rows && spool_bytes(&cursor->spool) - end < few_bytes; rows++) {
        r = cursor_step(cursor, ret_failure);
        if (r != 0) {
            return r == CURSOR_END ? spooled(cursor) : r;
        }
        if (spool_put(&cursor->spool, cursor->row.cells, cursor->row.columns) != 0) {
            cursor->pending = true;
            return SPOOL_MORE;
        }
    }
    return SPOOL_MORE;
}

int cursor_spool_rest(struct cursor *cursor, struct failure *ret_failure)
{
    int r = must_run_again(cursor) ? cursor_run_again(cursor, ret_failure) : 0;

    while (r == 0 && (r = cursor_step(cursor, ret_failure)) == 0) {
        if (cursor_spool_row(cursor, ret_failure) != 0) {
            return FAILED;
        }
    }
    return r == CURSOR_END ? spooled(cursor) : r;
}

/* ---- leaving ---- */

/* The rows behind those of the spool cannot be had any more: who gets there is told why. */
static void fail_later(struct cursor *cursor, const struct failure *failure)
{
    cursor->late = mem_alloc(sizeof(*cursor->late));
    cursor->state = cursor->late == NULL ? CURSOR_LOST : CURSOR_SPOOLED;
    if (cursor->late != NULL) {
        *cursor->late = *failure;
    }
}

/* Is it about the cursor's rows, and not about who was asked to make way for something else: a
 * statement that was stopped, memory, the disk? */
static bool is_of_its_rows(const struct session *session, const struct failure *failure)
{
    static const char *const others[] = { "53", "58", "42501" /* of a file */ };
    bool its = session->stop == STOP_NONE;

    for (size_t i = 0; its && i < ARRAY_LEN(others); i++) {
        its = strncmp(failure->sqlstate, others[i], strlen(others[i])) != 0;
    }
    return its;
}

typedef int spool_fn(struct cursor *cursor, struct failure *ret_failure);

/* As spool(), for a cursor that has to leave. */
static int leave_by(spool_fn *spool, struct cursor *cursor, struct failure *ret_failure)
{
    struct failure failure = { .sqlstate = "" };
    int r = spool(cursor, &failure);

    if (r != FAILED) {
        return r;
    }
    fail_later(cursor, &failure);
    if (is_of_its_rows(cursor->session, &failure)) {
        return 0;
    }
    if (ret_failure != NULL) {
        *ret_failure = failure;
    }
    return FAILED;
}

int cursor_leave(struct cursor *cursor, struct failure *ret_failure)
{
    return leave_by(cursor_spool_rest, cursor, ret_failure);
}

bool cursor_is_on_session(const struct cursor *cursor)
{
    return cursor->state == CURSOR_LIVE && cursor->sibling == NULL && !cursor->stepping;
}

bool cursor_is_in_the_way(const struct session *session)
{
    const struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor_is_on_session(cursor)) {
            return true;
        }
    }
    return session->parked;
}

/* 0, FAILED or SPOOL_MORE: at least one has rows left. */
static int leave_all_by(spool_fn *spool, struct session *session, struct failure *ret_failure)
{
    struct cursor *cursor;
    int result = 0;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        int r = cursor_is_on_session(cursor) ? leave_by(spool, cursor, ret_failure) : 0;

        if (r == FAILED) {
            return FAILED;
        }
        result = r == 0 ? result : r;
    }
    return result;
}

static int leave(struct session *session, struct failure *ret_failure)
{
    if (sibling_may_open(session)) {
        int r = leave_all_by(spool_few, session, ret_failure);

        if (r != SPOOL_MORE || sibling_open(session)) {
            return r == FAILED ? FAILED : 0;
        }
    }
    return leave_all_by(cursor_spool_rest, session, ret_failure);
}

int cursor_make_way(struct session *session, struct failure *ret_failure)
{
    if (leave(session, ret_failure) != 0) {
        return FAILED;
    }
    if (!txn_has_root(session)) {
        vfs_drop_root(session->db);
    }
    session->parked = false;
    return 0;
}

int cursor_see_newest(struct session *session, struct failure *ret_failure)
{
    if ((TAILQ_EMPTY(&session->cursors) && !session->parked) || txn_has_root(session) ||
        vfs_root_is_newest(session->db)) {
        return 0;
    }
    return cursor_make_way(session, ret_failure);
}

/* ---- staying ---- */

void cursor_park(struct session *session)
{
    vfs_hold_root(session->db);
    session->parked = true;
}

void cursor_drop_root(struct session *session)
{
    const struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor->kept && cursor_is_on_session(cursor)) {
            session->parked = true; /* it may not have begun to read */
            return;
        }
    }
    vfs_drop_root(session->db);
    session->parked = false;
}
