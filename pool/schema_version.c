/* pool/schema_version.c: which of its clone's schemas a session has before it. */
#include "pool/session_state.h"

#include "pool/sqlite_call.h"
#include "pool/vfs.h"

uint32_t session_schema_version(const struct session *session)
{
    return vfs_schema_version(session->db);
}

/* Only a statement that reads the database makes SQLite look whether its parsed schema is still the
 * right one. */
static int read_anew(struct session *session)
{
    return session_run_internal(session, "SELECT 1 FROM sqlite_schema LIMIT 0");
}

static int ask(struct session *session, uint32_t *ret_version)
{
    int64_t version = 0;
    int rc = sqlite_ask(session->db, "PRAGMA main.schema_version", &version);

    *ret_version = (uint32_t)version;
    return rc;
}

int session_read_schema(struct session *session, uint32_t *ret_version, struct failure *ret_failure)
{
    session_enter(session);
    int r = cursor_see_newest(session, ret_failure);
    if (r == 0) {
        session->internal++;
        int rc = read_anew(session);
        rc = rc == SQLITE_OK ? ask(session, ret_version) : rc;
        session->internal--;
        r = rc == SQLITE_OK ? 0 : session_fail(session, rc, view_of_str(""), NULL, ret_failure);
    }
    session_leave(session);
    return r;
}
