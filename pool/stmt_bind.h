/* pool/stmt_bind.h: cells as the parameters of a statement of SQLite. */
#pragma once

#include "base/cell.h"

#include <sqlite3.h>

/* Parameters that the statement does not name are not its business. `lent`: their bytes stay where
 * they are until the statement is reset or bound again; else they are copied. SQLite's code. */
must_check int stmt_bind(sqlite3_stmt *stmt, const struct cell *params, size_t count, bool lent);
