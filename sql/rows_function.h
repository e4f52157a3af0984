/* sql/rows_function.h: pond's own functions that give rows, in FROM: pond_image() and pond_schema()
 * (docs/databases.md).
 *
 * Each is an eponymous virtual table of its name, registered on a connection for good: views may
 * name it. Its columns have names that no client's have; a subquery around it gives them their
 * own. */
#pragma once

#include "sql/expr.h"

struct sqlite3_index_info;

/* Is the call one of them? */
bool rows_function_is_call(const PgQuery__Node *node);
/* Prints it as an item of FROM; NULL: failed. */
struct relation *from_rows_function(struct rewriter *r, const PgQuery__RangeFunction *f,
                                    const PgQuery__FuncCall *call);

/* On the session's connection. 0 or -ENOMEM. */
must_check int image_table_register(struct sql_session *sql);
must_check int schema_table_register(struct sql_session *sql);

/* Does the call's argument, this hidden column, stand in the plan? By its bare name, as a table, no
 * client can have it. */
bool rows_function_called(struct sqlite3_index_info *info, int column);
