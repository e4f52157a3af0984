/* pool/cursor_rewind.c: cursors that may be asked to go back, and mostly are not.
 *
 * The rows of a short result are all kept, as one that scrolls does; of a longer one none are. Its
 * statement stays, and the root that it reads, even when its last row has been read: so it can be
 * run again, and give the same rows, which are then kept. */
#include "pool/cursor_impl.h"

void cursor_keep_few(struct cursor *cursor)
{
    struct spool *spool = &cursor->spool;
    int r = spool_put(spool, cursor->row.cells, cursor->row.columns);

    if (r == 0 && spool_rows(spool) <= few_rows && spool_bytes(spool) <= few_bytes) {
        spool_seek(spool, spool_rows(spool));
        return;
    }
    cursor->given = spool_rows(spool) + (r != 0);
    cursor->scrolls = false;
    spool_finish(spool);
}

int cursor_run_again(struct cursor *cursor, struct failure *ret_failure)
{
    uint64_t given = cursor->given;
    int r = 0;

    sqlite3_reset(cursor->stmt);
    cursor->rewinds = false;
    cursor->scrolls = true;
    cursor->through = false;
    cursor->pending = false;
    while (r == 0 && spool_rows(&cursor->spool) < given) {
        r = cursor_step(cursor, ret_failure);
        if (r == 0) {
            r = cursor_spool_row(cursor, ret_failure);
        }
    }
    spool_seek(&cursor->spool, spool_rows(&cursor->spool));
    return r == FAILED ? FAILED : 0;
}

int cursor_keep_rows(struct cursor *cursor, struct failure *ret_failure)
{
    int r = 0;

    if (!cursor->scrolls && cursor->state == CURSOR_LIVE) {
        session_enter(cursor->session);
        r = cursor_run_again(cursor, ret_failure);
        session_leave(cursor->session);
    }
    return r;
}
