/* sql/violation.h: the DETAIL of constraint errors: which key, which row.
 *
 * SQLite says which constraint has failed, and not for which row. So nothing is noted while a
 * statement runs; when it has failed its rows are worked out once more, from its text and its
 * parameters, and the first that violates the constraint is told. It is the same row, for what
 * would give another value the second time (random()) is refused: then there is no DETAIL, as there
 * is none wherever it could be wrong. What nextval() and gen_random_uuid() gave last is remembered,
 * which is enough for one row.
 *
 * It costs only those whose statement fails: some questions to the schema and one query, which is
 * given up when it takes long, and in vain when others commit meanwhile. */
#pragma once

#include "base/cell.h"
#include "base/failure.h"

struct sql_session;

/* SQLite's text `sql`, run with these parameters, has failed, and all that it did is undone: adds
 * what can be known (a foreign key's name, too, which SQLite does not tell). May await. What goes
 * wrong here is not told: the failure stays as it is. */
void violation_explain(struct sql_session *sql, struct view text, const struct cell *params,
                       size_t param_count, struct failure *failure);

/* Rows of the table that are there may lack a parent: the same for their key. */
void violation_explain_rows(struct sql_session *sql, const char *table, struct failure *failure);

/* CREATE UNIQUE INDEX, SQLite's text, gave this result: if there are keys twice, that is told as
 * PostgreSQL does. Gives the result. */
must_check int violation_index(struct sql_session *sql, struct view text, int result,
                               struct failure *failure);
