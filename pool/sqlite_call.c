/* pool/sqlite_call.c: see sqlite_call.h. */
#include "pool/sqlite_call.h"

#include <stdatomic.h>

enum { step_pages = 256 }; /* between two looks at `stop` */

int sqlite_ask(sqlite3 *db, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_ROW) {
        *ret_value = sqlite3_column_int64(stmt, 0);
        rc = SQLITE_OK;
    }
    int last = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? last : rc;
}

/* Should it not come to its end, finishing it takes back what it has written. */
static int copy_in_steps(sqlite3_backup *backup, const _Atomic bool *stop)
{
    int rc;

    do {
        rc = stop != NULL && atomic_load(stop) ? SQLITE_INTERRUPT
                                               : sqlite3_backup_step(backup, step_pages);
    } while (rc == SQLITE_OK);
    int last = sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE ? last : rc;
}

static int copy(sqlite3 *to, sqlite3 *from, const _Atomic bool *stop)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

    return backup == NULL ? sqlite3_errcode(to) : copy_in_steps(backup, stop);
}

/* All steps see what the first one saw: each would begin a transaction of its own, and the copy
 * anew when somebody has written in between. */
int sqlite_copy(sqlite3 *to, sqlite3 *from, const _Atomic bool *stop)
{
    int rc = sqlite3_exec(from, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);

    if (rc == SQLITE_OK) {
        rc = copy(to, from, stop);
    }
    if (sqlite3_get_autocommit(from) == 0) {
        (void)sqlite3_exec(from, "COMMIT", NULL, NULL, NULL); /* it has read only */
    }
    return rc;
}
