/* pool/cursor_leave.c: how half-run cursors leave their session before it goes on: their remaining
 * rows move to their spools, and their statements are reset.
 *
 * A row may fail to be had: a division by zero in the one after next. Who has asked for something
 * else is not told of that; the cursor keeps the failure behind the rows that it has. */
#include "pool/cursor_impl.h"

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
    int r = spool_put(&cursor->spool, cursor->cells, cursor->columns);

    return r == 0 ? 0 : fail_spool(cursor, r, ret_failure);
}

int cursor_spool_rest(struct cursor *cursor, struct failure *ret_failure)
{
    int r;

    while ((r = cursor_step(cursor, ret_failure)) == 0) {
        if (cursor_spool_row(cursor, ret_failure) != 0) {
            return FAILED;
        }
    }
    if (r != CURSOR_END) {
        return r;
    }
    cursor->state = CURSOR_SPOOLED;
    cursor_let_go(cursor);
    return 0;
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

int cursor_leave(struct cursor *cursor, struct failure *ret_failure)
{
    struct failure failure = { .sqlstate = "" };

    if (cursor_spool_rest(cursor, &failure) == 0) {
        return 0;
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

bool cursor_is_on_session(const struct cursor *cursor)
{
    return cursor->state == CURSOR_LIVE && !cursor->stepping;
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

static int leave_all(struct session *session, struct failure *ret_failure)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor_is_on_session(cursor) && cursor_leave(cursor, ret_failure) != 0) {
            return FAILED;
        }
    }
    return 0;
}

int cursor_make_way(struct session *session, struct failure *ret_failure)
{
    if (leave_all(session, ret_failure) != 0) {
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
