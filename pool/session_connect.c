/* pool/session_connect.c: SQLite's connection on the session's clone, as every session has it. */
#include "pool/session_state.h"

#include "pool/guard.h"
#include "pool/vfs.h"

static int set_up(struct session *session)
{
    static const struct {
        int option;
        int value;
    } settings[] = {
        { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        { SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
    };
    int rc = SQLITE_OK;

    for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(settings); i++) {
        rc = sqlite3_db_config(session->db, settings[i].option, settings[i].value, (int *)NULL);
    }
    sqlite3_extended_result_codes(session->db, 1);
    /* Temporary files stay files (in our VFS): that is SQLite's default here. With a small cache a
     * sort goes to them in small parts (256 KiB take 0.5 ms), between which it can be stopped;
     * pages are lent by the VFS, the cache holds but dirty ones. LIKE is PostgreSQL's; nothing of
     * what is deleted needs to be wiped in memory. */
    if (rc == SQLITE_OK) {
        rc = session_run_internal(
            session, "PRAGMA case_sensitive_like=1;PRAGMA secure_delete=0;PRAGMA cache_size=-256");
    }
    if (rc == SQLITE_OK) {
        rc = guard_install(session);
    }
    if (rc == SQLITE_OK) {
        session_watch(session);
    }
    return rc;
}

int session_connect(struct session *session)
{
    int rc = vfs_open_clone(session->clone, &session->db);

    if (rc != SQLITE_OK) {
        return rc;
    }
    vfs_set_user(session->db, session);
    return set_up(session);
}
