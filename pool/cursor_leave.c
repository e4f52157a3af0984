/* pool/cursor_leave.c: how half-run cursors leave their session before it goes on: their remaining
 * rows move to their spools, and their statements are reset. */
#include "pool/cursor_impl.h"

#include "pool/vfs.h"

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
        spool_finish(&cursor->spool);
        return r;
    }
    cursor->state = CURSOR_SPOOLED;
    return 0;
}

static int spool_all(struct session *session, struct failure *ret_failure)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor->state != CURSOR_LIVE || cursor->stepping) {
            continue;
        }
        if (cursor_spool_rest(cursor, ret_failure) != 0) {
            return FAILED;
        }
        cursor_let_go(cursor);
    }
    return 0;
}

int cursor_make_way(struct session *session, enum txn_need need, struct failure *ret_failure)
{
    bool fixed = session->txn.modes.isolation != TXN_READ_COMMITTED;

    if (TAILQ_EMPTY(&session->cursors) ||
        (need == TXN_READ && (fixed || vfs_root_is_newest(session->db)))) {
        return 0;
    }
    return spool_all(session, ret_failure);
}
