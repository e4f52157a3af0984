/* pool/bulk.c: see bulk.h. The statement stays lent from the session's cache, and is reset behind
 * each row: what it bound may go then. */
#include "pool/bulk.h"

#include "pool/session_state.h"
#include "pool/stmt_bind.h"

#include <assert.h>

struct bulk {
    struct session *session;
    sqlite3_stmt *stmt;
};

static int open_entered(struct session *session, struct view sql, struct bulk *bulk,
                        struct failure *ret_failure)
{
    if (cursor_make_way(session, ret_failure) != 0 ||
        session_prepare(session, sql, &bulk->stmt, ret_failure) != 0) {
        return FAILED;
    }
    assert(!sqlite3_stmt_readonly(bulk->stmt));
    return txn_enter(session, TXN_WRITE, sql, ret_failure);
}

int bulk_open(struct session *session, struct view sql, struct bulk **ret_bulk,
              struct failure *ret_failure)
{
    struct bulk *bulk = mem_zalloc(sizeof(*bulk));

    if (bulk == NULL) {
        return failure_set_nomem(ret_failure);
    }
    assert(txn_is_open(session));
    bulk->session = session;
    session_enter(session);
    int r = open_entered(session, sql, bulk, ret_failure);
    session_leave(session);
    if (r != 0) {
        bulk_close(bulk);
        return r;
    }
    *ret_bulk = bulk;
    return 0;
}

static int run_entered(struct bulk *bulk, const struct cell *params, size_t count,
                       struct failure *ret_failure)
{
    int rc = stmt_bind(bulk->stmt, params, count, true);

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(bulk->stmt);
    }
    if (rc != SQLITE_DONE) {
        return session_fail(bulk->session, rc, view_of_str(sqlite3_sql(bulk->stmt)), bulk->stmt,
                            ret_failure);
    }
    sqlite3_reset(bulk->stmt);
    return 0;
}

int bulk_run(struct bulk *bulk, const struct cell *params, size_t count, int64_t *ret_changes,
             struct failure *ret_failure)
{
    session_enter(bulk->session);
    int r = run_entered(bulk, params, count, ret_failure);
    if (r == 0) {
        *ret_changes = sqlite3_changes64(bulk->session->db);
    }
    session_leave(bulk->session);
    return r;
}

void bulk_close(struct bulk *bulk)
{
    if (bulk == NULL) {
        return;
    }
    if (bulk->stmt != NULL) {
        session_release(bulk->session, bulk->stmt);
        txn_leave(bulk->session);
    }
    mem_free(bulk);
}
