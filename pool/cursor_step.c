/* pool/cursor_step.c: the values that go into a cursor's statement, and the rows that come out of
 * it. */
#include "pool/sibling.h"
#include "pool/stmt_bind.h"

/* ---- parameters ---- */

int cursor_bind(struct session *session, sqlite3_stmt *stmt, const struct cell *params,
                size_t count, struct failure *ret_failure)
{
    int rc = stmt_bind(stmt, params, count, false);

    return rc == SQLITE_OK
               ? 0
               : session_fail(session, rc, view_of_str(sqlite3_sql(stmt)), NULL, ret_failure);
}

/* ---- rows ---- */

static struct view sql_of(const struct cursor *cursor)
{
    return view_of_str(sqlite3_sql(cursor->stmt));
}

void cursor_let_go(struct cursor *cursor)
{
    if (cursor->sibling != NULL) {
        sibling_let_go(cursor->session, take_ptr(cursor->sibling), take_ptr(cursor->stmt));
    }
    if (cursor->stmt != NULL) {
        session_release(cursor->session, take_ptr(cursor->stmt));
    }
    if (cursor->locks) {
        cursor->locks = false;
        txn_leave(cursor->session);
    }
    if (!txn_is_open(cursor->session)) {
        advisory_end_transaction(cursor->session); /* the statement was one of its own */
    }
}

static int fail_step(struct cursor *cursor, int rc, struct failure *ret_failure)
{
    int r = session_fail(cursor->session, rc, sql_of(cursor), cursor->stmt, ret_failure);

    cursor->state = CURSOR_DONE;
    cursor_let_go(cursor);
    return r;
}

/* The plan was made anew because the schema has changed: does it still give the rows that the
 * client was told of? */
static bool shape_changed(struct cursor *cursor)
{
    bool first = !cursor->started;

    cursor->started = true;
    return first && (size_t)sqlite3_column_count(cursor->stmt) != cursor->row.columns;
}

void cursor_undo_write(struct cursor *cursor)
{
    sqlite3 *db = cursor->session->db;

    if (!sqlite3_stmt_readonly(cursor->stmt) && sqlite3_get_autocommit(db) != 0) {
        sqlite3_interrupt(db);
        (void)sqlite3_step(cursor->stmt);
    }
}

int cursor_fail_stale(struct failure *ret_failure)
{
    failure_set(ret_failure, "0A000", "cached plan must not change result type");
    failure_add(ret_failure, FIELD_ROUTINE, "RevalidateCachedQuery"); /* by this pgjdbc knows it */
    return FAILED;
}

static int fail_shape(struct cursor *cursor, struct failure *ret_failure)
{
    cursor_undo_write(cursor);
    cursor->state = CURSOR_DONE;
    cursor_let_go(cursor);
    return cursor_fail_stale(ret_failure);
}

static int get_cells(struct cursor *cursor, struct failure *ret_failure)
{
    if (!stmt_row_read(&cursor->row, cursor->stmt)) {
        cursor_undo_write(cursor);
        return fail_step(cursor, SQLITE_NOMEM, ret_failure);
    }
    return 0;
}

int cursor_step(struct cursor *cursor, struct failure *ret_failure)
{
    if (cursor->pending) {
        cursor->pending = false;
        return get_cells(cursor, ret_failure);
    }
    cursor->stepping = true;
    cursor->session->stepping++;
    int rc = sqlite3_step(cursor->stmt);
    cursor->session->stepping--;
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
    return get_cells(cursor, ret_failure);
}
