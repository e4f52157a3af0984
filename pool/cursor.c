/* pool/cursor.c: a statement on its way through its rows.
 *
 * A live cursor steps SQLite for each row; it is half-run, and pins a root, until its last row.
 * Before the session writes the live ones are spooled: their remaining rows move to memory and
 * their statement is reset. What writes runs to its end inside cursor_open(), and rows of RETURNING
 * are spooled from the start.
 *
 * A scrollable cursor's spool has all rows that were read, too: it goes back in there, and steps
 * SQLite again behind the last of them. One that is held is spooled at COMMIT and then belongs to
 * no transaction. */
#include "pool/session_state.h"
#include "pool/spool.h"

#include "pool/sqltext.h"
#include "pool/vfs.h"

#include <assert.h>
#include <errno.h>

enum { spool_default_bytes = 16 << 20 };

enum cursor_state {
    CURSOR_LIVE,    /* has a statement, perhaps half-run */
    CURSOR_SPOOLED, /* the rows that are left lie in the spool */
    CURSOR_DONE,
    CURSOR_GONE, /* its transaction is over */
    CURSOR_LOST, /* there was no room for its rows when they had to be spooled */
};

struct cursor {
    TAILQ_ENTRY(cursor) entry; /* in session->cursors */
    struct session *session;
    sqlite3_stmt *stmt; /* lent by the session's cache while live */
    enum cursor_state state;
    bool started;
    bool stepping; /* inside sqlite3_step(): what functions of that statement run must leave it
                      alone */
    bool locks;    /* holds the writer's place for itself: FOR UPDATE outside a transaction */
    bool scrolls;
    bool held;    /* outlives its transaction if that commits */
    bool kept;    /* has done so */
    size_t depth; /* savepoints that there were when it was opened */
    int64_t changes;
    struct spool spool;
    size_t columns;
    struct cell cells[]; /* one row */
};

/* ---- rows ---- */

/* The cell of one column; false when SQLite had no memory to hand it out. The value is asked, not
 * the column, as each question of a column enters and leaves the API anew; sqlite_setup() chose a
 * threading mode in which values of a result row may be asked. */
static bool get_cell(sqlite3_stmt *stmt, int i, struct cell *cell)
{
    sqlite3_value *value = sqlite3_column_value(stmt, i);
    const void *bytes;

    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        *cell = (struct cell){ .kind = CELL_INT, .i = sqlite3_value_int64(value) };
        return true;
    case SQLITE_FLOAT:
        *cell = (struct cell){ .kind = CELL_REAL, .r = sqlite3_value_double(value) };
        return true;
    case SQLITE_TEXT:
        bytes = sqlite3_value_text(value);
        cell->kind = CELL_TEXT;
        break;
    case SQLITE_BLOB:
        bytes = sqlite3_value_blob(value);
        cell->kind = CELL_BLOB;
        break;
    default:
        *cell = (struct cell){ .kind = CELL_NULL };
        return true;
    }
    cell->bytes = view_of(bytes, (size_t)sqlite3_value_bytes(value));
    return bytes != NULL || (cell->kind == CELL_BLOB && cell->bytes.len == 0);
}

static struct view sql_of(const struct cursor *cursor)
{
    return view_of_str(sqlite3_sql(cursor->stmt));
}

static void let_go_of_statement(struct cursor *cursor)
{
    if (cursor->stmt != NULL) {
        session_release(cursor->session, take_ptr(cursor->stmt));
    }
    if (cursor->locks) {
        cursor->locks = false;
        txn_leave(cursor->session);
    }
}

static int fail_step(struct cursor *cursor, int rc, struct failure *ret_failure)
{
    int r = session_fail(cursor->session, rc, sql_of(cursor), cursor->stmt, ret_failure);

    cursor->state = CURSOR_DONE;
    let_go_of_statement(cursor);
    return r;
}

/* The plan was made anew because the schema has changed: does it still give the rows that the
 * client was told of? */
static bool shape_changed(struct cursor *cursor)
{
    bool first = !cursor->started;

    cursor->started = true;
    return first && (size_t)sqlite3_column_count(cursor->stmt) != cursor->columns;
}

/* A reset in the middle of a RETURNING commits what it has changed, unless SQLite is made to see an
 * error. */
static void undo_write(struct cursor *cursor)
{
    sqlite3 *db = cursor->session->db;

    if (!sqlite3_stmt_readonly(cursor->stmt) && sqlite3_get_autocommit(db) != 0) {
        sqlite3_interrupt(db);
        (void)sqlite3_step(cursor->stmt);
    }
}

static int fail_shape(struct cursor *cursor, struct failure *ret_failure)
{
    undo_write(cursor);
    cursor->state = CURSOR_DONE;
    let_go_of_statement(cursor);
    return failure_set(ret_failure, "0A000", "cached plan must not change result type");
}

/* 0: the cells hold a row; CURSOR_END: the statement is through; FAILED. */
static int step(struct cursor *cursor, struct failure *ret_failure)
{
    cursor->stepping = true;
    int rc = sqlite3_step(cursor->stmt);
    cursor->stepping = false;

    if (rc == SQLITE_ROW && shape_changed(cursor)) {
        return fail_shape(cursor, ret_failure);
    }
    if (rc == SQLITE_DONE) {
        return CURSOR_END;
    }
    if (rc != SQLITE_ROW) {
        return fail_step(cursor, rc, ret_failure);
    }
    for (size_t i = 0; i < cursor->columns; i++) {
        if (!get_cell(cursor->stmt, (int)i, &cursor->cells[i])) {
            undo_write(cursor);
            return fail_step(cursor, SQLITE_NOMEM, ret_failure);
        }
    }
    return 0;
}

/* ---- spooling ---- */

static int fail_room(const struct cursor *cursor, int r, struct failure *ret_failure)
{
    failure_set_nomem(ret_failure);
    if (r == BUF_FULL) {
        failure_add(ret_failure, FIELD_DETAIL,
                    "The rows that an open cursor has left need more than %zu bytes.",
                    cursor->spool.rows.max);
        failure_add(ret_failure, FIELD_HINT,
                    "Close the cursor, or fetch its rows, before the session goes on.");
    }
    return FAILED;
}

static int fail_spool(struct cursor *cursor, int r, struct failure *ret_failure)
{
    undo_write(cursor);
    cursor->state = CURSOR_DONE;
    let_go_of_statement(cursor);
    return fail_room(cursor, r, ret_failure);
}

/* Takes all rows that are left into memory, behind those that a scrollable cursor has there. The
 * statement is reset then. */
static int spool_rest(struct cursor *cursor, struct failure *ret_failure)
{
    int r;

    while ((r = step(cursor, ret_failure)) == 0) {
        int put = spool_put(&cursor->spool, cursor->cells, cursor->columns);

        if (put != 0) {
            return fail_spool(cursor, put, ret_failure);
        }
    }
    if (r != CURSOR_END) {
        spool_finish(&cursor->spool);
        return r;
    }
    cursor->state = CURSOR_SPOOLED;
    return 0;
}

int cursor_spool_all(struct session *session, struct failure *ret_failure)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor->state != CURSOR_LIVE || cursor->stepping) {
            continue;
        }
        if (spool_rest(cursor, ret_failure) != 0) {
            return FAILED;
        }
        let_go_of_statement(cursor);
    }
    return 0;
}

static void end_cursor(struct cursor *cursor)
{
    let_go_of_statement(cursor);
    spool_finish(&cursor->spool);
    cursor->state = CURSOR_GONE;
}

void cursor_end_all(struct session *session)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (!cursor->kept) {
            end_cursor(cursor);
        }
    }
}

/* ---- past the end of the transaction ---- */

static int keep(struct cursor *cursor, struct failure *ret_failure)
{
    if (cursor->state == CURSOR_LIVE) {
        if (spool_rest(cursor, ret_failure) != 0) {
            return FAILED;
        }
        let_go_of_statement(cursor);
    }
    cursor->kept = true;
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
    struct failure failure;

    if (cursor->state != CURSOR_LIVE || !cursor->session->txn.begun) {
        return;
    }
    if (spool_rest(cursor, &failure) != 0) {
        cursor->state = CURSOR_LOST;
    }
    let_go_of_statement(cursor);
}

void cursor_rollback_to(struct session *session, size_t number)
{
    struct cursor *cursor;

    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor->kept) {
            continue;
        }
        if (cursor->depth > number) {
            end_cursor(cursor);
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

/* ---- opening ---- */

static int bind_one(sqlite3_stmt *stmt, int number, const struct cell *cell)
{
    static const char empty[1];
    const void *bytes =
        cell->kind >= CELL_TEXT && cell->bytes.len > 0 ? (const void *)cell->bytes.data : empty;

    switch (cell->kind) {
    case CELL_INT:
        return sqlite3_bind_int64(stmt, number, cell->i);
    case CELL_REAL:
        return sqlite3_bind_double(stmt, number, cell->r);
    case CELL_TEXT:
        return sqlite3_bind_text64(stmt, number, bytes, cell->bytes.len, SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    case CELL_BLOB:
        return sqlite3_bind_blob64(stmt, number, bytes, cell->bytes.len, SQLITE_TRANSIENT);
    case CELL_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, number);
}

/* Parameters that the statement does not name are not its business. */
static int bind_all(struct session *session, sqlite3_stmt *stmt, const struct cell *params,
                    size_t count, struct failure *ret_failure)
{
    size_t wanted = (size_t)sqlite3_bind_parameter_count(stmt);

    for (size_t i = 0; i < count && i < wanted; i++) {
        int rc = bind_one(stmt, (int)i + 1, &params[i]);

        if (rc != SQLITE_OK) {
            return session_fail(session, rc, view_of_str(sqlite3_sql(stmt)), NULL, ret_failure);
        }
    }
    return 0;
}

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
    struct cursor *cursor = mem_alloc(sizeof(*cursor) + columns * sizeof(struct cell));
    size_t spool_bytes = session->options.spool_bytes;

    if (cursor == NULL) {
        return NULL;
    }
    *cursor = (struct cursor){ .session = session,
                               .stmt = stmt,
                               .columns = columns,
                               .scrolls = (flags & CURSOR_SCROLL) != 0,
                               .depth = session->txn.savepoint_count };
    spool_init(&cursor->spool, spool_bytes == 0 ? spool_default_bytes : spool_bytes);
    if (cursor->scrolls) {
        spool_set_seekable(&cursor->spool);
    }
    TAILQ_INSERT_TAIL(&session->cursors, cursor, entry);
    return cursor;
}

static void cursor_destroy(struct cursor *cursor)
{
    end_cursor(cursor);
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
    int r = spool_rest(cursor, ret_failure);
    session->vacuum = false;
    if (r == 0 && sqlite3_total_changes64(session->db) != before) {
        cursor->changes = sqlite3_changes64(session->db);
    }
    let_go_of_statement(cursor);
    txn_leave(session);
    return r;
}

/* Live cursors leave before a write, and before a read that would not see the newest root for their
 * sake. */
static int make_way(struct session *session, enum txn_need need, struct failure *ret_failure)
{
    bool fixed = session->txn.modes.isolation != TXN_READ_COMMITTED;

    if (TAILQ_EMPTY(&session->cursors) ||
        (need == TXN_READ && (fixed || vfs_root_is_newest(session->db)))) {
        return 0;
    }
    return cursor_spool_all(session, ret_failure);
}

static int start(struct cursor *cursor, enum txn_need need, struct view sql,
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
    return 0;
}

static int open_entered(struct session *session, struct view sql, const struct cell *params,
                        size_t param_count, unsigned flags, struct cursor **ret_cursor,
                        struct failure *ret_failure)
{
    sqlite3_stmt *stmt;

    if (session_prepare(session, sql, &stmt, ret_failure) != 0) {
        return FAILED;
    }
    enum txn_need need = need_of(stmt, sql, flags);
    if (make_way(session, need, ret_failure) != 0 ||
        bind_all(session, stmt, params, param_count, ret_failure) != 0) {
        session_release(session, stmt);
        return FAILED;
    }
    struct cursor *cursor = cursor_new(session, stmt, flags);
    if (cursor == NULL) {
        session_release(session, stmt);
        return failure_set_nomem(ret_failure);
    }
    if (start(cursor, need, sql, ret_failure) != 0) {
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
    int r = spool_put(&cursor->spool, cursor->cells, cursor->columns);

    if (r != 0) {
        return fail_spool(cursor, r, ret_failure);
    }
    spool_seek(&cursor->spool, spool_rows(&cursor->spool));
    return 0;
}

static int next_live(struct cursor *cursor, struct failure *ret_failure)
{
    session_enter(cursor->session);
    int r = step(cursor, ret_failure);
    if (r == CURSOR_END) {
        cursor->state = cursor->scrolls ? CURSOR_SPOOLED : CURSOR_DONE;
        let_go_of_statement(cursor);
    } else if (r == 0 && cursor->scrolls) {
        r = keep_row(cursor, ret_failure);
    }
    session_leave(cursor->session);
    return r;
}

static bool next_kept(struct cursor *cursor)
{
    return spool_get(&cursor->spool, cursor->cells, cursor->columns);
}

int cursor_next(struct cursor *cursor, const struct cell **ret_cells, struct failure *ret_failure)
{
    int r = CURSOR_END;

    switch (cursor->state) {
    case CURSOR_LIVE:
        r = cursor->scrolls && next_kept(cursor) ? 0 : next_live(cursor, ret_failure);
        break;
    case CURSOR_SPOOLED:
        r = next_kept(cursor) ? 0 : CURSOR_END;
        break;
    case CURSOR_LOST:
        return fail_room(cursor, BUF_FULL, ret_failure);
    case CURSOR_GONE:
        return failure_set(ret_failure, "24000", "cursor is closed: its transaction has ended");
    case CURSOR_DONE:
        break;
    }
    if (r == 0) {
        *ret_cells = cursor->cells;
    }
    return r;
}

size_t cursor_columns(const struct cursor *cursor)
{
    return cursor->columns;
}

int64_t cursor_changes(const struct cursor *cursor)
{
    return cursor->changes;
}

void cursor_seek(struct cursor *cursor, size_t row)
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
