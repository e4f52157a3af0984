/* pool/sibling.c: see sibling.h. What belongs to a connection is exchanged together, and comes back
 * together when the fresh one cannot be had. */
#include "pool/sibling.h"

#include "pool/vfs.h"

#include <assert.h>

struct sibling {
    struct sqlite3 *db;
    struct stmt_cache cache; /* what its cursors were lent */
    size_t cursors;
};

bool sibling_may_open(const struct session *session)
{
    const struct cursor *cursor;

    if (session->txn.begun || session->txn.stuck || session->has_temporary ||
        session->stepping > 0 || session->siblings >= sibling_most) {
        return false;
    }
    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor->locks) {
            return false;
        }
    }
    return true;
}

/* A connection for the session, with all that its user wants on one. */
static bool connect_anew(struct session *session, unsigned registered)
{
    session->db = NULL;
    session->registered = 0;
    return session_connect(session) == SQLITE_OK &&
           (session->equip == NULL || session->equip(session->user, registered) == 0);
}

static void close_db(struct sqlite3 *db)
{
    maybe_unused int rc = sqlite3_close(db);

    assert(rc == SQLITE_OK);
}

/* They see the same root whether they have begun to read or not. */
static void give_cursors(struct session *session, struct sibling *sibling)
{
    struct cursor *cursor;

    vfs_hold_root(sibling->db);
    stmt_cache_hand_over(&session->cache, &sibling->cache);
    TAILQ_FOREACH (cursor, &session->cursors, entry) {
        if (cursor_is_on_session(cursor)) {
            cursor->sibling = sibling;
            sibling->cursors++;
        }
    }
    assert(sibling->cursors > 0);
}

bool sibling_open(struct session *session)
{
    struct sibling *sibling = mem_zalloc(sizeof(*sibling));
    unsigned registered = session->registered;

    if (sibling == NULL) {
        return false;
    }
    sibling->db = session->db;
    if (!connect_anew(session, registered)) {
        close_db(session->db);
        session->db = sibling->db;
        session->registered = registered;
        mem_free(sibling);
        return false;
    }
    if (txn_has_root(session)) {
        vfs_share_root(sibling->db, session->db);
    }
    sqlite3_set_last_insert_rowid(session->db, sqlite3_last_insert_rowid(sibling->db));
    txn_forget_statements(session);
    give_cursors(session, sibling);
    session->siblings++;
    return true;
}

void sibling_let_go(struct session *session, struct sibling *sibling, sqlite3_stmt *stmt)
{
    stmt_cache_release(&sibling->cache, stmt);
    if (--sibling->cursors > 0) {
        return;
    }
    stmt_cache_finish(&sibling->cache);
    close_db(sibling->db);
    mem_free(sibling);
    session->siblings--;
}
