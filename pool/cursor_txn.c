/* pool/cursor_txn.c: what the end of a transaction or of a savepoint does to cursors. One that is
 * held is spooled at COMMIT and then belongs to no transaction. */
#include "pool/cursor_impl.h"

void cursor_end(struct cursor *cursor)
{
    cursor_let_go(cursor);
    spool_finish(&cursor->spool);
    mem_free(take_ptr(cursor->late));
    cursor->state = CURSOR_GONE;
}

void cursor_end_all(struct session *session)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (!cursor->kept) {
            cursor_end(cursor);
        }
    }
}

/* A cursor whose transaction has not written may stay where it is: it leaves as any other when it
 * stands in the way. */
static int keep(struct cursor *cursor, struct failure *ret_failure)
{
    struct session *session = cursor->session;

    if (cursor_is_on_session(cursor) && (session->txn.begun || cursor->locks) &&
        cursor_spool_rest(cursor, ret_failure) != 0) {
        return FAILED;
    }
    cursor->kept = true;
    if (cursor_is_on_session(cursor)) {
        cursor_park(session);
    }
    return 0;
}

int cursor_keep_held(struct session *session, struct failure *ret_failure)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor->held && !cursor->kept && keep(cursor, ret_failure) != 0) {
            return FAILED;
        }
    }
    return 0;
}

int cursor_hold(struct cursor *cursor, struct failure *ret_failure)
{
    struct session *session = cursor->session;
    int r = 0;

    cursor->held = true;
    if (!txn_is_open(session)) {
        session_enter(session);
        r = keep(cursor, ret_failure);
        session_leave(session);
    }
    return r;
}

/* SQLite's savepoints know nothing of half-run statements, so what is to live on leaves before. */
static void leave_savepoint(struct cursor *cursor)
{
    if (cursor_is_on_session(cursor) && cursor->session->txn.begun) {
        (void)!cursor_leave(cursor, NULL);
    }
}

void cursor_rollback_to(struct session *session, size_t number)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor->kept) {
            continue;
        }
        if (cursor->depth > number) {
            cursor_end(cursor);
        } else {
            leave_savepoint(cursor);
        }
    }
}

void cursor_release(struct session *session, size_t number)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        cursor->depth = cursor->depth < number ? cursor->depth : number;
    }
}
