/* pool/cursor.c: a statement on its way through its rows.
 *
 * A live cursor steps SQLite for each row; it is half-run, and pins a root, until its last row.
 * Before the session writes the live ones leave it (cursor_leave.c). What writes runs to its end
 * inside cursor_open(), and rows of RETURNING are spooled from the start.
 *
 * A scrollable cursor's spool has all rows that were read, too: it goes back in there, and steps
 * SQLite again behind the last of them. */
#include "pool/cursor_impl.h"

#include "pool/sqltext.h"

#include <assert.h>

enum { breathe_rows = 1024 };

void cursor_set_depth(struct cursor *cursor, size_t savepoints)
{
    cursor->depth = savepoints < cursor->depth ? savepoints : cursor->depth;
}

/* ---- opening ---- */

/* What runs is known by the statement itself; the flags add what it cannot know. */
static enum txn_need need_of(sqlite3_stmt *stmt, struct view sql, unsigned flags)
{
    char verb[16];

    if (sqlite3_stmt_isexplain(stmt) != 0) {
        return TXN_READ;
    }
    if (sqlite3_stmt_readonly(stmt)) {
        return flags & (CURSOR_LOCKS | CURSOR_WRITES) ? TXN_LOCK : TXN_READ;
    }
    sqltext_verb(sql, verb, sizeof(verb));
    return strcmp(verb, "VACUUM") == 0 ? TXN_VACUUM : TXN_WRITE;
}

static struct cursor *cursor_new(struct session *session, sqlite3_stmt *stmt, unsigned flags)
{
    size_t columns = (size_t)sqlite3_column_count(stmt);
    struct cursor *cursor = mem_alloc(sizeof(*cursor) + columns * stmt_row_bytes_per_column);

    if (cursor == NULL) {
        return NULL;
    }
    *cursor = (struct cursor){ .session = session,
                               .stmt = stmt,
                               .scrolls = (flags & (CURSOR_SCROLL | CURSOR_REWINDS)) != 0,
                               .rewinds = (flags & CURSOR_REWINDS) != 0,
                               .depth = session->txn.savepoint_count };
    stmt_row_init(&cursor->row, cursor->room, columns);
    session_spool_init(session, &cursor->spool);
    if (cursor->scrolls) {
        spool_set_seekable(&cursor->spool);
    }
    TAILQ_INSERT_TAIL(&session->cursors, cursor, entry);
    return cursor;
}

static void cursor_destroy(struct cursor *cursor)
{
    cursor_end(cursor);
    TAILQ_REMOVE(&cursor->session->cursors, cursor, entry);
    mem_free(cursor);
}

/* Changes are all made when the first row of a RETURNING comes, so it has to come to its end before
 * anything else. */
static int run_write(struct cursor *cursor, enum txn_need need, struct failure *ret_failure)
{
    struct session *session = cursor->session;
    int64_t before = sqlite3_total_changes64(session->db);

    session->vacuum = need == TXN_VACUUM;
    int r = cursor_spool_rest(cursor, ret_failure);
    session->vacuum = false;
    if (r == 0 && sqlite3_total_changes64(session->db) != before) {
        cursor->changes = sqlite3_changes64(session->db);
    }
    cursor->wrote = true;
    txn_leave(session);
    return r == 0 ? txn_settle(session, ret_failure) : r;
}

static int start(struct cursor *cursor, enum txn_need need, struct view sql, unsigned flags,
                 struct failure *ret_failure)
{
    struct session *session = cursor->session;

    if (txn_enter(session, need, sql, ret_failure) != 0) {
        return FAILED;
    }
    if (need == TXN_WRITE || need == TXN_VACUUM) {
        return run_write(cursor, need, ret_failure);
    }
    cursor->locks = need == TXN_LOCK;
    if ((flags & (CURSOR_PARKED | CURSOR_REWINDS)) != 0 && !session->txn.begun) {
        cursor_park(session);
    }
    return 0;
}

/* The statement, and what it needs; for that, others have made way. */
static int prepare(struct session *session, struct view sql, unsigned flags,
                   sqlite3_stmt **ret_stmt, enum txn_need *ret_need, struct failure *ret_failure)
{
    if (cursor_see_newest(session, ret_failure) != 0 ||
        session_prepare(session, sql, ret_stmt, ret_failure) != 0) {
        return FAILED;
    }
    *ret_need = need_of(*ret_stmt, sql, flags);
    if (*ret_need == TXN_READ || !cursor_is_in_the_way(session)) {
        return 0;
    }
    session_release(session, *ret_stmt);
    return cursor_make_way(session, ret_failure) != 0
               ? FAILED
               : session_prepare(session, sql, ret_stmt, ret_failure);
}

static int open_entered(struct session *session, struct view sql, const struct cell *params,
                        size_t param_count, unsigned flags, struct cursor **ret_cursor,
                        struct failure *ret_failure)
{
    enum txn_need need;
    sqlite3_stmt *stmt;

    if (prepare(session, sql, flags, &stmt, &need, ret_failure) != 0) {
        return FAILED;
    }
    if (cursor_bind(session, stmt, params, param_count, ret_failure) != 0) {
        session_release(session, stmt);
        return FAILED;
    }
    struct cursor *cursor = cursor_new(session, stmt, flags);
    if (cursor == NULL) {
        session_release(session, stmt);
        return failure_set_nomem(ret_failure);
    }
    if (start(cursor, need, sql, flags, ret_failure) != 0) {
        cursor_destroy(cursor);
        return FAILED;
    }
    *ret_cursor = cursor;
    return 0;
}

int cursor_open(struct session *session, struct view sql, const struct cell *params,
                size_t param_count, unsigned flags, struct cursor **ret_cursor,
                struct failure *ret_failure)
{
    session_enter(session);
    int r = open_entered(session, sql, params, param_count, flags, ret_cursor, ret_failure);
    session_leave(session);
    return r;
}

/* ---- reading ---- */

/* A scrollable cursor's row stays in the spool, and is behind us there. */
static int keep_row(struct cursor *cursor, struct failure *ret_failure)
{
    if (cursor->rewinds) {
        cursor_keep_few(cursor);
        return 0;
    }
    if (cursor_spool_row(cursor, ret_failure) != 0) {
        return FAILED;
    }
    spool_seek(&cursor->spool, spool_rows(&cursor->spool));
    return 0;
}

static void end_live(struct cursor *cursor)
{
    if (cursor->rewinds && !cursor->scrolls) {
        cursor->through = true;
        return;
    }
    cursor->state = cursor->scrolls ? CURSOR_SPOOLED : CURSOR_DONE;
    cursor_let_go(cursor);
}

static int next_live(struct cursor *cursor, struct failure *ret_failure)
{
    int r = cursor->through ? CURSOR_END : cursor_step(cursor, ret_failure);

    if (r == CURSOR_END) {
        end_live(cursor);
    } else if (r == 0 && cursor->scrolls) {
        r = keep_row(cursor, ret_failure);
    } else if (r == 0) {
        cursor->given++;
    }
    return r;
}

/* SQLite's progress handler sees nothing of these rows. What has written is not stopped any more:
 * it is done, and perhaps committed. */
static int next_kept(struct cursor *cursor, struct failure *ret_failure)
{
    struct spool *spool = &cursor->spool;
    int r = spool_get(spool, cursor->row.cells, cursor->row.columns);

    if (r == SPOOL_END) {
        return CURSOR_END;
    }
    if (r != 0) {
        return spool_fail(spool, r, ret_failure);
    }
    return !cursor->wrote && spool->row % breathe_rows == 0
               ? session_breathe(cursor->session, ret_failure)
               : 0;
}

static int end_of_spool(const struct cursor *cursor, struct failure *ret_failure)
{
    if (cursor->late == NULL) {
        return CURSOR_END;
    }
    if (ret_failure != NULL) {
        *ret_failure = *cursor->late;
    }
    return FAILED;
}

static int next_entered(struct cursor *cursor, struct failure *ret_failure)
{
    int r = CURSOR_END;

    switch (cursor->state) {
    case CURSOR_LIVE:
        r = spool_rows(&cursor->spool) > 0 ? next_kept(cursor, ret_failure) : CURSOR_END;
        return r == CURSOR_END ? next_live(cursor, ret_failure) : r;
    case CURSOR_SPOOLED:
        r = next_kept(cursor, ret_failure);
        return r == CURSOR_END ? end_of_spool(cursor, ret_failure) : r;
    case CURSOR_LOST:
        return failure_set_nomem(ret_failure);
    case CURSOR_GONE:
        return failure_set(ret_failure, "24000", "cursor is closed: its transaction has ended");
    case CURSOR_DONE:
        break;
    }
    return r;
}

int cursor_next(struct cursor *cursor, const struct cell **ret_cells, struct failure *ret_failure)
{
    session_enter(cursor->session);
    int r = next_entered(cursor, ret_failure);
    session_leave(cursor->session);
    if (r == 0) {
        *ret_cells = cursor->row.cells;
    }
    return r;
}

size_t cursor_columns(const struct cursor *cursor)
{
    return cursor->row.columns;
}

int64_t cursor_changes(const struct cursor *cursor)
{
    return cursor->changes;
}

void cursor_seek(struct cursor *cursor, uint64_t row)
{
    assert(cursor->scrolls);
    if (cursor->state == CURSOR_LIVE || cursor->state == CURSOR_SPOOLED) {
        spool_seek(&cursor->spool, row);
    }
}

bool cursor_is_gone(const struct cursor *cursor)
{
    return cursor->state == CURSOR_GONE;
}

void cursor_close(struct cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    struct session *session = cursor->session;

    session_enter(session);
    cursor_destroy(cursor);
    session_leave(session);
}

void cursor_close_all(struct session *session)
{
    struct cursor *cursor;

    while ((cursor = TAILQ_FIRST(&session->cursors)) != NULL) {
        cursor_destroy(cursor);
    }
}

int session_execute(struct session *session, struct view sql, const struct cell *params,
                    size_t param_count, unsigned flags, int64_t *ret_changes,
                    struct failure *ret_failure)
{
    struct cursor *cursor;
    const struct cell *cells;
    int r = cursor_open(session, sql, params, param_count, flags, &cursor, ret_failure);

    if (r != 0) {
        return r;
    }
    do {
        r = cursor_next(cursor, &cells, ret_failure);
    } while (r == 0);
    if (r == CURSOR_END && ret_changes != NULL) {
        *ret_changes = cursor->changes;
    }
    cursor_close(cursor);
    return r == CURSOR_END ? 0 : r;
}
