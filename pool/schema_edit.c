/* pool/schema_edit.c: a table's text in SQLite's schema, exchanged for another one.
 *
 * The one place where SQLite lets us write its schema table. The new text is tried inside a
 * savepoint; one that SQLite cannot read is taken back. */
#include "pool/session_state.h"

#include <stdio.h>

/* Others see by the cookie that they must read the schema again. Raised after the edit, for it also
 * tells SQLite that the schema has changed and must be read again when the transaction or savepoint
 * is rolled back. */
static int raise_cookie(struct session *session, const char *schema)
{
    sqlite3_stmt *stmt = NULL;
    char text[64];
    int cookie = 0;

    snprintf(text, sizeof(text), "PRAGMA %s.schema_version", schema);
    session->internal++;
    int rc = sqlite3_prepare_v2(session->db, text, -1, &stmt, NULL);
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        cookie = sqlite3_column_int(stmt, 0);
    }
    sqlite3_finalize(stmt);
    session->internal--;
    snprintf(text, sizeof(text), "PRAGMA %s.schema_version = %d", schema, cookie + 1);
    return rc != SQLITE_OK ? rc : session_run_internal(session, text);
}

static int exchange(struct session *session, const char *schema, const char *table,
                    const char *text)
{
    char *edit = sqlite3_mprintf(
        "PRAGMA writable_schema=ON;"
        "UPDATE %s.sqlite_master SET sql = %Q WHERE type = 'table' AND name = %Q COLLATE NOCASE;"
        "PRAGMA writable_schema=RESET;",
        schema, text, table);
    char *look = sqlite3_mprintf("SELECT 1 FROM %s.\"%w\" LIMIT 0", schema, table);
    int rc = edit == NULL || look == NULL ? SQLITE_NOMEM : session_run_internal(session, edit);

    rc = rc == SQLITE_OK ? raise_cookie(session, schema) : rc;
    if (rc == SQLITE_OK) {
        rc = session_run_internal(session, look);
    }
    sqlite3_free(edit);
    sqlite3_free(look);
    return rc;
}

static int exchange_or_not(struct session *session, const char *schema, const char *table,
                           const char *text)
{
    int rc = session_run_internal(session, "SAVEPOINT pond_ddl");

    if (rc != SQLITE_OK) {
        return rc;
    }
    sqlite3_db_config(session->db, SQLITE_DBCONFIG_DEFENSIVE, 0, (int *)NULL);
    rc = exchange(session, schema, table, text);
    if (rc != SQLITE_OK) {
        (void)session_run_internal(session, "ROLLBACK TO pond_ddl");
        (void)session_run_internal(session, "PRAGMA writable_schema=RESET");
    }
    (void)session_run_internal(session, "RELEASE pond_ddl");
    sqlite3_db_config(session->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    return rc;
}

int session_edit_schema(struct session *session, bool temporary, const char *table,
                        const char *text, struct failure *ret_failure)
{
    session_enter(session);
    int rc = exchange_or_not(session, temporary ? "temp" : "main", table, text);
    session_leave(session);
    return rc == SQLITE_OK ? 0 : session_fail(session, rc, view_of_str(text), NULL, ret_failure);
}
