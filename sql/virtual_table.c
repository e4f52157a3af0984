/* sql/virtual_table.c: see virtual_table.h. */
#include "sql/virtual_table.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "pool/sqlite_error.h"

#include <errno.h>
#include <sqlite3.h>

int virtual_table_register(struct session *session, const char *name, const sqlite3_module *module)
{
    int rc = sqlite3_create_module_v2(session_sqlite(session), name, module, session, NULL);

    return rc == SQLITE_OK ? 0 : -ENOMEM;
}

int virtual_table_connect(sqlite3 *db, const char *schema, size_t size, sqlite3_vtab **ret_table)
{
    int rc = sqlite3_declare_vtab(db, schema);
    sqlite3_vtab *table = rc == SQLITE_OK ? mem_zalloc(size) : NULL;

    if (table == NULL) {
        return rc == SQLITE_OK ? SQLITE_NOMEM : rc;
    }
    (void)sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS); /* views may use it */
    *ret_table = table;
    return SQLITE_OK;
}

int virtual_table_disconnect(sqlite3_vtab *table)
{
    mem_free(table);
    return SQLITE_OK;
}

int virtual_table_open(size_t size, sqlite3_vtab_cursor **ret_cursor)
{
    *ret_cursor = mem_zalloc(size);
    return *ret_cursor == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

int virtual_table_fail(sqlite3_vtab *table, const struct failure *failure)
{
    char text[sqlite_message_bytes];

    sqlite_error_print(failure, text);
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf("%s", text);
    return table->zErrMsg == NULL ? SQLITE_NOMEM : SQLITE_ERROR;
}
