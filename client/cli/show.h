/* client/cli/show.h: the answer of a statement on stdout. */
#pragma once

#include "client/cli/cli.h"
#include "client/cli/format.h"

/* Statements without parameters, or one with them; tags of those without rows are not shown. 0, or
 * an exit code after a message. */
must_check int show_answer(struct pond_conn *conn, const char *sql, const struct pond_value *values,
                           size_t count, enum format_name name);
