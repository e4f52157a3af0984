/* sql/backward.h: may a cursor go backward that was declared with neither SCROLL nor NO SCROLL? */
#pragma once

#include "sql/grammar.h"

struct sql_session;

/* PostgreSQL's answer is its plan's: scans, sorts, VALUES, functions of FROM and their UNION ALL go
 * both ways, joins, aggregates and all that is grouped do not. True: its planner has no choice but
 * such a plan for this query. On the loop's big stack. */
bool backward_allowed(struct sql_session *sql, const PgQuery__SelectStmt *select);
